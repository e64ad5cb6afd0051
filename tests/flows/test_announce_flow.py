"""Each warning is answered by exactly one announcement: spoken once, too late, or failed."""

from __future__ import annotations

import signal
import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bytewax.recovery import init_db_dir
from bytewax.testing import run_main

from domain.base import BothLanguages
from domain.data_dir import DataDir
from domain.errors import PutAside, TryAgain
from domain.events.announcements import announcement_of
from domain.events.catalog import AnnouncementMade, Event
from domain.site.loading import load_site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.announce import AnnounceSettings, build_announce_flow, build_voice, warm
from flows.speech.announce import AnnounceRules, AnnounceTools, announce_rung
from flows.speech.speaker import FileSpeaker
from flows.speech.voice.compose import CallVoice, CallWords
from flows.speech.voice.engine import Speech
from flows.speech.voice.espeak import EspeakEngine
from tests.support import announce_child
from tests.support.example_events import START, one_of_each, warned_event
from tests.support.forked import fork

MADE = [AnnouncementMade.event_type]


@pytest.fixture(scope="module")
def engine() -> Iterator[EspeakEngine]:
    engine = EspeakEngine(answer_within_s=30.0)
    yield engine
    engine.close()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


@pytest.fixture
def voice(data: DataDir, engine: EspeakEngine) -> CallVoice:
    return build_voice(AnnounceSettings(data), engine)


def drain(settings: AnnounceSettings, voice: CallVoice) -> None:
    everything = threading.Event()
    everything.set()
    run_main(build_announce_flow(settings, voice, threading.Event(), everything))


def made(log: EventLog) -> list[AnnouncementMade]:
    found = [each.event.data for each in log.read(types=MADE)]
    assert all(isinstance(each, AnnouncementMade) for each in found)
    return [each for each in found if isinstance(each, AnnouncementMade)]


def sounds(data: DataDir) -> list[str]:
    return sorted(str(path.relative_to(data.root)) for path in data.announcements.rglob("[!.]*"))


def logged(event: Event, recorded_at: datetime = START) -> LoggedEvent:
    return LoggedEvent(1, event, recorded_at)


def tools(
    data: DataDir, voice: CallVoice, now: datetime = START, known: Event | None = None
) -> AnnounceTools:
    def find(event_id: str) -> LoggedEvent | None:
        return logged(known) if known is not None and known.id == event_id else None

    return AnnounceTools(voice, FileSpeaker(data), find, lambda: now)


def test_every_warning_is_spoken_into_a_file_that_its_event_names(
    data: DataDir, voice: CallVoice
) -> None:
    warnings = [warned_event(number, camera) for camera in ("gate", "yard") for number in (1, 2, 3)]
    with EventLog.open(data.events_db) as log:
        log.append([*warnings, *(e for e in one_of_each() if e.type not in MADE)])
        drain(AnnounceSettings(data), voice)
        announced = made(log)
    assert [each.warned_event_id for each in announced] == [each.id for each in warnings]
    for each in announced:
        assert each.result == "written" and each.languages == ("zh", "en")
        assert each.audio_file == f"announcements/{each.camera_id}/{each.warned_event_id}.wav"
        with wave.open(str(data.root / each.audio_file), "rb") as sound:
            assert sound.getnframes() / sound.getframerate() == each.audio_duration_s
    assert len([name for name in sounds(data) if name.endswith(".wav")]) == 6


def test_a_second_run_speaks_nothing_again_and_writes_no_event(
    data: DataDir, voice: CallVoice
) -> None:
    with EventLog.open(data.events_db) as log:
        log.append([warned_event()])
        drain(AnnounceSettings(data), voice)
        (first,) = made(log)
        sound = data.root / str(first.audio_file)
        spoken_at, seq = sound.lstat().st_mtime_ns, log.last_seq()
        drain(AnnounceSettings(data), voice)  # without its recovery store: reads all again
        assert (sound.lstat().st_mtime_ns, log.last_seq()) == (spoken_at, seq)


def test_recorded_footage_is_never_too_late(data: DataDir, voice: CallVoice) -> None:
    years_later = START + timedelta(days=700)
    event = announce_rung(logged(warned_event()), tools(data, voice, years_later), AnnounceRules())
    assert event.data.result == "written"
    assert event.time == warned_event().time


