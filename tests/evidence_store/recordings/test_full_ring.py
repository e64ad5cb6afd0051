"""A ring on a disk that fills up, turns read-only or refuses one file: nothing is dropped or forgotten for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from domain.site.storage import KeptFree
from evidence_store.media.packet_writer import PacketWriter
from evidence_store.recordings import recorder as recorder_module
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.recordings.ring_buffer import RingRetention
from evidence_store.recordings.segment_index import SegmentIndex
from tests.evidence_store.recordings.test_recorder import START, record
from tests.support.small_disk import MountRefused, SmallDisk, mounted

MIB = 1024**2
LATER = START + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_AFTER_S", 0.0)


@contextmanager
def mounted_or_skip(folder: Path, size_mib: int) -> Iterator[SmallDisk]:
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(mounted(folder, size_mib))
        except MountRefused as error:
            pytest.skip(f"mounting is refused here: {error}")
        yield disk


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.mp4")}


def names(folder: Path) -> set[str]:
    return {segment.name for segment in SegmentIndex(folder).read()[0]}


def test_what_cannot_be_stored_deletes_no_recordings(
    sample_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: each try to open a stream of another codec dropped the oldest segment, until none was left."""
    recorder = SegmentRecorder(tmp_path, "gate")
    record(sample_clip, recorder)
    before = files(tmp_path / "gate")

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("codec not supported")

    with monkeypatch.context() as patched:
        patched.setattr(recorder_module, "PacketWriter", refuse)
        record(sample_clip, recorder, LATER)
    assert recorder.problem is not None and "codec not supported" in recorder.problem
    assert files(tmp_path / "gate") == before


def test_a_read_only_time_makes_the_ring_forget_nothing(sample_clip: Path, tmp_path: Path) -> None:
    """Before: segments that could not be deleted were never deleted any more."""
    budget = sample_clip.stat().st_size // 2
    with mounted_or_skip(tmp_path / "disk", 16) as disk:
        retention = RingRetention(max_bytes=budget)
        recorder = SegmentRecorder(disk.folder, "gate", retention=retention)
        record(sample_clip, recorder)
        disk.set_read_only(True)
        record(sample_clip, recorder, LATER)
        assert recorder.problem is not None and "Read-only" in recorder.problem
        disk.set_read_only(False)
        record(sample_clip, recorder, LATER + timedelta(minutes=5))
        folder = disk.folder / "gate"
        assert files(folder) == names(folder)
        assert sum(path.stat().st_size for path in folder.glob("*.mp4")) <= budget


def test_a_segment_that_cannot_be_closed_still_leaves_the_ring_in_its_time(
    sample_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: it was in no list, so neither terms nor limits reached it before the next start."""
    recorder = SegmentRecorder(tmp_path, "gate", retention=RingRetention(hours=0.01))
    closing = PacketWriter.close

    def refuse(writer: PacketWriter) -> None:
        closing(writer)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(PacketWriter, "close", refuse)
        record(sample_clip, recorder)
    old = files(tmp_path / "gate")
    assert old
    record(sample_clip, recorder, LATER)
    assert not old & files(tmp_path / "gate")


def test_a_disk_that_holds_less_than_the_ring_may_keep_costs_no_picture(
    sample_clip: Path, tmp_path: Path
) -> None:
    """Before: each segment that was begun at the floor failed, and the next came 5 s later: half was lost."""
    with mounted_or_skip(tmp_path / "disk", 3 * sample_clip.stat().st_size // MIB + 1) as disk:
        kept = KeptFree(64 * MIB)
        recorder = SegmentRecorder(disk.folder, "gate", kept_free=kept)
        for minute in range(0, 12, 2):
            record(sample_clip, recorder, START + timedelta(minutes=minute))
        assert recorder.packets_not_recorded == 0
        folder = disk.folder / "gate"
        assert files(folder) == names(folder)
        kept.check_room(folder)


def test_an_unmounted_disk_is_a_gap_and_nothing_is_recorded_in_its_place(
    sample_clip: Path, tmp_path: Path
) -> None:
    """Before: recordings went to the disk beneath, and were hidden when theirs was mounted again."""
    place, away = tmp_path / "recordings", tmp_path / "away"
    recorder = SegmentRecorder(place, "gate")
    record(sample_clip, recorder)
    before = files(place / "gate")
    place.rename(away)
    place.mkdir()
    record(sample_clip, recorder, LATER)
    assert recorder.problem is not None
    assert list(place.iterdir()) == []
    place.rmdir()
    away.rename(place)
    record(sample_clip, recorder, LATER + timedelta(minutes=5))
    assert recorder.problem is None
    assert len(files(place / "gate")) == 2 * len(before)
