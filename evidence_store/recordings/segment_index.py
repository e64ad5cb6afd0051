"""Keep the index of a live camera's recorded segments: JSON lines, only ever appended to.

A line is written when a segment opens, when it closes, when it is deleted, and for every stretch
that could not be recorded. A line torn by a crash is skipped.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from domain.files import write_atomically
from evidence_store.media.packets import open_video, read_packets
from evidence_store.recordings.segment_files import SegmentFiles

INDEX_NAME = "index.jsonl"


@dataclass(frozen=True, slots=True)
class Segment:
    """Recorded file of a camera's packets; its timestamp 0 is `origin_pts` of the camera."""

    name: str
    run: str  # segments of one run continue each other's timestamps
    start_at: datetime  # event time of the file's timestamp 0
    origin_pts: int  # of the camera's stream, in time_base
    time_base: Fraction
    end_at: datetime | None = None  # None: still open, or cut off by a crash
    last_pts: int | None = None
    size_bytes: int = 0
    packets: int = 0
    is_cut_off: bool = False  # by a kill or a power cut; its end was measured afterwards
    steady_start_at: datetime | None = None  # None: as start_at, or recorded by an older version

    @property
    def ahead(self) -> timedelta:
        """By how much the wall's clock was ahead of the steady one."""
        steady_at = self.steady_start_at
        return timedelta(0) if steady_at is None else self.start_at - steady_at

    @property
    def steady_at(self) -> datetime:
        """Return when it began, in steady time: what was recorded later has a later one."""
        return self.steady_start_at or self.start_at


@dataclass(frozen=True, slots=True)
class Ending:
    """End of a recording for a reason that is known."""

    at: datetime  # of the last picture
    reason: str


@dataclass(frozen=True, slots=True)
class IndexNotes:
    """Known reasons why footage may be missing, beside what was lost."""

    endings: tuple[Ending, ...]
    gone_until: datetime | None  # what lies before may have been deleted, by age or size


@dataclass(frozen=True, slots=True)
class Lost:
    """Stretch that came but could not be recorded."""

    from_at: datetime
    to_at: datetime
    packets: int
    reason: str


class SegmentIndex:
    """Index of one camera's segments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / INDEX_NAME

    def read(self) -> tuple[list[Segment], list[Lost]]:
        """Read the segments that should be there, oldest first, and what was lost."""
        segments, lost, _ = self._read()
        return segments, lost

    def notes(self) -> IndexNotes:
        """Read the known reasons why footage is missing."""
        return self._read()[2]

    def in_recorded_order(self) -> list[Segment]:
        """Read the segments in the order in which they were noted, whatever the clock said."""
        return self._read(in_recorded_order=True)[0]

    def _read(
        self, *, in_recorded_order: bool = False
    ) -> tuple[list[Segment], list[Lost], IndexNotes]:
        segments: dict[str, Segment] = {}
        lost: list[Lost] = []
        endings: list[Ending] = []
        gone_until: datetime | None = None
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            lines = []
        for line in lines:
            try:
                note = json.loads(line)
                if "ended" in note:
                    at = datetime.fromisoformat(note["ended"]["at"])
                    endings.append(Ending(at, str(note["ended"]["reason"])))
                    continue
                gone_until = _later(gone_until, _gone_until(note, segments))
                _apply(note, segments, lost)
            except (ValueError, KeyError, TypeError):
                continue
        in_order = list(segments.values())
        if not in_recorded_order:
            in_order.sort(key=lambda segment: segment.steady_at)
        return in_order, lost, IndexNotes(tuple(endings), gone_until)

    def note_open(self, segment: Segment) -> None:
        """Note that a segment's file was made."""
        self._append({"opened": _as_json(segment)})

    def note_closed(self, segment: Segment) -> None:
        """Note that a segment's file is finished."""
        self._append({"closed": _as_json(segment)})

    def note_gone(self, name: str) -> None:
        """Note that a segment's file was deleted."""
        self._append({"gone": name})

    def note_ended(self, ending: Ending) -> None:
        """Note that recording ended, for a reason that is known."""
        self._append({"ended": _as_json(ending)})

    def note_lost(self, lost: Lost) -> None:
        """Note that a stretch could not be recorded."""
        self._append({"lost": _as_json(lost)})

    def compact(self) -> None:
        """Rewrite the index without deleted segments, in one step."""
        segments, lost, notes = self._read(in_recorded_order=True)
        oldest = min((segment.start_at for segment in segments), default=None)
        lines: list[dict[str, Any]] = [
            {"lost": _as_json(part)} for part in lost if oldest is None or part.to_at >= oldest
        ]
        lines += [
            {"ended": _as_json(ending)}
            for ending in notes.endings
            if oldest is None or ending.at >= oldest
        ]
        lines += [
            {"closed" if segment.end_at else "opened": _as_json(segment)} for segment in segments
        ]
        if notes.gone_until is not None:
            lines.append({"gone_until": notes.gone_until.isoformat()})
        content = "".join(json.dumps(line) + "\n" for line in lines)
        write_atomically(self._path, content.encode(), durable=False, one_writer=True)

    def _append(self, line: dict[str, Any]) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            # the newline in front ends a line that a crash has torn
            os.write(handle, ("\n" + json.dumps(line) + "\n").encode())
        finally:
            os.close(handle)


