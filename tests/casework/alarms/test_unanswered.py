"""No alarm is unanswered past its deadline without the next person told, whatever happens in between."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from casework.alarms.desk import AlarmActor, AlarmDesk
from casework.alarms.moves import AlarmAction, moves_of
from casework.alarms.policy import MOST_REPEATS
from domain.events.catalog import AlarmData, AlarmJoined, AlarmMoved, AlarmOpened, AlarmOverdue
from event_log.log import EventLog
from event_log.projections.rows import Fields
from event_log.projections.tables import ALARMS
from tests.casework.alarms.conftest import POLICY
from tests.support.alarm_causes import escalated
from tests.support.made_up_machine import MadeUpMachine

ALARMS_IN_ALL = 1000
TICK_S = 30.0
FULL_AFTER_S = 900.0
WITHIN_S = POLICY.within_s.ordinary
ALARM_KINDS = (AlarmOpened, AlarmJoined, AlarmMoved, AlarmOverdue)
OPERATOR = AlarmActor("Wang Fang", "console")


class Killed(BaseException):
    """The program is gone; what its transaction wrote is, too."""


@contextmanager
def killed_at(log: EventLog, statements: int) -> Iterator[None]:
    """End the program before it executes that many more statements."""
    left = iter(range(statements))

    def count(*_: Any) -> None:
        if next(left, None) is None:
            raise Killed

    event.listen(log._engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(log._engine, "before_cursor_execute", count)


def without_flushing(log: EventLog) -> None:
    """Write as fast as memory: nobody pulls a plug here."""
    log._engine.dispose()
    event.listen(log._engine, "connect", lambda made, _: made.execute("PRAGMA synchronous=OFF"))


class Telling:
    """What must have happened by now, by the true time, whatever clocks and programs do."""

    def __init__(self) -> None:
        self.due_s: dict[str, float] = {}  # by offence that nobody has answered
        self.levels: dict[str, int] = {}

    def begin(self, offence_id: str, now_s: float) -> None:
        """Note that a person is asked for."""
        self.due_s[offence_id], self.levels[offence_id] = now_s + WITHIN_S, 0

    def check(self, offence_id: str, level: int, told: str, now_s: float) -> None:
        """Check that the next person was told of an unanswered alarm, and nobody twice or too soon."""
        is_due = now_s >= self.due_s[offence_id] + 1.0
        assert level - self.levels[offence_id] in ((1,) if is_due else (0, 1))
        line = [*POLICY.line, *[POLICY.line[-1]] * level]
        assert told == json.dumps(line[: level + 1])
        if level > self.levels[offence_id]:
            assert now_s >= self.due_s[offence_id] - 1.0, "too soon"
            self.levels[offence_id] = level
            self.due_s[offence_id] = now_s + WITHIN_S * 2 ** max(0, level - len(POLICY.line) + 1)
            if level == len(POLICY.line) - 1 + MOST_REPEATS:
                self.due_s[offence_id] = math.inf


def test_none_is_past_its_deadline_without_the_next_person_told(
    log: EventLog, machine: MadeUpMachine
) -> None:
    chance = random.Random(7)
    without_flushing(log)
    clock = machine.clock()
    desk = AlarmDesk(log, POLICY, clock)
    desk.look()
    telling = Telling()
    kills = steps = 0
    while len(telling.levels) < ALARMS_IN_ALL or machine.now_s < FULL_AFTER_S:
        machine.now_s += TICK_S
        if chance.random() < 0.2:
            machine.set_by_s = chance.choice((-7200.0, -90.0, 0.0, 45.0, 7200.0))
            steps += 1
            clock.look()  # as a program does several times a second
        count = min(chance.choice((0, 40, 100)), ALARMS_IN_ALL - len(telling.levels))
        causes = [escalated(len(telling.levels) + each) for each in range(count)]
        log.append(causes)
        for cause in causes:
            telling.begin(cause.subject, machine.now_s)
        try:
            if chance.random() < 0.3:
                with killed_at(log, chance.randrange(12)):
                    desk.look()
                    answer_some(desk, log, chance)
        except Killed:
            kills += 1
            # a while later another takes its place, and knows what the files say
            machine.now_s += chance.uniform(0, 30)
            clock = machine.clock(clock)
            desk = AlarmDesk(log, POLICY, clock)
        desk.look()
        for offence_id, level, told in unanswered(log):
            telling.check(offence_id, level, told, machine.now_s)
        answer_some(desk, log, chance)
    assert kills > 5 and steps > 2
    levels = check_that_rows_are_what_the_log_tells(log)
    assert len(levels) == ALARMS_IN_ALL and max(levels.values()) >= 3


def answer_some(desk: AlarmDesk, log: EventLog, chance: random.Random) -> None:
    for row in open_alarms(log, 3):
        actions = moves_of(row["moves_version"]).actions_from(row["state"])
        action = chance.choice(actions)
        if action is AlarmAction.REOPEN or chance.random() < 0.5:
            action = actions[0]
        desk.move(row["alarm_id"], action, OPERATOR, reason="as told", assigned_to="patrol 3")


def open_alarms(log: EventLog, most: int) -> list[Fields]:
    wanted = ALARMS.select().where(ALARMS.c.is_open.is_(True)).order_by(ALARMS.c.alarm_id)
    with log.reading("look") as connection:
        return [dict(row) for row in connection.execute(wanted.limit(most)).mappings()]


def unanswered(log: EventLog) -> list[tuple[str, int, str]]:
    """Read offence, level and who was told, as JSON."""
    wanted = "SELECT offence_id, level, told FROM alarms WHERE state = 'new'"
    with log.reading("look") as connection:
        return [(row[0], row[1], row[2]) for row in connection.exec_driver_sql(wanted)]


def check_that_rows_are_what_the_log_tells(log: EventLog) -> dict[str, int]:
    """Return the last level of each alarm, by what the log tells; one event for each number."""
    told: dict[str, AlarmData] = {}
    levels: dict[str, int] = {}
    after = 0
    while page := log.read(after, [kind.event_type for kind in ALARM_KINDS], limit=5000):
        for logged in page:
            data = logged.event.data
            assert isinstance(data, AlarmData)
            before = told.get(data.alarm_id)
            assert data.number == (before.number if before else 0) + 1
            told[data.alarm_id] = data
            if isinstance(data, AlarmOpened | AlarmOverdue):
                levels[data.alarm_id] = getattr(data, "level", 0)
        after = page[-1].seq
    with log.reading("look") as connection:
        rows = list(connection.execute(ALARMS.select()).mappings())
    standing = {row["alarm_id"]: (row["state"], row["number"], row["is_open"]) for row in rows}
    assert standing == {key: (each.state, each.number, each.is_open) for key, each in told.items()}
    return levels
