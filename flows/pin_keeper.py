"""What recorders may not drop, kept fresh by a thread: they ask from cameras' threads, which never wait."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol

import structlog

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events import Event, RingPinned
from domain.ids import mint
from event_log.log import EventLog
from evidence_store.holds import read_holds
from evidence_store.pins import Pin, RingUse
from flows.open_offences import OpenOffences

log = structlog.get_logger()

LOOK_EVERY_S = 5.0


class HasRing(Protocol):
    """A recorder, as far as it matters here."""

    camera_id: str

    @property
    def ring(self) -> RingUse | None:
        """How full it is; None: not known yet."""


class PinKeeper:
    """The pins of open offences and holds; safe for several threads.

    Where they leave a camera's ring no room within its limit, it says so in the event log.
    """

    def __init__(self, data: DataDir, site_id: str) -> None:
        self._data = data
        self._site_id = site_id
        self._recorders: list[HasRing] = []
        self._is_over: dict[str, bool] = {}  # by camera, as the log was told last
        self._by_camera: dict[str, tuple[Pin, ...]] | None = None  # replaced whole, never changed
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pin-keeper", daemon=True)

    def start(self) -> None:
        """Begin to look; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking and wait for the thread to end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def of(self, camera_id: str) -> tuple[Pin, ...] | None:
        """What a camera's ring must keep; None until it is known for the first time."""
        by_camera = self._by_camera
        return None if by_camera is None else by_camera.get(camera_id, ())

    def watch(self, recorder: HasRing) -> None:
        """Look at how full a recorder's ring is, too."""
        self._recorders.append(recorder)

    def _run(self) -> None:
        events, offences = None, None
        while not self._stopping.is_set():
            try:
                if events is None:
                    events = EventLog.open(self._data.events_db)
                    offences = OpenOffences(events)
                    self._is_over = _told_last(events)
                assert offences is not None
                self._take([*offences.pins(datetime.now(UTC)), *self._holds()])
                self._tell_rings(events)
            except (ForewarnError, OSError) as error:
                # what was pinned stays pinned; the log is opened anew, as it may have been replaced
                log.warning("pins_not_read", reason=str(error))
                if events is not None:
                    events.close()
                events = None
            self._stopping.wait(LOOK_EVERY_S)
        if events is not None:
            events.close()

    def _holds(self) -> list[Pin]:
        return [hold.pin for hold in read_holds(self._data.holds)]

    def _take(self, pins: list[Pin]) -> None:
        by_camera: dict[str, tuple[Pin, ...]] = {}
        for pin in pins:
            by_camera[pin.camera_id] = (*by_camera.get(pin.camera_id, ()), pin)
        self._by_camera = by_camera

    def _tell_rings(self, events: EventLog) -> None:
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


def _told_last(events: EventLog) -> dict[str, bool]:
    told, after = {}, 0
    while page := events.read(after, [RingPinned.event_type]):
        for each in page:
            if isinstance(each.event.data, RingPinned):
                told[each.event.data.camera_id] = each.event.data.is_over
        after = page[-1].seq
    return told
