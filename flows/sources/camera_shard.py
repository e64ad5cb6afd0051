"""Bytewax source of a shard of cameras: one partition, whose name never changes.

Cameras live inside the shard and may come and go between runs; a partition a camera could not
(a saved partition that is missing on resume stops Bytewax for good). next_batch only drains what
the reader threads have ready: one thread runs every step of the flow, so it waits only for some
milliseconds, and only where there was nothing.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from domain.base import BothLanguages
from domain.cameras.credentials import Credentials
from domain.cameras.status import CameraNotice
from domain.cameras.steady_clock import SteadyClock
from domain.saved_state import Saved
from domain.site.cameras import Camera
from domain.site.views import View
from flows.signals import StopFlag
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.media.footage import Patience
from flows.sources.pace import Paces
from flows.sources.prefetch import FLUSH, Flush
from flows.sources.read_positions import ReadPositions
from flows.sources.sample_queue import ReaderItem, SampleQueue
from flows.sources.sampler import DETECTOR_SIDE_PX
from flows.sources.side_outlets import PacketSink, TileSink
from flows.sources.watched_camera import HUNG_AFTER_S, Blinded, WatchedCamera
from flows.waking import AT_ONCE, PollTimer

SHARD = "shard-000"
POLL_S = 0.01
# one activation's frames: four Triton requests, so that the server seldom waits for us
BATCH_FRAMES = 32
QUEUED_FRAMES = 96  # of all cameras together; 270 kB each
# of a live camera, whose frames lose their use: with more, a slow machine would be later, not better
LIVE_QUEUED_S = 2.0

ShardItem = ReaderItem | Flush


@dataclass(frozen=True)
class ShardSettings:
    """What a shard needs to read its cameras."""

    cameras: tuple[Camera, ...]
    base: Path  # folder that relative footage paths start at
    playback: Playback
    stop: StopFlag  # set: save state and end
    recorder_for: Callable[[Camera], PacketSink | None] = lambda camera: None
    credentials_of: Callable[[Camera], Credentials | None] = lambda camera: None
    tiles: TileSink | None = None
    # by camera id: entered around calls into FFmpeg; see DecodeMarks
    mark_of: Callable[[str], AbstractContextManager[object] | None] = lambda camera_id: None
    # who is not to be read now, and why; see domain/cameras/quarantine.py
    quarantined: Callable[[], Mapping[str, BothLanguages]] = dict
    # by camera id: what automatic views are drawn around
    watched_areas: Callable[[str], tuple[View, ...]] = lambda camera_id: ()
    # by camera id: of the square pictures that its detector takes
    side_px_of: Callable[[str], int] = lambda camera_id: DETECTOR_SIDE_PX
    patience: Patience | None = None  # with live cameras, if not the usual
    paces: Paces | None = None  # None: whether the machine is too slow is not reported
    # whether a step of the flow put aside all of a camera's frames lately; see Asides.look
    blinded: Blinded = lambda camera_id: None
    # seconds, all together, that the flow stood still because its state could not be saved
    held_up_s: Callable[[], float] = lambda: 0.0
    beat: Callable[[], None] = lambda: None  # called while alive, for an outside watchdog
    steady: SteadyClock = field(default_factory=SteadyClock)
    over: threading.Event = field(default_factory=threading.Event)  # set when all footage has ended

    def positions(self) -> ReadPositions:
        """Return positions for these cameras, to be shared with the step that says what is done."""
        is_finite = self.playback.until_end
        return ReadPositions(
            frozenset(camera.id for camera in self.cameras if is_finite and not camera.is_live)
        )


class CameraShard(StatefulSourcePartition[ShardItem, Saved]):
    """Drains the readers of its cameras in turn, so that none starves another."""

    def __init__(
        self, settings: ShardSettings, positions: ReadPositions, is_waiting: Callable[[], bool]
    ) -> None:
        self._settings = settings
        self._positions = positions
        self._is_waiting = is_waiting
        self._rounds = PollTimer()
        self._held_up_s = settings.held_up_s()
        self._quarantined: set[str] = set()  # as told
        self._watched: dict[str, WatchedCamera] = {}
        for camera in settings.cameras:
            if not positions.of(camera.id).ended and camera.id not in settings.quarantined():
                self._watched[camera.id] = self._watch(camera)

    def _watch(self, camera: Camera) -> WatchedCamera:
        settings = self._settings
        is_finite = settings.playback.until_end and not camera.is_live
        if not is_finite and settings.paces is not None:
            settings.paces.watch(camera.id, camera.analyse_fps)
        recorder = settings.recorder_for(camera)
        return WatchedCamera(
            camera.id,
            is_finite,
            lambda: self._start_reader(camera, recorder, is_finite),
            self._positions,
            settings.paces,
            settings.blinded,
            hung_after_s=max(HUNG_AFTER_S, 3 / camera.analyse_fps),
        )

    def _start_reader(
        self, camera: Camera, recorder: PacketSink | None, is_finite: bool
    ) -> CameraReader:
        settings = self._settings
        capacity = max(4, QUEUED_FRAMES // len(settings.cameras))
        if not is_finite:
            capacity = min(capacity, max(4, math.ceil(camera.analyse_fps * LIVE_QUEUED_S)))
        reader = CameraReader(
            camera,
            settings.base,
            settings.playback,
            SampleQueue(capacity, drops_oldest=not is_finite),
            resume=self._positions.of(camera.id),
            recorder=recorder,
            tiles=settings.tiles,
            watched_areas=settings.watched_areas(camera.id),
            patience=settings.patience,
            credentials=settings.credentials_of(camera),
            steady=settings.steady,
            mark=settings.mark_of(camera.id),
            side_px=settings.side_px_of(camera.id),
        )
        reader.start()
        return reader

    def next_batch(self) -> list[ShardItem]:
        """Take what is ready, a fair share of each camera; after an empty look, wait a little first."""
        self._rounds.wait()
        self._settings.beat()
        if self._is_over():
            self._settings.over.set()
        if self._settings.stop.is_set() or self._is_over():
            raise StopIteration
        held_s = self._settings.held_up_s() - self._held_up_s
        if held_s > 0:
            self._held_up_s += held_s
            for watched in self._watched.values():
                watched.was_held_up(held_s)
        batch: list[ShardItem] = [*self._quarantine()]
        share = max(1, BATCH_FRAMES // max(1, len(self._watched)))
        for watched in self._watched.values():
            batch.extend(watched.take_ready(share))
        # nothing to read: the answers that are held back behind the last batch would wait for ever
        if not batch and self._is_waiting():
            batch.append(FLUSH)
        self._rounds.rest(0 if batch else POLL_S)
        return batch

    def _is_over(self) -> bool:
        """Tell whether every camera was a file and all of its frames have been dealt with."""
        # one in quarantine may come back; a file in quarantine ends with the news of it
        reasons = self._settings.quarantined()
        away = (camera.id for camera in self._settings.cameras if camera.id in reasons)
        return all(self._positions.of(each).ended for each in {*self._watched, *away})

    def _quarantine(self) -> list[CameraNotice]:
        """Tell, once each, of who is not read; begin with those who may be read again."""
        news, reasons = [], self._settings.quarantined()
        for camera in self._settings.cameras:
            if camera.id in reasons and camera.id not in self._quarantined:
                self._quarantined.add(camera.id)
                if camera.id not in self._watched:
                    news.append(self._away(camera.id, reasons[camera.id]))
            elif camera.id in self._quarantined and camera.id not in reasons:
                self._quarantined.discard(camera.id)
                if camera.id not in self._watched and not self._positions.of(camera.id).ended:
                    self._watched[camera.id] = self._watch(camera)
        return news

    def _away(self, camera_id: str, why: BothLanguages) -> CameraNotice:
        position = self._positions.of(camera_id)
        read_s = position.media_time_s or 0.0
        return CameraNotice(
            camera_id, "failed", why, datetime.now(UTC), position.counts, media_time_s=read_s
        )

    def next_awake(self) -> datetime:
        """Ask to be called at once; `next_batch` waits where there is nothing to read."""
        return AT_ONCE

    def snapshot(self) -> Saved:
        """Save the positions; frames whose answers are still awaited are not counted: they are read again."""
        return self._positions.save()

    def close(self) -> None:
        """End the reader threads."""
        for watched in self._watched.values():
            watched.reader.stop()


@dataclass(frozen=True, eq=False)
class CameraShardSource(FixedPartitionedSource[ShardItem, Saved]):
    """All cameras of one process."""

    settings: ShardSettings
    positions: ReadPositions  # shared with the step that says what is done (settings.positions())
    # whether that step holds answers back; then it is sent a Flush when there is nothing to read
    is_waiting: Callable[[], bool] = lambda: False

    def list_parts(self) -> list[str]:
        """Return one partition, always of the same name."""
        return [SHARD]

    def build_part(self, step_id: str, for_part: str, resume_state: Saved | None) -> CameraShard:
        """Start the readers where the last run stopped."""
        self.positions.restore(resume_state)
        return CameraShard(self.settings, self.positions, self.is_waiting)
