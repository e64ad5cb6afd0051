"""Keep a live camera's packets, unchanged, in segments that can be cut from later."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import structlog
from av.video.stream import VideoStream

from evidence_store.encryption_keys import EncryptionKeys
from evidence_store.gap_causes import BROKE_OFF
from evidence_store.packet_writer import PacketWriter, suffix_for
from evidence_store.packets import StoredPacket, copy_packet, first_line
from evidence_store.pins import Pin, RingUse, expired, pinned, ring_use
from evidence_store.segment_files import SegmentFiles
from evidence_store.segments import Ending, Lost, Segment, SegmentIndex, measure_open

log = structlog.get_logger()

RETRY_AFTER_S = 5.0
# a jump of the stream's own clock beyond this starts a new run
MAX_JUMP_S = 10.0
COMPACT_AFTER_DELETIONS = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """How much of a camera is kept; the oldest segment goes first."""

    hours: float = 72.0
    max_bytes: int = 20 * 1024**3


@dataclass(slots=True)
class _Open:
    """The segment being written."""

    segment: Segment
    writer: PacketWriter
    template: object
    key_pts: int
    last_pts: int
    last_dts: int
    last_at: datetime
    tail_s: float  # duration of the last picture


class SegmentRecorder:
    """Writes one camera's packets to files of about `segment_s`, each beginning with a key frame.

    Fed by the camera's reader thread, which it never stops: a full disk or a codec that cannot be
    stored is told by `problem` and counted in `packets_not_recorded`, the stretch is noted in the
    index as lost, and recording goes on with a key frame when it can. A crash loses at most the
    last second of the open segment. Packets are copied, so the caller may decode them before or
    after.
    """

    def __init__(
        self,
        folder: Path,
        camera_id: str,
        *,
        segment_s: float = 4.0,
        retention: Retention | None = None,
        pins: Callable[[str], Sequence[Pin] | None] = lambda camera_id: (),
        keys: EncryptionKeys | None = None,
    ) -> None:
        """Record into `folder`/`camera_id`; what is there stays, within the retention.

        Args:
            keys: the one in force encrypts each segment as it closes; None: they stay plain.
            pins: what offences and holds need of a camera's footage, asked when a segment closes;
                None: not known yet, so nothing is dropped.
        """
        self.camera_id = camera_id
        self.folder = folder / camera_id
        self.problem: str | None = None  # why nothing is recorded now; None: all is well
        self.packets_not_recorded = 0
        self.ring: RingUse | None = None  # how full it is, as of the last closed segment
        self._segment_s = segment_s
        self._retention = retention or Retention()
        self._pins = pins
        self._files = SegmentFiles(self.folder, keys)
        self._unfinished: list[str] = []  # closed, and not encrypted yet: there was no room
        self._index = SegmentIndex(self.folder)
        self._open: _Open | None = None
        self._run = ""
        self._lost: Lost | None = None
        self._retry_at_s = 0.0
        self._kept: list[Segment] | None = None  # closed segments, oldest first; None: not read yet
        self._deletions = 0

    def write(self, packet: av.Packet[Any], captured_at: datetime) -> None:
        """Keep one demuxed packet. Never raises.

        Args:
            captured_at: UTC; when its picture was taken, as near as the reader knows.
        """
        try:
            if packet.size == 0 or packet.time_base is None:
                return
            last_dts = None if self._open is None else self._open.last_dts
            stored = copy_packet(packet, Fraction(packet.time_base), last_dts)
            if self._open is None and (not stored.is_key or time.monotonic() < self._retry_at_s):
                if self.problem:
                    self._lose(captured_at, self.problem)
                return  # the pictures before the first key frame cannot be decoded by anybody
            self._keep(stored, packet.stream, captured_at)
        except Exception as error:  # whatever it is, the camera must be watched on
            self._fail(error, captured_at)

    def cut(self, reason: str = "") -> None:
        """End the open segment: the stream starts anew, with timestamps of its own. Never raises.

        Args:
            reason: why no picture may come for a while, for the index; "": the next one follows.
        """
        current = self._open
        try:
            self._close()
            if reason and current is not None:
                self._index.note_ended(Ending(current.last_at, reason))
        except Exception as error:
            self._fail(error, datetime.now(UTC))
        self._run = ""

    def close(self) -> None:
        """End recording. Never raises."""
        self.cut()

    def _keep(self, packet: StoredPacket, stream: object, at: datetime) -> None:
        if self._open is not None and self._must_cut(self._open, packet, stream):
            self._close()
        if self._open is None:
            if not packet.is_key:
                return
            self._start(packet, stream, at)
        current = self._open
        assert current is not None
        current.writer.write(packet, -current.segment.origin_pts)
        if packet.pts >= current.last_pts:
            current.last_pts = packet.pts
            current.tail_s = float(packet.duration * packet.time_base)
        current.last_dts = packet.dts
        current.last_at = max(current.last_at, at)

    def _must_cut(self, current: _Open, packet: StoredPacket, stream: object) -> bool:
        ahead_s = (packet.dts - current.last_dts) * packet.time_base
        if stream is not current.template or not -1 < ahead_s < MAX_JUMP_S:
            self._run = ""
            return True
        age_s = (packet.pts - current.key_pts) * packet.time_base
        return packet.is_key and age_s >= self._segment_s

    def _start(self, packet: StoredPacket, stream: object, at: datetime) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._kept is None:
            self._kept = self._adopt()
        assert isinstance(stream, VideoStream)
        self._run = self._run or uuid.uuid4().hex[:12]
        name = at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ") + suffix_for(stream)
        writer = PacketWriter(self.folder / name, stream, fragmented=True)
        # counted from the first decoding time, no timestamp in the file is below zero
        lead = timedelta(seconds=float((packet.pts - packet.dts) * packet.time_base))
        segment = Segment(name, self._run, at - lead, packet.dts, packet.time_base)
        self._open = _Open(segment, writer, stream, packet.pts, packet.pts, packet.dts, at, 0.0)
        self._index.note_open(segment)
        if self._lost is not None:
            self._index.note_lost(replace(self._lost, to_at=at))
            self._lost = None
        if self.problem:
            log.info("recording_again", camera_id=self.camera_id)
        self.problem = None

    def _close(self) -> None:
        current, self._open = self._open, None
        if current is None:
            return
        current.writer.close()
        size = (self.folder / current.segment.name).stat().st_size
        closed = _finished(current, size)
        self._finish(closed.name)
        self._index.note_closed(closed)
        assert self._kept is not None
        self._kept.append(closed)
        self._expire(closed.start_at)

    def _finish(self, *names: str) -> None:
        """Encrypt closed segments; what cannot be now is tried again when the next one closes."""
        waiting, self._unfinished = [*self._unfinished, *names], []
        for name in waiting:
            try:
                self._files.finish(name)
            except FileNotFoundError:
                continue  # it was erased, or made room
            except OSError as error:
                log.warning("segment_stays_plain", segment=name, reason=first_line(error))
                self._unfinished.append(name)

    def _adopt(self) -> list[Segment]:
        """Take over what an earlier process recorded; close what it could not."""
        kept = []
        for segment in self._index.read()[0]:
            if segment.end_at is None:
                measured = measure_open(self._files, segment)
                if measured is None:
                    self._index.note_ended(Ending(segment.start_at, BROKE_OFF))
                    self._delete(segment)
                    continue
                segment = replace(measured, is_cut_off=True)
                self._finish(segment.name)
                self._index.note_closed(segment)
            kept.append(segment)
        return kept

    def _expire(self, now: datetime) -> None:
        assert self._kept is not None
        oldest_allowed = now - timedelta(hours=self._retention.hours)
        pins = self._pins(self.camera_id)
        if pins is not None:
            limit_bytes = self._retention.max_bytes
            self._drop(expired(self._kept, pins, oldest_allowed, limit_bytes))
            self.ring = ring_use(self._kept, pins, limit_bytes)
        if self._deletions >= COMPACT_AFTER_DELETIONS:
            self._index.compact()
            self._deletions = 0

    def _drop(self, segments: Sequence[Segment]) -> None:
        if not segments:
            return
        names = {each.name for each in segments}
        self._kept = [each for each in self._kept or () if each.name not in names]
        for segment in segments:
            self._delete(segment)

    def _delete(self, segment: Segment) -> None:
        self._files.remove(segment.name)
        self._index.note_gone(segment.name)
        self._deletions += 1

    def _fail(self, error: Exception, at: datetime) -> None:
        reason = f"{self.camera_id}: cannot record to {self.folder}: {first_line(error)}"
        if self.problem is None:
            log.warning("not_recording", camera_id=self.camera_id, reason=reason)
        self.problem = reason
        self._retry_at_s = time.monotonic() + RETRY_AFTER_S
        self._abandon()
        self._lose(at, reason)
        self._make_room()

    def _abandon(self) -> None:
        """Let go of the open segment; what reached the disk of it can still be read."""
        current, self._open = self._open, None
        if current is None:
            return
        try:
            current.writer.close()
        except Exception as error:
            log.debug("segment_cut_off", camera_id=self.camera_id, error=first_line(error))
        # the index has no closing line: whoever looks measures the file, as after a crash
        self._unfinished.append(current.segment.name)
        if self._kept is not None:
            self._kept.append(_finished(current, _size_of(self.folder / current.segment.name)))

    def _make_room(self) -> None:
        """On a full disk the ring gets shorter instead of the recording stopping for good.

        What is pinned stays: where nothing else is left, recording stops and says why.
        """
        kept, pins = self._kept or [], self._pins(self.camera_id)
        needed = {each.name for each in pinned(kept, pins or ())}
        oldest = next((each for each in kept[:-1] if each.name not in needed), None)
        try:
            if oldest is not None and pins is not None:
                self._drop([oldest])
        except OSError as error:
            log.debug("no_room_made", camera_id=self.camera_id, error=first_line(error))

    def _lose(self, at: datetime, reason: str) -> None:
        self.packets_not_recorded += 1
        if self._lost is None:
            self._lost = Lost(at, at, 1, reason)
        else:
            self._lost = replace(self._lost, to_at=at, packets=self._lost.packets + 1)


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _finished(current: _Open, size_bytes: int) -> Segment:
    """The segment with its end; the camera's own timestamps say how long it is."""
    segment = current.segment
    span_s = float((current.last_pts - segment.origin_pts) * segment.time_base) + current.tail_s
    return replace(
        segment,
        last_pts=current.last_pts,
        end_at=segment.start_at + timedelta(seconds=span_s),
        size_bytes=size_bytes,
        packets=current.writer.packets,
    )