@pytest.mark.parametrize(
    ("frame_age_s", "recorded_age_s", "result"),
    [(4.9, 1, "written"), (5.1, 1, "too late"), (1, 5.1, "too late"), (-30, 1, "written")],
    ids=["in time", "old frame", "recorded long ago", "camera's clock is ahead"],
)
def test_a_live_warning_is_played_only_while_it_is_fresh(
    data: DataDir, voice: CallVoice, frame_age_s: float, recorded_age_s: float, result: str
) -> None:
    now = START
    event = warned_event(at=now - timedelta(seconds=frame_age_s))
    item = logged(event, recorded_at=now - timedelta(seconds=recorded_age_s))
    rules = AnnounceRules(live_cameras=frozenset({"gate"}))
    data_made = announce_rung(item, tools(data, voice, now), rules).data
    assert isinstance(data_made, AnnouncementMade)
    assert data_made.result == result
    assert (data_made.audio_file is None) == (result == "too late") == (sounds(data) == [])
    assert ("5 s are allowed" in data_made.reason) == (result == "too late")


def test_a_sound_that_took_too_long_to_make_is_not_played(data: DataDir, voice: CallVoice) -> None:
    moments = iter([START + timedelta(seconds=4), START + timedelta(seconds=6)])
    slow = AnnounceTools(
        voice, FileSpeaker(data), lambda _: None, lambda: next(moments, START + timedelta(hours=1))
    )
    rules = AnnounceRules(live_cameras=frozenset({"gate"}))
    event = announce_rung(logged(warned_event()), slow, rules)
    assert event.data.result == "too late" and sounds(data) == []


def test_what_was_spoken_before_a_crash_is_told_as_spoken_however_late(
    data: DataDir, voice: CallVoice
) -> None:
    rules = AnnounceRules(live_cameras=frozenset({"gate"}))
    item = logged(warned_event())
    first = announce_rung(item, tools(data, voice), rules)
    # killed before the event was written; it comes back an hour later
    again = announce_rung(item, tools(data, voice, START + timedelta(hours=1)), rules)
    assert again == first


def test_what_the_log_says_is_not_tried_again(data: DataDir, voice: CallVoice) -> None:
    item = logged(warned_event(text=BothLanguages(zh="…", en="…")))
    failed = announce_rung(item, tools(data, voice), AnnounceRules())
    assert failed.data.result == "failed"
    assert announce_rung(item, tools(data, voice, known=failed), AnnounceRules()) == failed
    assert failed.id == announcement_of(item.event.id)


def test_a_text_that_cannot_be_spoken_fails_with_the_reason_and_the_others_go_on(
    data: DataDir, voice: CallVoice
) -> None:
    silent = warned_event(1, text=BothLanguages(zh="您好。", en="..."))
    with EventLog.open(data.events_db) as log:
        log.append([silent, warned_event(2)])
        drain(AnnounceSettings(data), voice)
        first, second = made(log)
    assert (first.result, second.result) == ("failed", "written")
    assert "nothing in it can be spoken" in first.reason
    assert first.audio_file is None and first.audio_sha256 is None


class Tired(EspeakEngine):
    """A real engine whose process is gone before each of the first calls."""

    def __init__(self, failures: int) -> None:
        super().__init__(answer_within_s=30.0)
        self.failures = failures

    def synthesise(self, text: str, language: str, target: Path) -> Speech:
        if self.failures:
            self.failures -= 1
            raise TryAgain("its process died")
        return super().synthesise(text, language, target)


@pytest.mark.parametrize(("failures", "result"), [(2, "written"), (3, "failed")])
def test_an_engine_that_dies_is_asked_again_a_bounded_number_of_times(
    data: DataDir, failures: int, result: str
) -> None:
    voice = build_voice(AnnounceSettings(data), Tired(failures))
    rules = AnnounceRules(attempts=3, retry_pause_s=0.0)
    try:
        event = announce_rung(logged(warned_event()), tools(data, voice), rules)
    finally:
        voice.close()
    assert event.data.result == result
    assert (event.data.reason == "") == (result == "written")


def test_a_speaker_that_cannot_be_written_fails_with_the_reason(
    data: DataDir, voice: CallVoice
) -> None:
    data.root.mkdir()
    data.announcements.write_text("in the way")
    rules = AnnounceRules(retry_pause_s=0.0)
    event = announce_rung(logged(warned_event()), tools(data, voice), rules)
    assert event.data.result == "failed"
    assert "announcements" in event.data.reason


