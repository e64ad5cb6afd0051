"""A real speaker gets each call at most once, and the record says what came of it."""

from __future__ import annotations

import audioop
import hashlib
import io
import os
import threading
import time
import wave
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bytewax.testing import run_main
from closed_port import closed_port
from network_speaker import PASSWORD, TONE, USER, Horn, network_speaker

from domain.data_dir import DataDir
from domain.errors import Stop, TryAgain
from domain.events.catalog import AnnouncementMade
from domain.site.loading import load_site
from domain.site.site import Site
from domain.site.speech.calls import Calls
from domain.site.speech.speakers import SpeakerSettings
from event_log.log import EventLog
from flows.announce import AnnounceSettings, build_announce_flow
from flows.speech.announce import AnnounceRules
from flows.speech.attempts import AttemptNotes
from flows.speech.call_counter import CallCounter, Caps
from flows.speech.careful_speaker import CarefulSpeaker
from flows.speech.devices.device_player import DevicePlayer
from flows.speech.devices.g711 import to_alaw, to_mulaw
from flows.speech.devices.http_player import HttpPlayer, encode
from flows.speech.holds import quiet_of
from flows.speech.site_speakers import open_speakers
from flows.speech.speaker import FileSpeaker, NoSpeaker
from flows.speech.voice.compose import CallSound
from tests.support.example_events import warned_event


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


def settings(url: str, **more: Any) -> SpeakerSettings:
    facts = {"id": "horn", "kind": "http", "url": url, "timeout_s": 10.0}
    return SpeakerSettings.model_validate(facts | more)


def speaker(horn: Horn, data: DataDir, **more: Any) -> CarefulSpeaker:
    if horn.auth:
        more = {"user": USER, "password_env": "HORN_PASSWORD"} | more
    chosen = settings(horn.url, **more)
    return CarefulSpeaker(chosen, HttpPlayer(chosen, PASSWORD if horn.auth else None), data)


@pytest.mark.parametrize("auth", ["", "basic", "digest", "digest-sha256", "digest-old"])
def test_a_sound_is_posted_once_with_the_password_that_is_asked_for(
    data: DataDir, auth: str
) -> None:
    with network_speaker(auth=auth) as horn:
        spoken = speaker(horn, data).speak("gate", "evt-1", TONE)
    assert (spoken.result, spoken.reason, spoken.speaker_id) == ("played", "", "horn")
    assert (horn.sounds, horn.types) == ([TONE], ["audio/wav"])
    assert spoken.started_at and spoken.ended_at and spoken.started_at <= spoken.ended_at
    assert (data.root / spoken.audio_file).read_bytes() == TONE


@pytest.mark.parametrize(
    ("behaviour", "result", "words"),
    [
        ({"status": 500}, "refused", "answered 500"),
        ({"status": 403}, "refused", "answered 403"),
        ({"status": 503}, "busy", "answered 503"),
        ({"status": 429}, "busy", "answered 429"),
        ({"hangs_s": 2.0}, "timed out", "no answer within 1.2 s"),
        ({"closes_early": True}, "unknown whether played", "the connection broke"),
    ],
)
def test_a_speaker_that_misbehaves_is_recorded_and_not_asked_again(
    data: DataDir, behaviour: dict[str, Any], result: str, words: str
) -> None:
    with network_speaker(**behaviour) as horn:
        careful = speaker(horn, data, timeout_s=1.0 if "hangs_s" in behaviour else 10.0)
        spoken = careful.speak("gate", "evt-1", TONE)
        assert (spoken.result, len(horn.sounds)) == (result, 1)
        assert words in spoken.reason and horn.url in spoken.reason
        assert careful.find_spoken("gate", "evt-1") == spoken


def test_a_wrong_password_never_sends_the_sound_to_be_played(data: DataDir) -> None:
    with network_speaker(auth="digest") as horn:
        chosen = settings(horn.url, user=USER, password_env="HORN_PASSWORD")
        spoken = CarefulSpeaker(chosen, HttpPlayer(chosen, "wrong"), data).speak("g", "e", TONE)
    assert spoken.result == "refused" and "are user and HORN_PASSWORD right?" in spoken.reason
    assert horn.sounds == []


def test_a_speaker_that_is_off_was_not_asked_and_may_be_asked_again(data: DataDir) -> None:
    with closed_port() as port:
        careful = speaker(Horn(url=f"http://127.0.0.1:{port}/"), data)
        with pytest.raises(NoSpeaker, match="no connection"):
            careful.speak("gate", "evt-1", TONE)
    assert careful.find_spoken("gate", "evt-1") is None


