"""Run the steps of the four programs in one process, as Bytewax runs them: rounds, epochs, saved state.

What is real: the logic of every key, the log's source and sink, the state that is saved and restored. What is
not: Bytewax itself, which is tried elsewhere; so its contract (flows/keyed_logic.py) is kept here by hand.
"""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Any

from domain.cameras.steady_clock import ClockFile, SteadyClock
from domain.events.catalog import (
    Event,
)
from domain.site.site import Site
from flows.put_aside import Asides
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import PARTITION, EventLogSource
from flows.waking import Timers, WakingSource
from tests.simulation.devices import (
    Lane,
)

if TYPE_CHECKING:
    from tests.simulation.world import World

EPOCH_TICKS = 2
MOST_BATCHES = 4  # of one round
Made = tuple[Iterable[Event], bool]


class Program:
    """One program of the system; `logics` are what it knows, by key."""

    name = ""

    def __init__(self, world: World, revision: int, site: Site) -> None:
        self.world, self.revision, self.site = world, revision, site
        self.data = world.data
        self.stop = threading.Event()
        self.lanes: list[Lane] = []
        self.asides = Asides(site.site.id, self.name, lambda event: world.log.append([event]))
        self.steady = open_steady(world)
        self.saved = world.store.get(self.name, {})
        self.sink: Any = EventLogSink(self.data.events_db, 0.0).build_part("", PARTITION, None)
        self.logics: dict[str, Any] = {}
        self.rounds = 0
        self.changed = False  # since the state was saved

    @abstractmethod
    def go_round(self) -> None:
        """Do what there is to do now."""

    def write(self, events: Iterable[Event]) -> None:
        """Write what was made."""
        if written := list(events):
            self.changed = True
            self.sink.write_batch(written)

    def end_epoch(self) -> None:
        """Save what a restart needs, if it is time."""
        self.rounds += 1
        if self.rounds % EPOCH_TICKS == 0 and self.changed:
            self.save()

    def save(self) -> None:
        """Save all at once, as Bytewax does when all of an epoch is written."""
        disk = self.world.disk
        saved = {"place": self.source.snapshot(), "keys": self._snapshots()}
        disk.point("before the state is saved")
        disk.check_room()
        self.world.store_before[self.name] = self.world.store.get(self.name, {})
        self.world.store[self.name] = saved
        self.changed = False
        disk.point("after the state was saved")

    def _snapshots(self) -> dict[str, Any]:
        return {key: logic.snapshot() for key, logic in self.logics.items()}

    def end(self) -> None:
        """Do as after SIGTERM."""
        self.stop.set()
        for key, logic in list(self.logics.items()):
            self.take_back(key, logic.on_eof())
        self.save()

    def take_back(self, key: str, made: Made) -> None:
        """Write what a key has made, and forget it where it has done."""
        events, is_over = made
        if is_over:
            self.logics.pop(key, None)
            self.changed = True
        self.write(events)

    def lane(self, takes_s: Callable[[], float]) -> Lane:
        """Make what stands in for a thread of this program."""
        lane = Lane(self.world.clock, takes_s)
        self.lanes.append(lane)
        return lane

    source: Any


class KeyedProgram(Program):
    """A program that reads the log and keeps one logic for each key."""

    types: tuple[str, ...] = ()
    batch_size = 100
    every_ticks = 1  # it has a round: reading costs most of a life

    def begin(self) -> None:
        """Go on from what was saved."""
        self.timers = Timers()
        read = EventLogSource(
            self.data.events_db, self.types, self.stop, batch_size=self.batch_size, waits=False
        )
        self.source = WakingSource(read, self.timers).build_part(
            "", PARTITION, self.saved.get("place")
        )
        for key, saved in self.saved.get("keys", {}).items():
            self.logics[key] = self.make(saved)

    @abstractmethod
    def make(self, saved: Any) -> Any:
        """Make the logic of a key."""

    @abstractmethod
    def keyed(self, item: Any) -> list[tuple[str, Any]]:
        """Return what of an item goes to which key."""

    @property
    def place(self) -> int:
        """Return how far the log was read."""
        return int(self.source._source._place.seq)

    @property
    def is_idle(self) -> bool:
        """Whether a round would do nothing."""
        return (
            self.place >= self.world.last_seq
            and not self._is_due()
            and all(lane.is_idle for lane in self.lanes)
            and all(logic.notify_at() is None for logic in self.logics.values())
        )

    def _is_due(self) -> bool:
        due = self.timers._due
        return bool(due) and due[0][0] <= 1e6 + self.world.clock.now_s

    def go_round(self) -> None:
        """Take what is new, then ask those who want to be asked."""
        self.steady.look()
        if self.world.ticks % self.every_ticks or self.is_idle:
            return
        self.changed = True
        for _ in range(MOST_BATCHES):
            for lane in self.lanes:
                lane.work()
            items = [pair for item in self.source.next_batch() for pair in self.keyed(item)]
            items.sort(key=lambda pair: pair[0])
            for key, group in groupby(items, key=lambda pair: pair[0]):
                logic = self.logics.get(key) or self.logics.setdefault(key, self.make(None))
                self.take_back(key, logic.on_batch([value for _, value in group]))
            for key, logic in sorted(self.logics.items()):
                if logic.notify_at() is not None:
                    self.take_back(key, logic.on_notify())
            has_read_all = not items or self.place >= self.world.last_seq
            if has_read_all and not any(lane.is_ready for lane in self.lanes):
                break


def clock_file(world: World) -> ClockFile:
    """Return the data folder's clock file, on this simulation's machine."""
    clock = world.clock
    return ClockFile(world.data.clock, clock.boot_name, boot_s=clock.boot_s, wall_s=clock.wall_s)


def open_steady(world: World) -> SteadyClock:
    """Open the steady clock as each program does."""
    try:
        return clock_file(world).open()
    except OSError:
        return SteadyClock(boot_s=world.clock.boot_s, wall_s=world.clock.wall_s)
