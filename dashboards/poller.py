"""The one place that looks at the disk: a thread reads live tiles and the event log for everybody.

Pages and sockets only compare what they drew with what stands here, so ten open browsers cost
the disk no more than one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

import structlog

from dashboards.log_follower import LogFollower, News
from dashboards.offences import Offence, OffenceBook
from dashboards.settings import MAX_TABLE_ROWS, STALE_AFTER_S, ConsoleSettings
from dashboards.tiles import Tile, TileReader, known_cameras
from domain.errors import ForewarnError
from domain.events import RingPinned
from domain.site import Site

log = structlog.get_logger()

TICK_S = 0.1  # tiles come at about five a second; ten looks a second lose none
EVENTS_EVERY_TICKS = 4


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the console knows at one moment; never changed after it was made."""

    version: int = 0
    tiles: Mapping[str, Tile] = field(default_factory=dict)
    offences: Mapping[str, Offence] = field(default_factory=dict)
    counts: Mapping[tuple[date, str], int] = field(default_factory=dict)
    rings: Mapping[str, RingPinned] = field(default_factory=dict)  # by camera
    latest_at: datetime | None = None  # event time of the newest event
    log_problem: str = ""  # why the event log cannot be read, for people; "" when it can
    is_caught_up: bool = False  # False while the log's past is still being read


class Poller:
    """Keeps `snapshot` fresh until it is stopped."""

    def __init__(self, settings: ConsoleSettings) -> None:
        site = settings.site
        self.snapshot = Snapshot()
        self.timezone = ZoneInfo(site.site.timezone if site else "UTC")
        self._folder = settings.data.live
        self._site_cameras = [camera.id for camera in site.cameras] if site else None
        self._log = LogFollower(settings.data.events_db)
        self._readers: dict[str, TileReader] = {}
        self._book = self._new_book()
        self._log_problem = ""
        self._is_caught_up = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="console-poller", daemon=True)

    def start(self) -> None:
        """Begin to look; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking and wait for the thread to end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

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
        """Fold in what is new; True where the log or its readability changed."""
        before = self._log_problem, self._is_caught_up
        try:
            news = self._log.read()
        except (ForewarnError, OSError) as error:
            news, self._log_problem = News(), str(error)
        else:
            self._log_problem = ""
        if news.is_other_log:
            self._book = self._new_book()
        self._book.take(news.events)
        self._is_caught_up = news.is_last
        has_changed = before != (self._log_problem, self._is_caught_up)
        return has_changed or news.is_other_log or bool(news.events)

    def _new_book(self) -> OffenceBook:
        return OffenceBook(self.timezone, max_closed=MAX_TABLE_ROWS)

    def _read_tiles(self) -> dict[str, Tile]:
        cameras = self._site_cameras
        if cameras is None:
            cameras = sorted({*known_cameras(self._folder), *self._book.cameras})
        for camera_id in cameras:
            if camera_id not in self._readers:
                self._readers[camera_id] = TileReader(self._folder, camera_id, STALE_AFTER_S)
        return {
            camera_id: self._readers[camera_id].read(self._book.cameras.get(camera_id))
            for camera_id in cameras
        }

    def _publish(self, tiles: dict[str, Tile], has_events: bool) -> None:
        old = self.snapshot
        if not has_events and all(old.tiles.get(each) is tile for each, tile in tiles.items()):
            return
        book = self._book
        self.snapshot = Snapshot(
            version=old.version + 1,
            tiles=MappingProxyType(tiles),
            offences=MappingProxyType(dict(book.offences)) if has_events else old.offences,
            counts=MappingProxyType(dict(book.counts)) if has_events else old.counts,
            rings=MappingProxyType(dict(book.rings)) if has_events else old.rings,
            latest_at=book.latest_at,
            log_problem=self._log_problem,
            is_caught_up=self._is_caught_up,
        )


def has_live_camera(site: Site | None) -> bool:
    """False only where all cameras are known to play recordings, whose days lie in the past."""
    return site is None or any(camera.is_live for camera in site.cameras)


def day_of(snapshot: Snapshot, timezone: ZoneInfo, is_live: bool) -> date:
    """Which day the counts are for: today, or for recorded footage the day of its last event."""
    if is_live or snapshot.latest_at is None:
        return datetime.now(UTC).astimezone(timezone).date()
    return snapshot.latest_at.astimezone(timezone).date()
