"""Keep in memory what recorders may not drop; cameras' threads ask and never wait for the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from casework.retention.open_offences import OpenOffences
from domain.cameras.believed_clock import BelievedClock
from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events.catalog import Event, RingPinned
from domain.ids import mint
from domain.processes.background_thread import BackgroundThread
from event_log.log import EventLog
from evidence_store.erasure.legal_holds import read_holds
from evidence_store.recordings.pins import Pin, RingUse

log = structlog.get_logger()

LOOK_EVERY_S = 5.0
BELIEVE_EVERY_S = 60.0


class RingOwner(Protocol):
    """A recorder, as far as it matters here."""

    camera_id: str

    @property
    def ring(self) -> RingUse | None:
        """Return how full it is; None: not known yet."""


class PinKeeper(BackgroundThread):
    """The pins of open offences and holds; safe for several threads.

    Where they leave a camera's ring no room within its limit, it says so in the event log.
    """

    def __init__(
        self,
        data: DataDir,
        site_id: str,
        steady_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__("pin-keeper")
        self._steady_now = steady_now
        self._believed = BelievedClock(data.believed_clock)
        self._believed_at: datetime | None = None
        self._look_at_s = 0.0
        self._data = data
        self._site_id = site_id
        self._recorders: list[RingOwner] = []
        self._is_over: dict[str, bool] = {}  # by camera, as last logged
        self._by_camera: dict[str, tuple[Pin, ...]] | None = None  # replaced whole, never changed

    def of(self, camera_id: str) -> tuple[Pin, ...] | None:
        """Return what a camera's ring must keep; None until it is known for the first time."""
        by_camera = self._by_camera
        return None if by_camera is None else by_camera.get(camera_id, ())

    def believed_at(self) -> datetime | None:
        """Return until when the machine's clock is believed, for the age of footage; None: not known yet."""
        return self._believed_at

    def watch(self, recorder: RingOwner) -> None:
        """Look at how full a recorder's ring is, too."""
        self._recorders.append(recorder)

    def _run(self) -> None:
        events, offences = None, None
        while not self._stopping.is_set():
            try:
                if events is None:
                    events = EventLog.open(self._data.events_db)
                    offences = OpenOffences(events)
                    self._is_over = _last_logged(events)
                assert offences is not None
                now = min(self._steady_now(), self._look_at_clock())
                self._take([*offences.pins(now), *self._holds()])
                self._log_rings(events)
            except (ForewarnError, OSError) as error:
                # what was pinned stays pinned; the log is opened anew, as it may have been replaced
                log.warning("pins_not_read", reason=str(error))
                if events is not None:
                    events.close()
                events = None
            self._stopping.wait(LOOK_EVERY_S)
        if events is not None:
            events.close()

    def _look_at_clock(self) -> datetime:
        if self._believed_at is None or time.monotonic() >= self._look_at_s:
            self._believed_at = self._believed.look().at
            self._look_at_s = time.monotonic() + BELIEVE_EVERY_S
        return self._believed_at

    def _holds(self) -> list[Pin]:
        return [hold.pin for hold in read_holds(self._data.holds)]

    def _take(self, pins: list[Pin]) -> None:
        by_camera: dict[str, tuple[Pin, ...]] = {}
        for pin in pins:
            by_camera[pin.camera_id] = (*by_camera.get(pin.camera_id, ()), pin)
        self._by_camera = by_camera

    def _log_rings(self, events: EventLog) -> None:
        for recorder in self._recorders:
            ring, camera_id = recorder.ring, recorder.camera_id
            if ring is None or ring.is_over == self._is_over.get(camera_id, False):
                continue
            now = datetime.now(UTC)
            data = RingPinned(
                site_id=self._site_id,
                camera_id=camera_id,
                is_over=ring.is_over,
                pinned_bytes=ring.pinned_bytes,
                size_bytes=ring.size_bytes,
                limit_bytes=ring.limit_bytes,
                reasons=tuple(pin.why for pin in self.of(camera_id) or ()),
            )
            event_id = mint("evt", data.event_type, camera_id, now.isoformat())
            source = f"forewarn/{self._site_id}/{camera_id}"
            events.append([Event(event_id, source, camera_id, now, data)])
            self._is_over[camera_id] = ring.is_over
            log.warning("ring_pinned", camera_id=camera_id, is_over=ring.is_over)


def _last_logged(events: EventLog) -> dict[str, bool]:
    is_over, after = {}, 0
    while page := events.read(after, [RingPinned.event_type]):
        for logged in page:
            if isinstance(logged.event.data, RingPinned):
                is_over[logged.event.data.camera_id] = logged.event.data.is_over
        after = page[-1].seq
    return is_over
