"""Run the watch program in a simulated life: commands and frames in, the ladders' events out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from domain.base import BothLanguages
from domain.cameras.status import CameraNotice, ReadCounts
from domain.events.catalog import (
    CommandGiven,
    Event,
)
from domain.rule_key import RuleKey
from flows.clock_keeper import ClockKeeper
from flows.escalation.commands.command_intake import PendingCommand, take_up
from flows.escalation.logic import LadderLogic
from flows.escalation.orphaned_offences import ends_of_unwatched
from flows.escalation.restart.logged_offences import LoggedOffences
from flows.escalation.watched_rule import watch_keys
from flows.sources.event_log import PARTITION, EventLogSource
from flows.speech.holds import SiteHolds
from flows.watch import CommandParts, WatchParts, command_context, ladder_builder

if TYPE_CHECKING:
    pass

from tests.simulation.rounds import Program, clock_file


class Watch(Program):
    """Watches the cameras."""

    name = "watch"

    def begin(self) -> None:
        """Do as the watch program does at its start, then go on from what was saved."""
        world, site = self.world, self.site
        live = frozenset(camera.id for camera in site.cameras)
        logged = LoggedOffences(world.log, live, self.steady.of_wall)
        world.log.append(ends_of_unwatched(logged, site))
        commands = EventLogSource(
            self.data.events_db, [CommandGiven.event_type], self.stop, waits=False
        )
        self.source = commands.build_part("", PARTITION, self.saved.get("place"))
        holds = SiteHolds(site, self.data, live)
        operators = CommandParts(commands, world.log.find, world.log.about, live, holds)
        none: Any = None
        parts = WatchParts(
            site,
            none,
            none,
            none,
            operators=operators,
            logged=logged,
            asides=self.asides,
            steady=self.steady,
        )
        self.context = replace(command_context(parts, operators), now=world.clock.wall)
        self._build = ladder_builder(parts)
        self.keys = watch_keys(site)
        for key, saved in self.saved.get("keys", {}).items():
            self.logics[key] = self._build(saved)
        self.run = f"run-{world.clock.now_s}-{world.starts}"
        self.keeper = ClockKeeper(self.steady, self.data, site.site.id)
        self.keeper._file = clock_file(world)
        self.stalled: set[str] = set()

    def logic(self, key: RuleKey) -> LadderLogic:
        """Return the ladder of a rule on a camera."""
        found = self.logics.get(str(key))
        if found is None:
            found = self.logics[str(key)] = self._build(None)
        return found  # type: ignore[no-any-return]

    def go_round(self) -> None:
        """Take up commands, and look at one frame of each camera."""
        self.keeper.tell()
        if self.place < self.world.last_seq:
            self._take_commands()
        for camera_id, keys in self.keys.items():
            self._look(camera_id, keys)
        if self.rounds % 4 == 0:
            self.keeper._file.save(self.steady)

    @property
    def place(self) -> int:
        """Return how far the log was read for commands."""
        return int(self.source._place.seq)

    def _take_commands(self) -> None:
        for logged in self.source.next_batch():
            self.changed = True
            taken = take_up(logged, self.context)
            if isinstance(taken, PendingCommand):
                key = RuleKey(taken.given.camera_id, taken.given.rule_id)
                self._give(key, taken)
            elif taken is not None:
                self.write([taken])

    def _look(self, camera_id: str, keys: list[RuleKey]) -> None:
        camera = self.world.cameras[camera_id]
        at = self.steady.now()
        if camera.silent_for:
            if camera.silent_for % 2 and camera_id not in self.stalled:
                self.stalled.add(camera_id)
                said = BothLanguages(zh="没有画面", en="no picture")
                notice = CameraNotice(camera_id, "stalled", said, at, ReadCounts(), 0.0)
                for key in keys:
                    self._give(key, notice)
            return
        self.stalled.discard(camera_id)
        ahead_s = (self.steady.wall(at) - at).total_seconds()
        tracked = camera.frame(at, ahead_s, self.run, self.world.clock.now_s)
        for key in keys:
            self._give(key, tracked)

    def _give(self, key: RuleKey, item: Any) -> None:
        made, _ = self.logic(key).on_batch([(key, item)])
        self.write(each for each in made if isinstance(each, Event))
        self.changed = True

    def end(self) -> None:
        """Do as after SIGTERM: a stop is not the end of what is watched."""
        self.stop.set()
        self.save()
