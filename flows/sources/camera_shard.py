"""Bytewax source: a shard of cameras, one partition whose name never changes.

Cameras live inside the shard and may come and go between runs; a partition a camera could not
(a saved partition that is missing on resume stops Bytewax for good). next_batch only drains what
the reader threads have ready: it must never wait, for one thread runs every step of the flow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from domain.cameras import CameraNotice
from domain.frames import SampledFrame
from domain.site import Camera
from flows.sources.camera_reader import CameraReader, Playback, ReaderPosition
from flows.sources.sample_queue import ReaderItem, Sample, SampleQueue
from flows.sources.side_outlets import PacketSink, TileSink

SHARD = "shard-000"
POLL_S = 0.01
BATCH_FRAMES = 16  # one activation's frames: two Triton requests of eight
QUEUED_FRAMES = 64  # of all cameras together; 270 kB each
STALL_AFTER_S = 5.0  # of a live camera without a frame


@dataclass(frozen=True)
class ShardSettings:
    """What a shard needs to read its cameras."""

    cameras: tuple[Camera, ...]
    base: Path  # folder that relative footage paths start at
    playback: Playback
    stop: threading.Event  # set: save state and end
    recorder_for: Callable[[Camera], PacketSink | None] = lambda camera: None
    tiles: TileSink | None = None
    beat: Callable[[], None] = lambda: None  # called while alive, for an outside watchdog


@dataclass
class _Watched:
    """One camera of the shard while it runs."""

    reader: CameraReader
    last_item_s: float = field(default_factory=time.monotonic)
    is_stalled: bool = False


class CameraShard(StatefulSourcePartition[SampledFrame | CameraNotice, dict[str, ReaderPosition]]):
    """Drains the readers of its cameras in turn, so that none starves another."""

    def __init__(
        self, settings: ShardSettings, resume: dict[str, ReaderPosition] | None = None
    ) -> None:
        self._settings = settings
        self._positions = dict(resume or {})
        self._until_end = settings.playback.until_end
        self._watched = {
            camera.id: self._start(camera)
            for camera in settings.cameras
            if not self._position(camera.id).ended
        }

    def _position(self, camera_id: str) -> ReaderPosition:
        return self._positions.setdefault(camera_id, ReaderPosition())

    def _start(self, camera: Camera) -> _Watched:
        settings = self._settings
        capacity = max(4, QUEUED_FRAMES // len(settings.cameras))
        waits = settings.playback.until_end and not camera.is_live
        position = self._position(camera.id)
        reader = CameraReader(
            camera,
            settings.base,
            settings.playback,
            SampleQueue(capacity, drops_oldest=not waits),
            resume=position,
            recorder=settings.recorder_for(camera),
            tiles=settings.tiles,
        )
        reader.start()
        return _Watched(reader)

    def next_batch(self) -> list[SampledFrame | CameraNotice]:
        """Take what is ready, a fair share of each camera."""
        self._settings.beat()
        if self._settings.stop.is_set() or self._is_over():
            raise StopIteration
        batch: list[SampledFrame | CameraNotice] = []
        share = max(1, BATCH_FRAMES // max(1, len(self._watched)))
        for camera_id, watched in self._watched.items():
            items = watched.reader.queue.drain(share)
            batch.extend(item.frame if isinstance(item, Sample) else item for item in items)
            self._note(camera_id, watched, items)
            if notice := self._stall_notice(camera_id, watched):
                batch.append(notice)
        return batch

    def _note(self, camera_id: str, watched: _Watched, items: list[ReaderItem]) -> None:
        """Remember how far the camera is."""
        for item in items:
            if isinstance(item, Sample):
                media_time_s = item.frame.stamp.media_time_s
                self._positions[camera_id] = ReaderPosition(media_time_s, item.counts)
                watched.last_item_s, watched.is_stalled = time.monotonic(), False
            elif item.status in ("ended", "failed") and self._is_finite(camera_id):
                self._positions[camera_id] = replace(self._position(camera_id), ended=True)

    def _is_finite(self, camera_id: str) -> bool:
        if not self._until_end:
            return False
        return not next(c for c in self._settings.cameras if c.id == camera_id).is_live

    def _is_over(self) -> bool:
        """True when every camera was a file and has been read to its end."""
        return all(self._position(camera_id).ended for camera_id in self._watched)

    def _stall_notice(self, camera_id: str, watched: _Watched) -> CameraNotice | None:
        """News, once, of a live camera that stands still."""
        silent_s = time.monotonic() - watched.last_item_s
        if self._is_finite(camera_id) or watched.is_stalled or silent_s < STALL_AFTER_S:
            return None
        watched.is_stalled = True
        return CameraNotice(
            camera_id=camera_id,
            status="stalled",
            reason=f"{camera_id}: no picture for {silent_s:.0f} s; is the camera or its network up?",
            at=datetime.now(UTC),
            counts=self._position(camera_id).counts,
            media_time_s=self._position(camera_id).media_time_s or 0.0,
        )

    def next_awake(self) -> datetime | None:
        """Soon: epochs only advance while a source is awake."""
        return datetime.now(UTC) + timedelta(seconds=POLL_S)

    def snapshot(self) -> dict[str, ReaderPosition]:
        """Positions of all cameras, also of those not in the site file today."""
        return dict(self._positions)

    def close(self) -> None:
        """End the reader threads."""
        for watched in self._watched.values():
            watched.reader.stop()


class CameraShardSource(
    FixedPartitionedSource[SampledFrame | CameraNotice, dict[str, ReaderPosition]]
):
    """All cameras of one process."""

    def __init__(self, settings: ShardSettings) -> None:
        self._settings = settings

    def list_parts(self) -> list[str]:
        """One partition, always the same name."""
        return [SHARD]

    def build_part(
        self, step_id: str, for_part: str, resume_state: dict[str, ReaderPosition] | None
    ) -> CameraShard:
        """Start the readers where the last run stopped."""
        return CameraShard(self._settings, resume_state)
