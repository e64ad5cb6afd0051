"""Live through one plan: four programs on one log, people before two cameras, and all that goes wrong."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import structlog

from domain.data_dir import DataDir
from domain.events.catalog import Event
from domain.offence_states import OPEN, State
from event_log.log import EventLog, Page
from event_log.rows import LoggedEvent
from tests.simulation.aims import Aims
from tests.simulation.checks import check_at_the_end, check_fold, check_sound
from tests.simulation.clock import OwnClock
from tests.simulation.devices import HORN_MOODS, MAIL_MOODS, Horn, Mail, Rows
from tests.simulation.disk import Disk, Killed
from tests.simulation.happenings import apply, happen, lose
from tests.simulation.matrix import FRESH_S, Matrix
from tests.simulation.model import Model
from tests.simulation.plan import Plan
from tests.simulation.programs import PROGRAMS, Program
from tests.simulation.promises import Truth, Violation
from tests.simulation.sites import revision_of
from tests.simulation.street import PICTURES, Camera, Shown

TICK_S = 1.0
PATIENCE_TICKS = 150  # after the last fault: within that all must have ended
PAUSE_TICKS = 3  # of the supervisor, before it starts again what ended by an error
OLD_S = 75.0  # what is younger at the end may still be under way
MEMORY = Path("/dev/shm")
READ_PAGE = EventLog.read_page
SEALS_EVERY = 5  # of so many lives one seals, and reads the log itself


class World:
    """One simulated life."""

    def __init__(self, plan: Plan, root: Path, matrix: Matrix | None = None) -> None:
        self.plan = plan
        self.chance = random.Random(plan.seed)
        self.data = DataDir(root)
        self.clock = OwnClock()
        self.disk = Disk(root)
        self.disk.appending, self.disk.appended = self._appending, self._appended
        self.horn = Horn(self.clock, self.disk, is_heard=lambda sound: check_sound(self, sound))
        self.mails: dict[str, Any] = {
            name: Mail(self.clock, self.disk, name) for name in ("desk", "duty")
        }
        self.rows = Rows()
        self.seals = plan.seed % SEALS_EVERY == 0  # for real
        self.sealed: dict[str, str] = {}
        self.store: dict[str, dict[str, Any]] = {}  # what Bytewax would keep in recovery/
        self.store_before: dict[str, dict[str, Any]] = {}  # an epoch ago
        self.cameras = {name: Camera(name) for name in ("north", "south")}
        self.running: dict[str, Program | None] = dict.fromkeys(PROGRAMS)
        self.back_at: dict[str, int] = dict.fromkeys(PROGRAMS, 0)
        self.frozen_until: dict[str, int] = dict.fromkeys(PROGRAMS, 0)
        self.torn: set[str] = set()
        self.loses: dict[str, int] = {}  # what a program loses when it dies
        self.ticks = self.starts = self.last_seq = self.room_at = self.models_back_at = 0
        self.watch_began_s = 0.0
        self.revision = self.watched_by = 0
        self.fresh: dict[str, float] = {}  # faults, and when they were there last
        self.logged: dict[str, LoggedEvent] = {}  # by id
        self.logged_rows: list[LoggedEvent] = []  # in order
        self.about: dict[str, list[LoggedEvent]] = {}  # by subject
        self.new: list[Event] = []  # of what is being written
        self.unread: deque[LoggedEvent] = deque()  # by the model
        self.matrix = matrix or Matrix()
        self.aims = Aims(self)
        self.model = Model(
            Truth(
                lambda: (self.watched_by, revision_of(plan.seed, self.watched_by)),
                lambda camera_id, at: self.cameras[camera_id].shown.get(at),
                self._last_shown,
                lambda warned_id: sum(each.warned_id == warned_id for each in self.horn.heard),
                lambda whom, asked: self.mails[whom].arrived.count(asked),
                lambda: self.clock.now_s,
                self._heard_until,
                lambda event_id: self.model.told_at_s[event_id],
                lambda: "machine restarted" in self.fresh,
                lambda camera_id: self.cameras[camera_id].lately,
                lambda: self.watch_began_s,
            )
        )

    @contextmanager
    def in_place(self) -> Iterator[World]:
        """Open the log, and let the programs find this world in place of the real one."""
        with ExitStack() as stack:
            stack.enter_context(quiet())
            stack.enter_context(self.clock.in_force())
            self.log = EventLog.open(self.data.events_db)
            stack.callback(self.log.close)
            stack.enter_context(patch.object(EventLog, "open", lambda *_, **__: self.log))
            stack.enter_context(patch.object(EventLog, "close", lambda _: None))
            # half of a life's time; that the log has the same is checked at its end
            about = patch.object(
                EventLog, "about", lambda _, subject: [*self.about.get(subject, ())]
            )
            stack.enter_context(about)
            stack.enter_context(
                patch.object(EventLog, "find", lambda _, name: self.logged.get(name))
            )
            if not self.seals:
                stack.enter_context(
                    patch.object(EventLog, "read_page", lambda _, *asked: self._page(*asked))
                )
            stack.enter_context(patch("flows.speech.call_queue.wait", _finish))
            stack.enter_context(self.disk.in_place())
            yield self

    def live(self) -> None:
        """Live through the plan, then let all faults end, and see that everything comes to its end."""
        apply(self, 0)
        for step in self.plan.steps:
            for _ in range(step.gap):
                self.tick()
            happen(self, step)
        self.mend()
        since_s = self.clock.now_s
        for _ in range(PATIENCE_TICKS):
            self.tick()
            if self.clock.now_s > since_s + 10 and not self._missing(since_s):
                break
        if missing := self._missing(since_s):
            raise Violation("; ".join(missing[:5]))
        check_at_the_end(self)

    def _missing(self, since_s: float) -> list[str]:
        return self.model.missing(since_s, self.watched_by)

    def tick(self) -> None:
        """Let a second pass."""
        self.ticks += 1
        self.clock.now_s += TICK_S
        for camera in self.cameras.values():
            camera.move()
        if self.disk.is_full:
            self.fresh["disk full"] = self.clock.now_s
            self.disk.is_full = self.ticks < self.room_at
        self._supervise()
        self.aims.bring()
        for name, program in list(self.running.items()):
            if program is not None and self.ticks >= self.frozen_until[name]:
                self._work(name, lambda program=program: (program.go_round(), program.end_epoch()))
        self.aims.strike()
        self.read_log()
        check_fold(self)

    def _supervise(self) -> None:
        """Start what has ended; where another revision is in force, all of it."""
        old = [p for p in self.running.values() if p is not None and p.revision != self.revision]
        if old:
            for program in (p for p in self.running.values() if p is not None):
                if self._work(program.name, program.end):
                    self.running[program.name] = None
                    self.back_at[program.name] = self.ticks
        for name, kind in PROGRAMS.items():
            if self.running[name] is None and self.ticks >= self.back_at[name]:
                self._work(name, lambda name=name, kind=kind: self._start(name, kind))

    def _start(self, name: str, kind: type[Program]) -> None:
        self.starts += 1
        if name == "watch":
            self.watched_by, self.watch_began_s = self.revision, self.clock.now_s
        program = kind(self, self.revision, revision_of(self.plan.seed, self.revision))
        self.running[name] = program
        program.begin()

    def _work(self, name: str, work: Callable[[], object]) -> bool:
        """Let a program work, until it is killed or ends by an error."""
        self.disk.at_work = name
        try:
            work()
        except Killed as killed:
            self.died(name, str(killed))
            return False
        except Exception as error:
            if isinstance(error, Violation) or not self.disk.is_full:
                raise
            self.died(name, "disk full")
            self.back_at[name] = self.ticks + PAUSE_TICKS
            return False
        finally:
            self.disk.at_work = ""
        return True

    def died(self, name: str, where: str) -> None:
        """Note the death of a program, and leave what it leaves."""
        kind = "killed after a write" if where.startswith("after") else "killed before a write"
        faults = {
            kind,
            *(f for f, at_s in self.fresh.items() if self.clock.now_s - at_s <= FRESH_S),
        }
        if name in self.torn:
            faults.add("write torn")
            self.torn.discard(name)
            self.disk.tear(name)
        self.read_log()
        self.matrix.note(self.states(), faults, name)
        self.running[name] = None
        lose(self, name, self.loses.pop(name, 2))
        self.back_at[name] = max(self.back_at[name], self.ticks + 1)

    def states(self) -> set[str]:
        """Return the states of offences that are open, or ended a moment ago."""
        states = {
            each.state.value
            for each in self.model.offences.values()
            if each.state in OPEN or self.clock.now_s - each.ended_at_s <= FRESH_S
        }
        ladders = self.ladders()
        if any(o.state is State.SUSPECTED for ladder in ladders for o in ladder.offences.values()):
            states.add(State.SUSPECTED.value)
        return states

    def ladders(self) -> list[Any]:
        """Return the ladders of the watch program that runs; () where none does."""
        watch: Any = self.running["watch"]
        logics = watch.logics.values() if watch is not None else ()
        return [each._watcher.ladder for each in logics if each._watcher is not None]

    def _heard_until(self, warned_id: str) -> float | None:
        return next((s.until_s for s in self.horn.heard if s.warned_id == warned_id), None)

    def _last_shown(self, camera_id: str) -> Shown | None:
        return self.cameras[camera_id].last

    def _appending(self, events: Sequence[Event]) -> None:
        """Remember what is about to be written; nothing may be told in two ways."""
        self.new = []
        for event in events:
            before = self.logged.get(event.id)
            if before is None:
                self.new.append(event)
            elif before.event != event:
                raise Violation(f"{event.id}: {event.type} is told in two ways")

    def _appended(self, count: int) -> None:
        """Take what was written as the log's next rows; at the end of a life the log itself is compared."""
        if count != len(self.new):
            raise Violation(f"{count} rows were written for {len(self.new)} new events")
        for event in self.new:
            self.last_seq += 1
            logged = LoggedEvent(self.last_seq, event, self.clock.wall())
            self.logged[event.id] = logged
            self.logged_rows.append(logged)
            self.about.setdefault(event.subject, []).append(logged)
            self.unread.append(logged)

    def whole_log(self) -> list[LoggedEvent]:
        """Read the log itself."""
        return READ_PAGE(self.log, limit=100_000).events

    def _page(
        self, after_seq: int = 0, types: Collection[str] | None = None, limit: int = 500
    ) -> Page:
        """Read as the log does; rows are numbered without a gap."""
        newest_id = self.logged_rows[-1].event.id if self.logged_rows else ""
        if self.last_seq <= after_seq:
            return Page([], after_seq, True, newest_id if self.last_seq == after_seq else "")
        wanted = (
            row for row in self.logged_rows[after_seq:] if types is None or row.event.type in types
        )
        found = list(islice(wanted, limit))
        if len(found) < limit:
            return Page(found, self.last_seq, True, newest_id)
        return Page(found, found[-1].seq, False, found[-1].event.id)

    def read_log(self) -> None:
        """Show the model what is new."""
        while self.unread:
            logged = self.unread.popleft()
            self.model.take(logged)
            if logged.event.type == "forewarn.item.put-aside.v1" and not self.disk.is_full:
                raise Violation(f"a step raised: {logged.event.data}")

    def mend(self) -> None:
        """End all faults."""
        self.disk.is_full = False
        self.models_back_at = 0
        self.aims.clear()
        self.disk.cuts.clear()
        self.disk.cut_at.clear()
        self.torn.clear()
        self.loses.clear()
        self.horn.mood = HORN_MOODS[0]
        for mail in self.mails.values():
            mail.mood = MAIL_MOODS[0]
        for camera in self.cameras.values():
            camera.silent_for, camera.sight = 0, PICTURES[0]
        for name in PROGRAMS:
            self.back_at[name] = min(self.back_at[name], self.ticks + 1)
            self.frozen_until[name] = 0

    @property
    def offences(self) -> int:
        """Return how many offences opened."""
        return len(self.model.offences)


def _finish(futures: Any, timeout: float) -> None:
    for future in futures:
        future.finish()


@contextmanager
def quiet() -> Iterator[None]:
    """Write no log lines: a simulated life has thousands."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.reset_defaults()


def live_through(plan: Plan, matrix: Matrix | None = None) -> World:
    """Live through a plan in a folder of its own; Violation: something was not as promised."""
    folder = tempfile.mkdtemp(prefix="forewarn-life-", dir=MEMORY if MEMORY.is_dir() else None)
    try:
        with World(plan, Path(folder), matrix).in_place() as world:
            world.live()
        return world
    finally:
        shutil.rmtree(folder, ignore_errors=True)
