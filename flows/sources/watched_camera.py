"""One camera of a shard: drains its reader, starts one again that died or hangs, and adds its own news."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import structlog

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.cameras.status import CameraNotice, CameraStatus
from domain.processes.backoff import Backoff
from flows.sources.camera_reader import CameraReader
from flows.sources.outages import Outages
from flows.sources.pace import Paces
from flows.sources.read_positions import ReadPositions
from flows.sources.sample_queue import ReaderItem, Sample

log = structlog.get_logger()

STALL_AFTER_S = 5.0  # of a live camera without a frame
# a reader that died is started again after
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 3.0
# one that neither shows nor tells anything in the longest try to open a stream, or reads on without a
# picture, is left behind. Its thread cannot be ended from outside, so not too often
HUNG_AFTER_S, LONGEST_HUNG_S = 60.0, 3600.0

Blinded = Callable[[str], tuple[bool, BothLanguages | None] | None]


@dataclass
class WatchedCamera:
    """A camera and its reader while the shard runs; used by one thread."""

    camera_id: str
    is_finite: bool  # a file that is read once; all else is live
    start_reader: Callable[[], CameraReader]
    positions: ReadPositions
    paces: Paces | None
    blinded: Blinded
    hung_after_s: float = HUNG_AFTER_S
    outages: Outages = field(default_factory=Outages)
    last_sample_s: float = field(default_factory=time.monotonic)
    is_stalled: bool = False
    _last_word_s: float = field(default_factory=time.monotonic)
    _held_up: CameraNotice | None = None  # to be told before what comes next
    _has_ended: bool = False  # nothing more comes of a finite camera
    _restart_at_s: float | None = None  # of a reader that died

    def __post_init__(self) -> None:
        """Begin to read."""
        self.reader = self.start_reader()
        self._restarts = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, share=random.random)
        self._patience = Backoff(self.hung_after_s, LONGEST_HUNG_S)

    def take_ready(self, limit: int) -> list[ReaderItem]:
        """Take what the reader has ready, at most so much, and the news that are due."""
        has_died = not self.reader.is_alive()  # asked first: nothing comes after it
        items = self.reader.queue.drain(limit)
        if self.is_finite:
            self._has_ended |= any(
                isinstance(item, CameraNotice) and self.positions.ends(item) for item in items
            )
            if has_died and not len(self.reader.queue) and not self._has_ended:
                self._has_ended = True
                items.append(self._notice("failed", trouble("reader_died_for_good", **self._name)))
            return items
        held_up, self._held_up = self._held_up, None
        items = [*([held_up] if held_up else []), *items]
        judged = [self.outages.judge(item) for item in items]
        self._note(items)
        news = [self._came_back(items), self._stall_notice(), self._pace(), self._blindness()]
        if has_died and not len(self.reader.queue):
            news.append(self._bury())
        elif not items:
            news.append(self._leave_behind())
        judged += [self.outages.judge(each) for each in news if each is not None]
        due = self.outages.look()
        return [*judged, due] if due else judged

    def was_held_up(self, held_s: float) -> None:
        """Know that the flow itself stood still: what a live camera seems to have missed is not its fault."""
        if self.is_finite:
            return
        self.last_sample_s = max(self.last_sample_s, time.monotonic() - STALL_AFTER_S / 2)
        self._last_word_s = time.monotonic()
        self._forget_pace()
        if held_s >= STALL_AFTER_S and not self.is_stalled:
            self.is_stalled = True
            words = trouble("held_up", held_s=held_s, **self._name)
            self._held_up = self._notice("stalled", words)

    def _note(self, items: list[ReaderItem]) -> None:
        if items:
            self._last_word_s = time.monotonic()
        if any(isinstance(item, CameraNotice) for item in items):
            self._forget_pace()
        if any(isinstance(item, Sample) for item in items):
            self.last_sample_s = time.monotonic()
            self._restarts.reset()
            self._patience.reset()

    def _came_back(self, items: list[ReaderItem]) -> CameraNotice | None:
        if not self.is_stalled or not any(isinstance(item, Sample) for item in items):
            return None
        self.is_stalled = False
        return self._notice("up", None)

    def _bury(self) -> CameraNotice | None:
        """Tell of a reader that died, and start the next one after a pause."""
        now_s = time.monotonic()
        if self._restart_at_s is None:
            self._restart_at_s = now_s + self._restarts.next_s()
            log.error("reader_died", camera_id=self.camera_id)
            return self._notice("failed", trouble("reader_died", **self._name))
        if now_s >= self._restart_at_s:
            self._restart_at_s = None
            self._start_anew()
        return None

    def _leave_behind(self) -> CameraNotice | None:
        """Start another reader in place of one that hangs, which is told of."""
        silent_s = time.monotonic() - self._last_word_s
        if silent_s < self._patience.pause_s:
            return None
        self._patience.next_s()
        log.error("reader_hangs", camera_id=self.camera_id, silent_s=round(silent_s))
        self.reader.leave_behind()
        self._start_anew()
        return self._notice("failed", trouble("reader_hangs", silent_s=silent_s, **self._name))

    def _start_anew(self) -> None:
        try:
            self.reader = self.start_reader()
        except Exception:  # no thread to be had: the dead one stays, and is buried again
            log.exception("reader_not_started", camera_id=self.camera_id)
        self._last_word_s = time.monotonic()

    def _stall_notice(self) -> CameraNotice | None:
        """Return news, once, of a live camera that stands still."""
        silent_s = time.monotonic() - self.last_sample_s
        if self.is_stalled or silent_s < STALL_AFTER_S:
            return None
        self.is_stalled = True
        self._forget_pace()
        return self._notice("stalled", trouble("stalled", silent_s=silent_s, **self._name))

    def _forget_pace(self) -> None:
        if self.paces is not None:
            self.paces.begin_anew(self.camera_id)

    def _pace(self) -> CameraNotice | None:
        """Return news, once each, of a live camera that the machine is too slow for, or no longer."""
        turned = self.paces.look(self.camera_id, self.reader.queue.offered) if self.paces else None
        if turned is None:
            return None
        is_slow, measured = turned
        facts = {"camera": self.camera_id, **asdict(measured)}
        log.info("camera_pace", is_slow=is_slow, **facts)
        message = trouble("slow", **facts) if is_slow else None
        return self._notice("slow" if is_slow else "up", message)

    def _blindness(self) -> CameraNotice | None:
        """Return news, once each, that a step puts aside all that the camera gives, or no longer."""
        turned = self.blinded(self.camera_id)
        if turned is None:
            return None
        is_blind, why = turned
        return self._notice("failed" if is_blind else "up", why)

    @property
    def _name(self) -> dict[str, str]:
        return {"camera": self.camera_id}

    def _notice(self, status: CameraStatus, message: BothLanguages | None) -> CameraNotice:
        position = self.positions.of(self.camera_id)
        return CameraNotice(
            camera_id=self.camera_id,
            status=status,
            said=message,
            at=datetime.now(UTC),
            counts=position.counts,
            media_time_s=position.media_time_s or 0.0,
        )
