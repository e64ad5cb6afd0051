"""Bytewax source: a shard of cameras, one partition whose name never changes.

Cameras live inside the shard and may come and go between runs; a partition a camera could not
(a saved partition that is missing on resume stops Bytewax for good). next_batch only drains what
the reader threads have ready: it must never wait, for one thread runs every step of the flow.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from domain.camera_trouble import trouble
from domain.cameras import CameraNotice, CameraStatus
from domain.facts import BothLanguages
from domain.site import Camera
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.pace import Paces
from flows.sources.read_positions import ReaderPosition, ReadPositions
from flows.sources.sample_queue import ReaderItem, Sample, SampleQueue
from flows.sources.side_outlets import PacketSink, TileSink
from flows.steps.ahead import FLUSH, Flush

log = structlog.get_logger()

SHARD = "shard-000"
POLL_S = 0.01
# one activation's frames: four Triton requests, so that the server seldom waits for us
BATCH_FRAMES = 32
QUEUED_FRAMES = 96  # of all cameras together; 270 kB each
# of a live camera, whose frames lose their use: with more, a slow machine would be later, not better
LIVE_QUEUED_S = 2.0
STALL_AFTER_S = 5.0  # of a live camera without a frame

ShardItem = ReaderItem | Flush


@dataclass(frozen=True)
class ShardSettings:
    """What a shard needs to read its cameras."""

    cameras: tuple[Camera, ...]
    base: Path  # folder that relative footage paths start at
    playback: Playback
    stop: threading.Event  # set: save state and end
    recorder_for: Callable[[Camera], PacketSink | None] = lambda camera: None
    tiles: TileSink | None = None
    paces: Paces | None = None  # None: nobody is told that the machine is too slow
    beat: Callable[[], None] = lambda: None  # called while alive, for an outside watchdog
    over: threading.Event = field(default_factory=threading.Event)  # set when all footage has ended

    def positions(self) -> ReadPositions:
        """Positions for these cameras, to be shared with the step that says what is done."""
        is_finite = self.playback.until_end
        return ReadPositions(
            frozenset(each.id for each in self.cameras if is_finite and not each.is_live)
        )


@dataclass
class _Watched:
    """One camera of the shard while it runs."""

    reader: CameraReader
    is_finite: bool
    last_item_s: float = field(default_factory=time.monotonic)
    is_stalled: bool = False


class CameraShard(StatefulSourcePartition[ShardItem, dict[str, ReaderPosition]]):
    """Drains the readers of its cameras in turn, so that none starves another."""

    def __init__(
        self,
        settings: ShardSettings,
        positions: ReadPositions,
        is_waiting: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._positions = positions
        self._is_waiting = is_waiting
        self._awake_at = datetime.now(UTC)
        self._watched = {
            camera.id: self._start(camera)
            for camera in settings.cameras
            if not positions.of(camera.id).ended
        }

    def _start(self, camera: Camera) -> _Watched:
        settings = self._settings
        capacity = max(4, QUEUED_FRAMES // len(settings.cameras))
        is_finite = settings.playback.until_end and not camera.is_live
        if not is_finite:
            capacity = min(capacity, max(4, math.ceil(camera.analyse_fps * LIVE_QUEUED_S)))
            if settings.paces is not None:
                settings.paces.watch(camera.id, camera.analyse_fps)
        reader = CameraReader(
            camera,
            settings.base,
            settings.playback,
            SampleQueue(capacity, drops_oldest=not is_finite),
            resume=self._positions.of(camera.id),
            recorder=settings.recorder_for(camera),
            tiles=settings.tiles,
        )
        reader.start()
        return _Watched(reader, is_finite)

    def next_batch(self) -> list[ShardItem]:
        """Take what is ready, a fair share of each camera."""
        self._settings.beat()
        if self._is_over():
            self._settings.over.set()
        if self._settings.stop.is_set() or self._is_over():
            raise StopIteration
        batch: list[ShardItem] = []
        share = max(1, BATCH_FRAMES // max(1, len(self._watched)))
        for camera_id, watched in self._watched.items():
            items = watched.reader.queue.drain(share)
            batch.extend(items)
            if any(isinstance(item, Sample) for item in items):
                if watched.is_stalled:
                    batch.append(self._notice(camera_id, "up", None))
                watched.last_item_s, watched.is_stalled = time.monotonic(), False
            if any(isinstance(item, CameraNotice) for item in items):
                self._forget_pace(camera_id)
            if notice := self._stall_notice(camera_id, watched) or self._pace(camera_id, watched):
                batch.append(notice)
        if not batch and self._is_waiting():
            batch.append(FLUSH)
        self._awake_at = datetime.now(UTC) + timedelta(seconds=0 if batch else POLL_S)
        return batch

    def _is_over(self) -> bool:
        """True when every camera was a file and all of its frames have been dealt with."""
        return all(self._positions.of(camera_id).ended for camera_id in self._watched)

    def _stall_notice(self, camera_id: str, watched: _Watched) -> CameraNotice | None:
        """News, once, of a live camera that stands still."""
        silent_s = time.monotonic() - watched.last_item_s
        if watched.is_finite or watched.is_stalled or silent_s < STALL_AFTER_S:
            return None
        watched.is_stalled = True
        self._forget_pace(camera_id)
        said = trouble("stalled", camera=camera_id, silent_s=silent_s)
        return self._notice(camera_id, "stalled", said)

    def _forget_pace(self, camera_id: str) -> None:
        if self._settings.paces is not None:
            self._settings.paces.begin_anew(camera_id)

    def _pace(self, camera_id: str, watched: _Watched) -> CameraNotice | None:
        """News, once each, of a live camera that the machine is too slow for, or no longer."""
        paces = self._settings.paces
        turned = paces.look(camera_id, watched.reader.queue.offered) if paces else None
        if turned is None:
            return None
        is_slow, measured = turned
        facts = {"camera": camera_id, **asdict(measured)}
        log.info("camera_pace", is_slow=is_slow, **facts)
        said = trouble("slow", **facts) if is_slow else None
        return self._notice(camera_id, "slow" if is_slow else "up", said)

    def _notice(
        self, camera_id: str, status: CameraStatus, said: BothLanguages | None
    ) -> CameraNotice:
        return CameraNotice(
            camera_id=camera_id,
            status=status,
            said=said,
            at=datetime.now(UTC),
            counts=self._positions.of(camera_id).counts,
            media_time_s=self._positions.of(camera_id).media_time_s or 0.0,
        )

    def next_awake(self) -> datetime | None:
        """At once after a batch, else soon: epochs only advance while a source is awake."""
        return self._awake_at

    def snapshot(self) -> dict[str, ReaderPosition]:
        """Frames whose answers are still awaited are not counted: they would be read again."""
        return self._positions.snapshot()

    def close(self) -> None:
        """End the reader threads."""
        for watched in self._watched.values():
            watched.reader.stop()


class CameraShardSource(FixedPartitionedSource[ShardItem, dict[str, ReaderPosition]]):
    """All cameras of one process."""

    def __init__(
        self,
        settings: ShardSettings,
        positions: ReadPositions,
        is_waiting: Callable[[], bool] = lambda: False,
    ) -> None:
        """Args:
        positions: shared with the step that says what is done (settings.positions()).
        is_waiting: whether that step holds answers back; then it is sent a Flush when idle.
        """
        self._settings = settings
        self._positions = positions
        self._is_waiting = is_waiting

    def list_parts(self) -> list[str]:
        """One partition, always the same name."""
        return [SHARD]

    def build_part(
        self, step_id: str, for_part: str, resume_state: dict[str, ReaderPosition] | None
    ) -> CameraShard:
        """Start the readers where the last run stopped."""
        self._positions.restore(resume_state)
        return CameraShard(self._settings, self._positions, self._is_waiting)