def test_a_call_that_was_cut_off_by_a_crash_is_never_repeated(data: DataDir) -> None:
    class Crash(BaseException):
        pass

    class Dies:
        def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Any:
            before()
            raise Crash

    with network_speaker() as horn:
        with pytest.raises(Crash):
            CarefulSpeaker(settings(horn.url), Dies(), data).speak("gate", "evt-1", TONE)
        known = speaker(horn, data).find_spoken("gate", "evt-1")
    assert known is not None and known.result == "unknown whether played"
    assert known.started_at is not None and known.ended_at is None
    assert horn.requests == 0


def test_a_note_that_cannot_be_read_means_silence_not_a_second_call(data: DataDir) -> None:
    with network_speaker() as horn:
        careful = speaker(horn, data)
        careful.speak("gate", "evt-1", TONE)
        (note,) = data.announcements.rglob("*.json")
        note.write_text("{")
        with pytest.raises(TryAgain, match="the note of a call cannot be read"):
            careful.find_spoken("gate", "evt-1")


def test_calls_over_the_hourly_cap_are_recorded_and_not_played(data: DataDir) -> None:
    clock = [datetime.now(UTC)]
    with network_speaker() as horn:
        chosen = settings(horn.url, max_calls_per_hour=2)
        results = []
        for number, minutes in enumerate((0, 1, 2, 62)):
            clock[0] += timedelta(minutes=minutes)
            # a new process each time: the cap is counted from what is on the disk
            careful = CarefulSpeaker(chosen, HttpPlayer(chosen, None), data, lambda: clock[0])
            results.append(careful.speak(f"cam-{number}", "evt", TONE).result)
    assert results == ["played", "played", "over the hourly cap", "played"]
    assert len(horn.sounds) == 3


def night(horn: Horn, data: DataDir, site: Site, at: datetime, **more: Any) -> CarefulSpeaker:
    """Return the horn of a site in London with quiet hours, at some time."""
    chosen = settings(horn.url, quiet_hours="22:00-07:00", **more)
    quiet = quiet_of(site, chosen)
    return CarefulSpeaker(chosen, HttpPlayer(chosen, None), data, lambda: at, quiet=quiet)


@pytest.mark.parametrize(
    ("hour_utc", "result"), [(21, "quiet hours"), (3, "quiet hours"), (12, "played")]
)
def test_in_quiet_hours_nobody_is_called(
    data: DataDir, site: Site, hour_utc: int, result: str
) -> None:
    at = datetime(2026, 7, 1, hour_utc, 30, tzinfo=UTC)  # an hour later in London
    with network_speaker() as horn:
        spoken = night(horn, data, site, at).speak("gate", "evt-1", TONE)
        again = night(horn, data, site, at + timedelta(hours=12)).find_spoken("gate", "evt-1")
    assert spoken.result == result and spoken == again
    assert len(horn.sounds) == (result == "played")
    assert ("quiet hours 22:00-07:00" in spoken.reason) == (result == "quiet hours")


def test_quiet_hours_may_lower_the_voice_instead(data: DataDir, site: Site) -> None:
    at = datetime(2026, 7, 1, 1, 30, tzinfo=UTC)
    with network_speaker() as horn:
        spoken = night(horn, data, site, at, quiet_volume=0.25).speak("gate", "evt-1", TONE)
    assert (spoken.result, spoken.volume) == ("played", 0.25)
    (heard,) = horn.sounds
    assert hashlib.sha256(heard).hexdigest() == spoken.sha256
    with wave.open(io.BytesIO(heard), "rb") as sound:
        loudest = int(np.abs(np.frombuffer(sound.readframes(-1), "<i2")).max())
    assert loudest == pytest.approx(9000 / 4, abs=2)


def test_the_sites_quiet_hours_hold_for_speakers_without_their_own(site: Site) -> None:
    quiet = site.model_copy(update={"calls": Calls(quiet_hours="22:00-07:00")})
    own = quiet_of(quiet, settings("http://horn.invalid/", quiet_hours="Su"))
    other = quiet_of(quiet, settings("http://horn.invalid/"))
    assert own is not None and own.notation == "Su"
    assert other is not None and other.notation == "22:00-07:00"
    assert quiet_of(site, settings("http://horn.invalid/")) is None


