"""Signs of life are judged by our own looks at them, never by the wall clock."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from forewarn.programs.supervision.beat import BeatWatch, Heartbeat


class Clock:
    """Moves when the test says so."""

    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def beat(path: Path, number: int) -> None:
    path.write_text(f"{number:020d}\n")


def look_for(watch: BeatWatch, clock: Clock, seconds: float) -> float:
    """Look five times a second, as the supervisor does."""
    for _ in range(round(seconds * 5)):
        clock.now_s += 0.2
        silent_s = watch.look()
    return silent_s


def test_silence_counts_from_the_beginning_and_from_each_sign(tmp_path: Path, clock: Clock) -> None:
    """Before: nothing counted before the first sign, and a start that hung hung for ever."""
    watch = BeatWatch(tmp_path / "it", clock)
    assert look_for(watch, clock, 300) == pytest.approx(300) and not watch.has_begun
    beat(tmp_path / "it", 1)
    assert look_for(watch, clock, 0.2) == 0.0 and watch.has_begun
    assert look_for(watch, clock, 61) == pytest.approx(61)
    beat(tmp_path / "it", 2)
    assert look_for(watch, clock, 0.2) == 0.0


@pytest.mark.parametrize("step_s", [-3600, -60, 60, 3600])
def test_a_step_of_the_wall_clock_hides_no_hang_and_condemns_nobody(
    tmp_path: Path, clock: Clock, step_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel dates the files by the clock that was set, before and after."""
    hangs, lives = tmp_path / "hangs", tmp_path / "lives"
    watches = [BeatWatch(hangs, clock), BeatWatch(lives, clock)]
    beat(hangs, 1)
    beat(lives, 1)
    for watch in watches:
        watch.look()
    wall_s = time.time() + step_s
    monkeypatch.setattr(time, "time", lambda: wall_s)
    for number in range(2, 72):
        beat(lives, number)
        os.utime(lives, (wall_s, wall_s))
        clock.now_s += 1
        silent = [watch.look() for watch in watches]
    assert silent == [70, 0]


def test_a_supervisor_that_was_stopped_itself_gives_everybody_the_whole_time(
    tmp_path: Path, clock: Clock
) -> None:
    beat(tmp_path / "it", 1)
    watch = BeatWatch(tmp_path / "it", clock)
    watch.look()
    clock.now_s += 8 * 3600  # with the whole machine, so nobody beat
    assert watch.look() == pytest.approx(1.0)
    assert look_for(watch, clock, 59) == pytest.approx(60)


def test_what_nobody_can_write_says_nothing_about_the_program(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(tmp_path / "it", 1)
    watch = BeatWatch(tmp_path / "it", clock)
    assert look_for(watch, clock, 61) == pytest.approx(60.8)
    assert watch.is_writable

    def read_only(path: Path, flags: int, mode: int = 0) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    assert not watch.is_writable
    watch.begin_anew()
    assert look_for(watch, clock, 1) == pytest.approx(1)


def test_where_the_first_sign_could_be_written_is_tried_without_leaving_one(tmp_path: Path) -> None:
    watch = BeatWatch(tmp_path / "it")
    assert watch.is_writable
    assert not (tmp_path / "it").exists() and not watch.has_begun
    assert not BeatWatch(tmp_path / "nowhere" / "it").is_writable


def test_a_beat_is_written_over_the_last_one_and_grows(tmp_path: Path) -> None:
    path = tmp_path / "beats" / "it"
    heartbeat = Heartbeat(path)
    heartbeat()
    first, inode = path.read_text(), path.stat().st_ino
    heartbeat()
    assert path.read_text() == first, "once a second is enough"
    heartbeat._next_s = 0.0
    heartbeat()
    assert (path.stat().st_ino, len(path.read_text())) == (inode, len(first))
    assert int(path.read_text()) > int(first)
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_a_disk_that_takes_no_beat_does_not_end_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Heartbeat(tmp_path / "it")

    def full(handle: int, content: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    heartbeat()
    watch = BeatWatch(tmp_path / "it")
    watch.look()
    assert not watch.has_begun and not watch.is_writable
