"""Delete a stretch of a camera's recordings, and its live picture; what is pinned stays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from domain.cameras.live_view import read_live_view
from evidence_store.erasure.erasure_request import ErasedStretch
from evidence_store.recordings.pins import Pin
from evidence_store.recordings.segment_files import SegmentFiles
from evidence_store.recordings.segment_index import Segment, SegmentIndex

# a segment without a closing line this young is being written
_BEING_WRITTEN_S = 60.0


def segments_of(recordings: Path, stretch: ErasedStretch) -> list[Segment]:
    """Return the segments that show some of the stretch; whole ones, so also some seconds around."""
    segments, _ = SegmentIndex(recordings / stretch.camera_id).read()
    return [
        segment
        for segment in segments
        if segment.start_at <= stretch.to_at
        and (segment.end_at is None or segment.end_at >= stretch.from_at)
    ]


def erase_stretch(
    recordings: Path, stretch: ErasedStretch, pins: Iterable[Pin], now: datetime
) -> tuple[list[str], list[tuple[str, str]], bool]:
    """Delete the stretch from the recordings, the folder of all cameras.

    `pins` are what others need. A segment changed shortly before `now` is still being written.

    Returns:
        names of what was deleted; (name, why) of what stays; whether some of it is still being
        written and has to be asked for again.
    """
    folder = recordings / stretch.camera_id
    if not stretch.camera_id or not folder.is_dir():
        return [], [], False
    index, files = SegmentIndex(folder), SegmentFiles(folder)
    pinning = [pin for pin in pins if pin.camera_id == stretch.camera_id]
    gone: list[str] = []
    kept: list[tuple[str, str]] = []
    is_open = False
    for segment in segments_of(recordings, stretch):
        why = next((pin.why for pin in pinning if pin.needs(segment)), "")
        if segment.end_at is None and _is_being_written(files.file(segment.name).lies_at, now):
            is_open = True
        elif why:
            kept.append((segment.name, why))
        else:
            files.remove(segment.name)
            index.note_gone(segment.name)
            gone.append(segment.name)
    return gone, kept, is_open


def erase_released(
    recordings: Path, camera_id: str, names: Iterable[str], pins: Iterable[Pin]
) -> list[str]:
    """Delete segments that an erasure had to leave because others needed them, and nobody does now.

    Returns the names of those that were still there and are gone.
    """
    folder = recordings / camera_id
    index, files, wanted = SegmentIndex(folder), SegmentFiles(folder), set(names)
    pinning = [pin for pin in pins if pin.camera_id == camera_id]
    gone = []
    for segment in index.read()[0]:
        if segment.name in wanted and not any(pin.needs(segment) for pin in pinning):
            files.remove(segment.name)
            index.note_gone(segment.name)
            gone.append(segment.name)
    return gone


def erase_live(live: Path, stretch: ErasedStretch) -> list[str]:
    """Delete the live page's latest picture of the camera where it shows the stretch."""
    view = read_live_view(live, stretch.camera_id) if stretch.camera_id else None
    if view is None or view.captured_at is None:
        return []
    if not stretch.from_at <= view.captured_at <= stretch.to_at:
        return []
    paths = [live / f"{stretch.camera_id}.{ending}" for ending in ("jpg", "json")]
    gone = [path for path in paths if path.exists()]
    for path in gone:
        path.unlink(missing_ok=True)
    return [path.name for path in gone]


def _is_being_written(path: Path, now: datetime) -> bool:
    try:
        return now.timestamp() - path.stat().st_mtime < _BEING_WRITTEN_S
    except OSError:
        return False