def test_ids_from_outside_cannot_leave_the_announcements_folder(
    data: DataDir, voice: CallVoice
) -> None:
    for camera_id in ("../../etc", "..", "", ".hidden", "a/b", "x" * 300):
        event = announce_rung(
            logged(warned_event(camera_id=camera_id)), tools(data, voice), AnnounceRules()
        )
        assert event.data.result == "written"
    written = [path for path in data.root.parent.rglob("*.wav") if "speech" not in path.parts]
    assert len(written) == 6
    assert {path.parents[1] for path in written} == {data.announcements}


def test_what_is_no_warning_is_put_aside(data: DataDir, voice: CallVoice) -> None:
    with pytest.raises(PutAside, match="needs a warning"):
        announce_rung(logged(one_of_each()[0]), tools(data, voice), AnnounceRules())


def test_a_sites_texts_are_ready_before_they_are_due(
    data: DataDir, voice: CallVoice, sample_site_file: Path
) -> None:
    site = load_site(sample_site_file)
    assert warm(site, voice) == 3
    files = {path: path.stat().st_mtime_ns for path in data.speech_cache.iterdir()}
    assert len(files) == 6
    text = site.ladders[0].rungs[0].text
    assert text is not None
    voice.sound(CallWords(text))
    assert {path: path.stat().st_mtime_ns for path in data.speech_cache.iterdir()} == files


def test_only_streams_are_live_unless_files_stand_in_for_them(
    data: DataDir, sample_site_file: Path
) -> None:
    site = load_site(sample_site_file)
    assert AnnounceSettings.of_site(site, data).rules.live_cameras == frozenset()
    both = AnnounceSettings.of_site(site, data, files_are_live=True).rules.live_cameras
    assert both == {"gate-early", "gate-late"}


def test_a_killed_announcer_speaks_each_warning_once(data: DataDir) -> None:
    store = data.recovery / "announce"
    store.mkdir(parents=True)
    init_db_dir(store, 1)
    warnings = [warned_event(number) for number in range(60)]
    written: dict[str, int] = {}
    with EventLog.open(data.events_db) as log:
        for round_ in range(4):
            log.append(warnings[15 * round_ : 15 * round_ + 15])
            announcer = fork(announce_child.main, data, said=data.root / f"said-{round_}")
            try:
                announcer.wait_until_said("running")
                if round_ == 3:
                    announcer.send_signal(signal.SIGUSR1)
                    assert announcer.wait(60) == 0
                else:
                    _wait_for_sounds(data, len(written) + 3)
            finally:
                announcer.kill()
                announcer.wait()
            for path in data.announcements.rglob("*.wav"):
                at = path.lstat().st_mtime_ns
                assert written.setdefault(path.name, at) == at, "spoken twice"
        announced = made(log)
    assert [each.warned_event_id for each in announced] == [each.id for each in warnings]
    assert {each.result for each in announced} == {"written"}
    assert written.keys() == {f"{each.id}.wav" for each in warnings}


def _wait_for_sounds(data: DataDir, enough: int, timeout_s: float = 60.0) -> None:
    give_up_at = time.monotonic() + timeout_s
    while len(list(data.announcements.rglob("*.wav"))) < enough:
        assert time.monotonic() < give_up_at, f"no {enough} sounds after {timeout_s} s"
        time.sleep(0.005)


def test_a_live_announcement_is_dated_when_it_was_spoken(data: DataDir, voice: CallVoice) -> None:
    now = datetime.now(UTC)
    rules = AnnounceRules(live_cameras=frozenset({"gate"}))
    event = announce_rung(
        logged(warned_event(at=now), recorded_at=now), tools(data, voice, now), rules
    )
    assert isinstance(event.data, AnnouncementMade)
    sound = data.root / str(event.data.audio_file)
    assert event.time == datetime.fromtimestamp(sound.lstat().st_mtime, UTC)


def test_an_operators_words_are_spoken_like_any_call(data: DataDir, voice: CallVoice) -> None:
    warned = warned_event()
    words = warned.data.model_copy(update={"rung_id": "own-words", "rung_number": 0})
    with EventLog.open(data.events_db) as log:
        log.append([replace(warned, data=words)])
        drain(AnnounceSettings(data), voice)
        (announcement,) = made(log)
    assert (announcement.rung_id, announcement.rung_number) == ("own-words", 0)
    assert announcement.was_spoken
    assert sounds(data) != []
