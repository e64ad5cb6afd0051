"""Keep a live camera's packets, unchanged, in segments that can be cut from later."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import structlog
from av.video.stream import VideoStream

from domain.errors import wants_room
from domain.site.storage import ALL_MAY_BE_USED, KeptFree
from evidence_store.keys.encryption_keys import EncryptionKeys
from evidence_store.media.faults import first_line
from evidence_store.media.packet_writer import PacketWriter, suffix_for
from evidence_store.media.packets import StoredPacket, copy_packet
from evidence_store.recordings.pins import RingUse
from evidence_store.recordings.ring_buffer import Pins, Ring, RingRetention
from evidence_store.recordings.segment_index import Ending, Lost, Segment

log = structlog.get_logger()

RETRY_AFTER_S = 5.0
# a jump of the stream's own clock beyond this starts a new run
MAX_JUMP_S = 10.0


@dataclass(slots=True)
class _Open:
    """Segment being written."""

    segment: Segment
    writer: PacketWriter
    template: object
    key_pts: int
    last_pts: int
    last_dts: int
    last_at: datetime
    tail_s: float  # duration of the last picture


class SegmentRecorder:
    """Write one camera's packets to files of about `segment_s`, each beginning with a key frame.

    Fed by the camera's reader thread, which it never stops: `problem` names a full disk or a codec
    that cannot be stored, `packets_not_recorded` counts what was lost, the index notes the stretch
    as lost, and recording goes on with a key frame when it can. A crash loses at most the last
    second of the open segment. Packets are copied, so the caller may decode them before or after.
    """

    def __init__(
        self,
        folder: Path,
        camera_id: str,
        *,
        segment_s: float = 4.0,
        retention: RingRetention | None = None,
        pins: Pins = lambda camera_id: (),
        keys: EncryptionKeys | None = None,
        kept_free: KeptFree = ALL_MAY_BE_USED,
        believed_at: Callable[[], datetime | None] = lambda: None,
    ) -> None:
        """Record into `folder`/`camera_id`; what is there stays, within the retention.

        The key in force of `keys` encrypts each segment as it closes; None: they stay plain. `pins`
        is asked when a segment closes, `believed_at` until when the wall's clock is believed (None: until
        now). No segment is begun where less than `kept_free` is left.
        """
        self._kept_free = kept_free
        self.camera_id = camera_id
        self.folder = folder / camera_id
        self.problem: str | None = None  # why nothing is recorded now; None: all is well
        self.packets_not_recorded = 0
        self._segment_s = segment_s
        self._ring = Ring(
            self.folder, retention or RingRetention(), pins, keys, kept_free, believed_at
        )
        self._open: _Open | None = None
        self._run = ""
        self._has_begun = False
        self._lost: Lost | None = None
        self._retry_at_s = 0.0

    @property
    def ring(self) -> RingUse | None:
        """Fill level of the ring, as of the last closed segment; None: none was closed yet."""
        return self._ring.use

    def write(
        self, packet: av.Packet[Any], captured_at: datetime, steady_at: datetime | None = None
    ) -> None:
        """Keep one demuxed packet, taken at about `captured_at` (UTC). Never raises.

        `steady_at` is the same moment in steady time; None: the same.
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
            self._keep(stored, packet.stream, captured_at, steady_at or captured_at)
        except Exception as error:  # whatever it is, the camera must be watched on
            self._fail(error, captured_at)

    def cut(self, reason: str = "") -> None:
        """End the open segment: the stream starts anew, with timestamps of its own. Never raises.

        `reason`, for the index: why no picture may come for a while; "": the next one follows.
        """
        current = self._open
        try:
            self._close()
            if reason and current is not None:
                self._ring.index.note_ended(Ending(current.last_at, reason))
        except Exception as error:
            self._fail(error, datetime.now(UTC))
        self._run = ""

    def close(self) -> None:
        """End recording. Never raises."""
        self.cut()

    def _keep(
        self, packet: StoredPacket, stream: object, at: datetime, steady_at: datetime
    ) -> None:
        if self._open is not None and self._must_cut(self._open, packet, stream):
            self._close()
        if self._open is None:
            if not packet.is_key:
                return
            self._start(packet, stream, at, steady_at)
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

    def _start(
        self, packet: StoredPacket, stream: object, at: datetime, steady_at: datetime
    ) -> None:
        self._kept_free.check_room(self.folder)
        # made once: later it is only missing where its disk was unmounted, and would be hidden beneath it
        if not self._has_begun:
            self.folder.mkdir(parents=True, exist_ok=True)
        self._ring.adopt()
        assert isinstance(stream, VideoStream)
        self._run = self._run or uuid.uuid4().hex[:12]
        name = self._ring.free_name(
            at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ"), suffix_for(stream)
        )
        writer = PacketWriter(self.folder / name, stream, fragmented=True)
        # counted from the first decoding time, no timestamp in the file is below zero
        lead = timedelta(seconds=float((packet.pts - packet.dts) * packet.time_base))
        segment = Segment(
            name,
            self._run,
            at - lead,
            packet.dts,
            packet.time_base,
            steady_start_at=None if steady_at == at else steady_at - lead,
        )
        self._open = _Open(segment, writer, stream, packet.pts, packet.pts, packet.dts, at, 0.0)
        self._ring.index.note_open(segment)
        self._has_begun = True
        if self._lost is not None:
            self._ring.index.note_lost(replace(self._lost, to_at=at))
            self._lost = None
        if self.problem:
            log.info("recording_again", camera_id=self.camera_id)
        self.problem = None

    def _close(self) -> None:
        current = self._open
        if current is None:
            return
        # where one of these fails it is abandoned, which the ring knows of, too
        current.writer.close()
        size = (self.folder / current.segment.name).stat().st_size
        self._open = None
        self._ring.add(_finished(current, size))

    def _fail(self, error: Exception, at: datetime) -> None:
        reason = f"{self.camera_id}: cannot record to {self.folder}: {first_line(error)}"
        if self.problem is None:
            log.warning("not_recording", camera_id=self.camera_id, reason=reason)
        self.problem = reason
        self._retry_at_s = time.monotonic() + RETRY_AFTER_S
        self._abandon()
        self._lose(at, reason)
        if wants_room(error):
            self._ring.make_room()

    def _abandon(self) -> None:
        """Leave the open segment; what reached the disk of it can still be read."""
        current, self._open = self._open, None
        if current is None:
            return
        try:
            current.writer.close()
        except Exception as error:
            log.debug("segment_cut_off", camera_id=self.camera_id, error=first_line(error))
        size = _size_of(self.folder / current.segment.name)
        self._ring.add_abandoned(_finished(current, size))

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
    """Return the segment with its end, by the camera's own timestamps."""
    segment = current.segment
    span_s = float((current.last_pts - segment.origin_pts) * segment.time_base) + current.tail_s
    return replace(
        segment,
        last_pts=current.last_pts,
        end_at=segment.start_at + timedelta(seconds=span_s),
        size_bytes=size_bytes,
        packets=current.writer.packets,
    )
