"""Sounds that are written as files: the same one once, however often it was spoken."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from casework.retention.announcements import forget_announcements
from domain.data_dir import SOUNDS, DataDir
from flows.speech.speaker import FileSpeaker
from flows.speech.voice.engine import SAMPLE_RATE_HZ, as_wav


def wav(seconds: float) -> bytes:
    return as_wav(b"\1\0" * round(SAMPLE_RATE_HZ * seconds))


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path)


def kept(data: DataDir) -> list[Path]:
    return list((data.announcements / SOUNDS).iterdir())


def test_a_text_is_one_file_however_often_it_is_spoken(data: DataDir) -> None:
    """Before: 144 KB a call, 1,302 files of three texts in 16 minutes."""
    speaker = FileSpeaker(data)
    spoken = [speaker.speak("gate", f"evt-{number}", wav(0.5)) for number in range(20)]
    speaker.speak("lane", "evt-20", wav(0.7))
    assert len(kept(data)) == 2
    assert {each.audio_file for each in spoken} == {
        f"announcements/gate/evt-{number}.wav" for number in range(20)
    }
    assert all((data.root / each.audio_file).read_bytes() == wav(0.5) for each in spoken)


def test_each_call_keeps_a_time_of_its_own(data: DataDir) -> None:
    speaker = FileSpeaker(data)
    speaker.speak("gate", "evt-1", wav(0.5))
    os.utime(data.announcements / "gate" / "evt-1.wav", (1e9, 1e9), follow_symlinks=False)
    speaker.speak("gate", "evt-2", wav(0.5))
    first, second = (speaker.find_spoken("gate", key) for key in ("evt-1", "evt-2"))
    assert first is not None and second is not None
    assert first.at.timestamp() == 1e9
    assert time.time() - second.at.timestamp() < 3600


def test_a_damaged_sound_is_written_again(data: DataDir) -> None:
    speaker = FileSpeaker(data)
    speaker.speak("gate", "evt-1", wav(0.5))
    kept(data)[0].write_bytes(b"torn")
    spoken = speaker.speak("gate", "evt-2", wav(0.5))
    assert (data.root / spoken.audio_file).read_bytes() == wav(0.5)
    assert speaker.find_spoken("gate", "evt-1") is not None


def test_a_folder_that_can_be_moved_keeps_its_sounds(data: DataDir, tmp_path: Path) -> None:
    spoken = FileSpeaker(data).speak("gate", "evt-1", wav(0.5))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    data.announcements.rename(moved / "announcements")
    assert (moved / spoken.audio_file).read_bytes() == wav(0.5)


def test_calls_go_when_their_term_is_over_and_sounds_with_the_last_of_them(data: DataDir) -> None:
    speaker = FileSpeaker(data)
    for key, sound in (("old", wav(0.5)), ("new", wav(0.5)), ("only-old", wav(0.7))):
        speaker.speak("gate", key, sound)
    for key in ("old", "only-old"):
        path = data.announcements / "gate" / f"{key}.wav"
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    for sound in kept(data):
        os.utime(sound, (1e9, 1e9))
    assert forget_announcements(data.announcements, before=1e9 + 1) == 2
    assert [path.name for path in (data.announcements / "gate").iterdir()] == ["new.wav"]
    assert len(kept(data)) == 1
    assert speaker.find_spoken("gate", "new") is not None


def test_a_sound_that_was_just_written_is_left_for_its_call(data: DataDir) -> None:
    FileSpeaker(data).speak("gate", "evt-1", wav(0.5))
    (data.announcements / "gate" / "evt-1.wav").unlink()
    forget_announcements(data.announcements, before=0.0)
    assert len(kept(data)) == 1
