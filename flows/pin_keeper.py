"""What recorders may not drop, kept fresh by a thread: they ask from the camera's own, which never waits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import structlog

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from event_log.log import EventLog
from evidence_store.holds import read_holds
from evidence_store.pins import Pin
from flows.open_offences import OpenOffences

log = structlog.get_logger()

LOOK_EVERY_S = 5.0


class PinKeeper:
    """The pins of open offences and holds; safe for several threads."""

    def __init__(self, data: DataDir) -> None:
        self._data = data
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

    def _run(self) -> None:
        events, offences = None, None
        while not self._stopping.is_set():
            try:
                if events is None:
                    events = EventLog.open(self._data.events_db)
                    offences = OpenOffences(events)
                assert offences is not None
                self._take([*offences.pins(datetime.now(UTC)), *self._holds()])
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