def test_the_sites_cap_counts_the_calls_of_all_speakers(data: DataDir) -> None:
    at = datetime.now(UTC)

    def call(chosen: SpeakerSettings, counter: CallCounter, key: str) -> str:
        careful = CarefulSpeaker(chosen, HttpPlayer(chosen, None), data, lambda: at, counter)
        return careful.speak("gate", key, TONE).result

    with network_speaker() as horn, closed_port() as port:
        one, other = settings(horn.url), settings(horn.url, id="other")
        off = settings(f"http://127.0.0.1:{port}/", id="off")
        before = CallCounter(AttemptNotes(data), Caps(site=3))
        results = [call(one, before, "evt-1"), call(other, before, "evt-2")]
        after = CallCounter(AttemptNotes(data), Caps(site=3))  # another process: notes are counted
        with pytest.raises(NoSpeaker):
            call(off, after, "evt-3")  # takes nothing from the others
        results += [call(one, after, "evt-4"), call(other, after, "evt-5")]
    assert results == ["played", "played", "played", "over the hourly cap"]


def test_sounds_are_posted_in_the_encoding_that_the_speaker_takes() -> None:
    with wave.open(io.BytesIO(TONE), "rb") as sound:
        samples = sound.readframes(-1)
    assert encode(TONE, "wav") == TONE
    assert encode(TONE, "pcm") == audioop.byteswap(samples, 2)
    everything = np.arange(-32768, 32768, 4).astype("<i2")  # G.711 takes 14 bits
    assert to_mulaw(everything).tobytes() == audioop.lin2ulaw(everything.tobytes(), 2)
    everything = np.arange(-32768, 32768).astype("<i2")
    assert to_alaw(everything).tobytes() == audioop.lin2alaw(everything.tobytes(), 2)
    heard = np.frombuffer(audioop.ulaw2lin(encode(TONE, "mulaw"), 2), "<i2").astype(float)
    assert len(heard) == 1600
    assert int(np.abs(np.fft.rfft(heard)).argmax()) * 8000 / 1600 == 440
    assert abs(heard[200:-200]).max() == pytest.approx(9000, rel=0.05)


