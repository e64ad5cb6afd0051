"""Read live tiles and the event log in one thread, for all open pages.

Pages and sockets only compare what they drew with what stands here, so ten open browsers cost
the disk no more than one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import structlog

from dashboards.data.alarm_views import AlarmView, read_alarm_views
from dashboards.data.offence_projection import OffenceProjection, OffenceView
from dashboards.data.past_offences import begin_projection
from dashboards.data.tiles import Tile, TileReader, known_cameras
from dashboards.settings import MAX_TABLE_ROWS, STALE_AFTER_S, ConsoleSettings
from domain.errors import ForewarnError
from domain.events.catalog import (
    AlarmData,
    ClockStepped,
    EvidenceBehind,
    RingPinned,
    SiteFileChanged,
    StorageChanged,
)
from domain.processes.background_thread import BackgroundThread
from domain.site.site import Site
from event_log.follower import LogFollower, NewEvents
from event_log.log import EventLog
from event_log.place import LogPlace

log = structlog.get_logger()

TICK_S = 0.1  # tiles come at about five a second; ten looks a second lose none
EVENTS_EVERY_TICKS = 4


@dataclass(frozen=True, slots=True)
class ConsoleData:
    """What the console has loaded at one moment; never changed after it was made."""

    version: int = 0
    tiles: Mapping[str, Tile] = field(default_factory=dict)
    offences: Mapping[str, OffenceView] = field(default_factory=dict)
    alarms: Mapping[str, AlarmView] = field(default_factory=dict)  # open ones, the last closed ones
    counts: Mapping[tuple[date, str], int] = field(default_factory=dict)
    rings: Mapping[str, RingPinned] = field(default_factory=dict)  # by camera
    disks: Mapping[str, StorageChanged] = field(default_factory=dict)  # by folder
    backlogs: Mapping[str, EvidenceBehind] = field(default_factory=dict)  # by kind of work
    site_file: SiteFileChanged | None = None  # how the edited one differs from what is in force
    clock: ClockStepped | None = None  # the last setting of the machine's clock
    latest_at: datetime | None = None  # event time of the newest event
    log_problem: str = ""  # why the event log cannot be read, for people; "" when it can
    is_caught_up: bool = False  # False while the log's past is still being read


class Poller(BackgroundThread):
    """Keeps `snapshot` fresh until it is stopped."""

    def __init__(self, settings: ConsoleSettings) -> None:
        super().__init__("console-poller")
        site = settings.site
        self.snapshot = ConsoleData()
        self.timezone = ZoneInfo(site.site.timezone if site else "UTC")
        self._folder = settings.data.live
        self._site_cameras = [camera.id for camera in site.cameras] if site else None
        self._log = LogFollower(settings.data.events_db, begin=self._begin)
        self._readers: dict[str, TileReader] = {}
        self._projection = OffenceProjection(self.timezone, max_closed=MAX_TABLE_ROWS)
        self._log_problem = ""
        self._is_caught_up = False
        self._has_begun = False  # since the last look
        self._alarms: Mapping[str, AlarmView] = {}
        self._has_new_alarms = True  # they have to be read
        self._read_to_end_s = time.monotonic()  # when the log was last read to its end

    @property
    def behind_s(self) -> float:
        """Return for how many seconds nothing that the log says has come to the pages."""
        return time.monotonic() - self._read_to_end_s

    def _run(self) -> None:
        tick = 0
        while not self._stopping.is_set():
            try:
                has_events = tick % EVENTS_EVERY_TICKS == 0 and self._read_log()
                self._publish(self._read_tiles(), has_events)
            except Exception:  # one bad look must not blind every page for the rest of the night
                log.exception("console poll failed")
                self._stopping.wait(1.0)
            tick += 1
            if self._is_caught_up:
                self._stopping.wait(TICK_S)
        self._log.close()

    def _read_log(self) -> bool:
        """Fold in new events; return True where the log or its readability changed."""
        before = self._log_problem, self._is_caught_up
        alarms, new = self._alarms, NewEvents()
        try:
            new = self._log.read()
            self._read_alarms(new)
        except (ForewarnError, OSError) as error:
            self._log_problem = str(error)
        else:
            self._log_problem = ""
        self._projection.take(new.events)
        self._is_caught_up = new.is_last
        if new.is_last and not self._log_problem:
            self._read_to_end_s = time.monotonic()
        has_begun, self._has_begun = self._has_begun, False
        has_changed = before != (self._log_problem, self._is_caught_up)
        has_changed = has_changed or alarms is not self._alarms
        return has_changed or has_begun or bool(new.events)

    def _read_alarms(self, new: NewEvents) -> None:
        """Read the alarms anew where the log tells of one; where that fails, at the next look."""
        if new.is_other_log or any(isinstance(event.data, AlarmData) for event in new.events):
            self._has_new_alarms = True
        if self._log.log is None:
            self._alarms = self._alarms and {}
        elif self._has_new_alarms:
            self._alarms, self._has_new_alarms = read_alarm_views(self._log.log), False

    def _begin(self, log: EventLog) -> LogPlace:
        """Take what a log that is new tells so far."""
        self._projection, place = begin_projection(log, self.timezone, MAX_TABLE_ROWS)
        self._has_begun = self._has_new_alarms = True
        return place

    def _read_tiles(self) -> dict[str, Tile]:
        cameras = self._site_cameras
        if cameras is None:
            cameras = sorted({*known_cameras(self._folder), *self._projection.cameras})
        for camera_id in cameras:
            if camera_id not in self._readers:
                self._readers[camera_id] = TileReader(self._folder, camera_id, STALE_AFTER_S)
        return {
            camera_id: self._readers[camera_id].read(self._projection.cameras.get(camera_id))
            for camera_id in cameras
        }

    def _publish(self, tiles: dict[str, Tile], has_events: bool) -> None:
        old = self.snapshot
        if not has_events and all(old.tiles.get(id_) is tile for id_, tile in tiles.items()):
            return
        projection = self._projection
        self.snapshot = ConsoleData(
            version=old.version + 1,
            tiles=MappingProxyType(tiles),
            offences=MappingProxyType(dict(projection.offences)) if has_events else old.offences,
            alarms=MappingProxyType(self._alarms) if has_events else old.alarms,
            counts=MappingProxyType(dict(projection.counts)) if has_events else old.counts,
            rings=MappingProxyType(dict(projection.rings)) if has_events else old.rings,
            disks=MappingProxyType(dict(projection.disks)) if has_events else old.disks,
            backlogs=MappingProxyType(dict(projection.backlogs)) if has_events else old.backlogs,
            site_file=projection.site_file,
            clock=projection.clock,
            latest_at=projection.latest_at,
            log_problem=self._log_problem,
            is_caught_up=self._is_caught_up,
        )


def has_live_camera(site: Site | None) -> bool:
    """Tell whether a camera may be live: not where all are known to play recordings."""
    return site is None or any(camera.is_live for camera in site.cameras)


def day_of(snapshot: ConsoleData, timezone: ZoneInfo, is_live: bool) -> date:
    """Return the day that counts are for: today, or of recorded footage that of its last event."""
    if is_live or snapshot.latest_at is None:
        return datetime.now(UTC).astimezone(timezone).date()
    return snapshot.latest_at.astimezone(timezone).date()
