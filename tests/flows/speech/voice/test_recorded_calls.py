"""Dialects are spoken by recordings: checked beforehand, played once, kept in the record by hash."""

from __future__ import annotations

import hashlib
import io
import wave
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from network_speaker import TONE

from domain.base import BothLanguages
from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.events.announcements import AnnouncementMade
from domain.events.catalog import OffenceWarned
from domain.site.ladders import Recording
from domain.site.loading import load_site
from domain.site.site import Site
from event_log.rows import LoggedEvent
from flows.announce import AnnounceSettings, build_voice, warm
from flows.site_checks.calls import call_faults
from flows.speech.announce import AnnounceRules, AnnounceTools, announce_rung
from flows.speech.speaker import FileSpeaker
from flows.speech.voice.compose import CallVoice, CallWords
from flows.speech.voice.espeak import EspeakEngine
from flows.speech.voice.recorded import RecordedEngine, decode, examine
from tests.support.example_events import START, warned_event

SAYS = BothLanguages(zh="唔該你離開", en="Please leave")
TEXT = BothLanguages(zh="请离开。", en="Please leave.")


def sing(path: Path, codec: str, duration_s: float = 1.0, loudness: float = 0.3) -> Path:
    """Write a stereo tone at 48 kHz in any of the formats that people record in."""
    times = np.arange(round(48_000 * duration_s)) / 48_000
    wave_ = (32_767 * loudness * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(
            np.repeat(wave_, 2).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate = 48_000
        resampler = av.AudioResampler(
            format=stream.codec_context.format, layout="stereo", rate=48_000
        )
        pieces = [*resampler.resample(frame), *resampler.resample(None)]
        fifo = av.AudioFifo()
        for piece in pieces:
            piece.pts = None
            fifo.write(piece)
        size = stream.codec_context.frame_size or 1024
        while piece := fifo.read(size) or fifo.read(0):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    return tmp_path / "site"


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


@pytest.fixture(scope="module")
def engine() -> Iterator[EspeakEngine]:
    engine = EspeakEngine(answer_within_s=30.0)
    yield engine
    engine.close()


@pytest.fixture
def voice(data: DataDir, folder: Path, engine: EspeakEngine) -> CallVoice:
    return build_voice(AnnounceSettings(data, base=folder), engine)


def samples(content: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(content), "rb") as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (22_050, 2, 1)
        return np.frombuffer(sound.readframes(-1), "<i2")


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.ogg", "libopus"), ("a.mp3", "mp3")],
)
def test_recordings_of_common_kinds_become_what_speakers_take(
    folder: Path, tmp_path: Path, name: str, codec: str
) -> None:
    sing(folder / name, codec)
    assert examine(folder / name).duration_s == pytest.approx(1.0, abs=0.06)
    speech = RecordedEngine(folder).synthesise(name, "yue", tmp_path / "out.wav")
    heard = samples(speech.path.read_bytes()).astype(float)[2_000:20_000]
    assert int(np.abs(np.fft.rfft(heard)).argmax()) * 22_050 / len(heard) == pytest.approx(
        440, abs=2
    )
    assert abs(heard).max() == pytest.approx(0.3 * 32_767, rel=0.1)


def test_what_cannot_be_played_to_people_is_refused_with_the_reason(folder: Path) -> None:
    (folder / "noise.mp3").write_bytes(b"\x00\xff" * 500)
    (folder / "empty.wav").write_bytes(b"")
    sing(folder / "long.flac", "flac", duration_s=61)
    sing(folder / "soft.flac", "flac", loudness=0.005)
    for name, words in {
        "gone.wav": "there is no such sound file",
        ".": "there is no such sound file",
        "noise.mp3": "cannot be decoded",
        "empty.wav": "cannot be decoded",
        "long.flac": "at most 60 s",
        "soft.flac": r"is silent \(its loudest moment has 0.50 %",
    }.items():
        with pytest.raises(PutAside, match=words):
            examine(folder / name)


def test_a_film_without_sound_is_refused(folder: Path, sample_clip: Path) -> None:
    with pytest.raises(PutAside, match="has no sound in it"):
        examine(sample_clip)


@given(content=st.binary(max_size=300))
def test_no_bytes_break_the_check(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "any.wav"
    path.write_bytes(content)
    with pytest.raises(PutAside):
        examine(path)


def test_a_call_is_said_in_its_languages_in_their_order(folder: Path, voice: CallVoice) -> None:
    (folder / "yue.wav").write_bytes(TONE)
    recording = Recording(language="yue", file="yue.wav", says=SAYS)
    sound = voice.sound(CallWords(TEXT, ("yue", "en"), (recording,)))
    yue, en = sound.parts
    assert (yue.language, yue.voice, yue.file, yue.says) == ("yue", "recording", "yue.wav", SAYS)
    assert yue.sha256 == hashlib.sha256(TONE).hexdigest()
    assert en.voice == voice.engine_name and en.says is None
    heard = samples(sound.content)
    assert (heard[: len(samples(TONE))] == samples(TONE)).all()
    assert len(heard) / 22_050 == pytest.approx(yue.duration_s + 0.4 + en.duration_s, abs=0.01)


def test_a_recording_that_went_missing_leaves_the_other_languages(
    folder: Path, voice: CallVoice
) -> None:
    lost = (
        Recording(language="yue", file="lost.wav", says=SAYS),
        Recording(language="zh", file="lost.wav", says=SAYS),
    )
    sound = voice.sound(CallWords(TEXT, ("yue", "zh", "en"), lost))
    assert [part.language for part in sound.parts] == ["zh", "en"]
    with pytest.raises(PutAside, match="none of the call's recordings"):
        voice.sound(CallWords(TEXT, ("yue",), lost))


def test_the_record_tells_which_recording_was_played_also_after_a_crash(
    folder: Path, data: DataDir, voice: CallVoice
) -> None:
    (folder / "yue.wav").write_bytes(TONE)
    warned = warned_event()
    assert isinstance(warned.data, OffenceWarned)
    recordings = (Recording(language="yue", file="yue.wav", says=SAYS),)
    spoken = {"languages": ("yue", "zh"), "recordings": recordings}
    object.__setattr__(warned, "data", warned.data.model_copy(update=spoken))
    item = LoggedEvent(1, warned, START)
    tools = AnnounceTools(voice, FileSpeaker(data), lambda _: None, lambda: START)
    first = announce_rung(item, tools, AnnounceRules())
    assert isinstance(first.data, AnnouncementMade)
    assert first.data.languages == ("yue", "zh")
    assert first.data.parts[0].says == SAYS
    (folder / "yue.wav").unlink()
    later = AnnounceTools(voice, FileSpeaker(data), lambda _: None, lambda: START + timedelta(1))
    assert announce_rung(item, later, AnnounceRules()) == first


def with_rung(sample_site_file: Path, ladder: dict[str, Any], **rung: Any) -> Site:
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["ladders"][0] |= ladder
    for each in raw["ladders"][0]["rungs"]:
        each |= rung
    return Site.model_validate(raw)


def test_recordings_are_found_from_the_site_file_and_ready_before_they_are_due(
    folder: Path, voice: CallVoice, sample_site_file: Path
) -> None:
    (folder / "yue.wav").write_bytes(TONE)
    recording = {"language": "yue", "file": "yue.wav", "says": SAYS.model_dump()}
    site = with_rung(sample_site_file, {"languages": ["yue", "zh"]}, recordings=[recording])
    assert call_faults(site, folder) == []
    assert warm(site, voice) == 3
    ((place, words), *_) = call_faults(site, folder.parent)
    assert place == ("ladders", 0, "rungs", 0, "recordings", 0, "file")
    assert "no such sound file" in words


def test_decoding_stops_soon_after_what_may_be_played(folder: Path) -> None:
    sing(folder / "hour.flac", "flac", duration_s=200, loudness=0.5)
    assert len(decode(folder / "hour.flac")) <= 62 * 22_050