def _fake_aplay(folder: Path, script: str) -> None:
    program = folder / "aplay"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "result", "words"),
    [
        ('cp "$4" "$(dirname "$0")/heard.wav"', "played", ""),
        ("echo 'Device or resource busy' >&2; exit 1", "busy", "resource busy"),
        ("echo 'no such card' >&2; exit 1", "refused", "no such card"),
        ("exec sleep 5", "timed out", "not done in 1.2 s"),
    ],
)
def test_this_machines_own_speaker_plays_by_aplay(
    data: DataDir,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    result: str,
    words: str,
) -> None:
    _fake_aplay(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    chosen = SpeakerSettings(id="desk", kind="sound-device", device="hw:1", timeout_s=1.0)
    spoken = CarefulSpeaker(chosen, DevicePlayer(chosen), data).speak("gate", "evt-1", TONE)
    assert spoken.result == result
    assert words in spoken.reason
    if result == "played":
        assert (tmp_path / "heard.wav").read_bytes() == TONE


def test_a_machine_without_a_player_says_which_package_is_missing(
    data: DataDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = SpeakerSettings(id="desk", kind="sound-device")
    with pytest.raises(NoSpeaker, match="needs aplay"):
        CarefulSpeaker(chosen, DevicePlayer(chosen), data).speak("gate", "evt-1", TONE)


# the announce flow with real speakers ------------------------------------------------------------


class ReadyVoice:
    """Speech is tested elsewhere; this one says a tone."""

    engine_name = "a tone"

    def sound(self, words: object) -> CallSound:
        return CallSound(TONE, ())


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    return load_site(sample_site_file)


def with_speakers(site: Site, *speakers: SpeakerSettings, **by_camera: str) -> Site:
    cameras = [
        camera.model_copy(
            update={
                "id": ("gate", "yard")[number],
                "speaker": by_camera.get(("gate", "yard")[number]),
            }
        )
        for number, camera in enumerate(site.cameras)
    ]
    return site.model_copy(update={"cameras": tuple(cameras), "speakers": speakers})


def announce(
    site: Site, data: DataDir, environment: dict[str, str], drain: threading.Event | None = None
) -> list[AnnouncementMade]:
    """Run the flow over the log, every camera live; what was announced, by camera.

    Args:
        site: its cameras and speakers.
        data: has the log.
        environment: where passwords are.
        drain: set to end; None: with what is in the log.
    """
    live = frozenset(camera.id for camera in site.cameras)
    # the words of the calls are all the same, and each is to be heard, however slow this machine
    rules = AnnounceRules(live_cameras=live, too_late_after_s=60.0, say_once_within_s=0.0)
    chosen = AnnounceSettings(data, rules)
    if drain is None:
        drain = threading.Event()
        drain.set()
    speakers = open_speakers(site, data, environment, live)
    run_main(
        build_announce_flow(chosen, ReadyVoice(), threading.Event(), drain, speakers)  # type: ignore[arg-type]
    )
    with EventLog.open(data.events_db) as log:
        return sorted(announced(log), key=lambda each: each.camera_id)


def announced(log: EventLog) -> list[AnnouncementMade]:
    found = [each.event.data for each in log.read(types=[AnnouncementMade.event_type])]
    return [each for each in found if isinstance(each, AnnouncementMade)]


def test_a_live_warning_reaches_the_cameras_own_speaker_and_its_record_says_so(
    site: Site, data: DataDir
) -> None:
    with network_speaker(auth="digest") as horn, EventLog.open(data.events_db) as log:
        chosen = settings(horn.url, user=USER, password_env="HORN_PASSWORD")
        log.append([warned_event(1, "gate", datetime.now(UTC))])
        log.append([warned_event(2, "yard", datetime.now(UTC))])
        spoken = announce(
            with_speakers(site, chosen, gate="horn"), data, {"HORN_PASSWORD": PASSWORD}
        )
        again = announce(
            with_speakers(site, chosen, gate="horn"), data, {"HORN_PASSWORD": PASSWORD}
        )
    assert [(e.camera_id, e.result, e.speaker_id) for e in spoken] == [
        ("gate", "played", "horn"),
        ("yard", "written", ""),
    ]
    assert spoken[0].was_spoken and spoken[0].started_at and spoken[0].ended_at
    assert horn.sounds == [TONE]
    assert again == spoken


def test_a_live_warning_that_is_too_late_never_reaches_the_speaker(
    site: Site, data: DataDir
) -> None:
    with network_speaker() as horn, EventLog.open(data.events_db) as log:
        late = datetime.now(UTC) - timedelta(seconds=61)
        log.append([warned_event(1, "gate", late)])
        (made,) = announce(with_speakers(site, settings(horn.url), gate="horn"), data, {})
    assert (made.result, horn.requests) == ("too late", 0)


def test_a_speaker_that_hangs_holds_up_only_itself(site: Site, data: DataDir) -> None:
    talks, drain = threading.Event(), threading.Event()
    results: list[list[str]] = []

    def has_announced(log: EventLog, calls: int) -> bool:
        return len(announced(log)) == calls

    def give_the_other_speaker_work(log: EventLog, stuck: Horn, horn: Horn) -> None:
        try:
            wait_for(lambda: stuck.requests == 1)
            for number in (2, 3):  # each in a batch of its own, long after the call that hangs
                log.append([warned_event(number, "yard", datetime.now(UTC))])
                wait_for(partial(has_announced, log, number - 1))
            results.append([each.camera_id for each in announced(log)])
        finally:
            talks.set()
            drain.set()

    with (
        network_speaker(talks=talks) as stuck,
        network_speaker() as horn,
        EventLog.open(data.events_db) as log,
    ):
        log.append([warned_event(1, "gate", datetime.now(UTC))])
        helper = threading.Thread(target=give_the_other_speaker_work, args=(log, stuck, horn))
        helper.start()
        speakers = (settings(stuck.url, id="stuck", timeout_s=10.0), settings(horn.url))
        made = announce(with_speakers(site, *speakers, gate="stuck", yard="horn"), data, {}, drain)
        helper.join()
    assert results == [["yard", "yard"]]
    assert [each.result for each in made] == ["played", "played", "played"]
    assert made[0].ended_at and made[2].ended_at and made[2].ended_at < made[0].ended_at


def wait_for(done: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 90
    while not done():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_speaker_that_is_off_is_recorded_as_no_speaker(site: Site, data: DataDir) -> None:
    with closed_port() as port, EventLog.open(data.events_db) as log:
        log.append([warned_event(1, "gate", datetime.now(UTC))])
        off = settings(f"http://127.0.0.1:{port}/")
        (made,) = announce(with_speakers(site, off, gate="horn"), data, {})
    assert made.result == "no speaker" and "is it on?" in made.reason
    assert not made.was_spoken


def test_recordings_are_written_to_files_whatever_speaker_the_camera_names(
    site: Site, data: DataDir
) -> None:
    with network_speaker() as horn:
        speakers = open_speakers(
            with_speakers(site, settings(horn.url), gate="horn"), data, {}, live_cameras=()
        )
        assert speakers.speak("gate", "evt-1", TONE).result == "written"
    assert horn.requests == 0


def test_a_password_that_is_not_set_stops_the_program(site: Site, data: DataDir) -> None:
    chosen = settings("http://horn.invalid/", user=USER, password_env="HORN_PASSWORD")
    with pytest.raises(Stop, match="HORN_PASSWORD is not set"):
        open_speakers(with_speakers(site, chosen, gate="horn"), data, {}, ["gate"])


def test_the_file_speaker_still_writes(data: DataDir) -> None:
    assert FileSpeaker(data).speak("gate", "evt-1", TONE).result == "written"