def measure_open(files: SegmentFiles, segment: Segment) -> Segment | None:
    """Measure how far a segment without a closing line reaches, by its file; None: nothing there.

    Raises:
        EncryptionKeyMissing: it is encrypted with a key that is not at hand.
    """
    packets = []
    with suppress(FileNotFoundError, PutAside), files.file(segment.name).open() as file:
        container, stream = open_video(file)
        with container:
            packets = list(read_packets(container, stream))
    if not packets:
        return None
    last = max(packets, key=lambda packet: packet.pts)
    end_s = (last.pts + last.duration) * last.time_base
    return replace(
        segment,
        last_pts=segment.origin_pts + round(last.pts * last.time_base / segment.time_base),
        end_at=segment.start_at + timedelta(seconds=float(end_s)),
        size_bytes=files.file(segment.name).lies_at.stat().st_size,
        packets=len(packets),
    )


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)


def _gone_until(line: Any, segments: dict[str, Segment]) -> datetime | None:
    """Read from a line up to when footage was deleted; to be asked before `_apply` takes it in."""
    if "gone_until" in line:
        return datetime.fromisoformat(line["gone_until"])
    known = segments.get(line.get("gone", ""))
    return known.end_at if known is not None else None


def _apply(line: Any, segments: dict[str, Segment], lost: list[Lost]) -> None:
    if "opened" in line:
        segment = _segment(line["opened"])
        segments.setdefault(segment.name, segment)
    elif "closed" in line:
        segment = _segment(line["closed"])
        segments[segment.name] = segment
    elif "gone" in line:
        segments.pop(line["gone"], None)
    elif "lost" in line:
        facts = line["lost"]
        lost.append(
            Lost(
                datetime.fromisoformat(facts["from_at"]),
                datetime.fromisoformat(facts["to_at"]),
                int(facts["packets"]),
                str(facts["reason"]),
            )
        )


def _segment(facts: dict[str, Any]) -> Segment:
    end_at, steady_at = facts["end_at"], facts.get("steady_start_at")
    return Segment(
        name=str(facts["name"]),
        run=str(facts["run"]),
        start_at=datetime.fromisoformat(facts["start_at"]),
        origin_pts=int(facts["origin_pts"]),
        time_base=Fraction(facts["time_base"]),
        end_at=None if end_at is None else datetime.fromisoformat(end_at),
        last_pts=None if facts["last_pts"] is None else int(facts["last_pts"]),
        size_bytes=int(facts["size_bytes"]),
        packets=int(facts["packets"]),
        is_cut_off=bool(facts.get("is_cut_off", False)),
        steady_start_at=None if steady_at is None else datetime.fromisoformat(steady_at),
    )


def _as_json(item: Segment | Lost | Ending) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, Fraction)
        else value
        for name, value in ((name, getattr(item, name)) for name in item.__slots__)
    }
