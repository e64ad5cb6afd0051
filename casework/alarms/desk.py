"""Open alarms, remind of those that nobody answers, and carry out what people decide about them.

Whatever is decided, the event that puts it on record and the row that shows it are written in one transaction of
the log: who is killed in between has done nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Connection, bindparam, func, select

from casework.alarms.moves import NEEDS_WHY, AlarmAction, AlarmMoves, AlarmState, moves_of
from casework.alarms.next_events import AlarmActor as AlarmActor
from casework.alarms.next_events import moved, over, overdue
from casework.alarms.openings import (
    alarm_of,
    alarms_that_are_over,
    offences_to_open,
    troubles_to_tell,
)
from casework.alarms.policy import AlarmPolicy
from casework.alarms.reading import MoveRefused, find_alarm
from casework.alarms.words import (
    ACTIONS,
    BAD_NAME,
    LONG_REASON,
    NO_NAME,
    NO_REASON,
    NO_SUCH_ALARM,
    NOBODY_TO_GO,
    STATES,
)
from domain.base import BothLanguages, both
from domain.cameras.steady_clock import SteadyClock
from domain.events.catalog import AlarmData, Event
from domain.events.commands import LONGEST_NAME, LONGEST_WORDS
from domain.ids import mint
from event_log.consumers import keep_place, place_of
from event_log.log import EventLog
from event_log.projections.projection import Projection
from event_log.projections.rows import Fields
from event_log.projections.tables import ALARMS
from event_log.rows import as_text
from event_log.tables import EVENTS

CONSUMER = "alarms"  # its place is where alarms began
# of what asked for a person before there were alarms: whoever was there then is gone
LOOKS_BACK = timedelta(minutes=10)

_DUE = select(ALARMS).where(ALARMS.c.due_at <= bindparam("now")).order_by(ALARMS.c.due_at)


class AlarmDesk:
    """The alarms of one log; each call is a transaction. Raises TryAgain and Stop as EventLog does."""

    def __init__(self, log: EventLog, policy: AlarmPolicy, clock: SteadyClock) -> None:
        self._log = log
        self._policy = policy
        self._clock = clock
        self.projection = Projection(log)

    def look(self, beat: Callable[[], None] = lambda: None) -> list[Event[AlarmData]]:
        """Open, join, end and remind of alarms as is due now; return what was written.

        Where nothing is, nobody's write is held up. `beat` is called where it takes a while.
        """
        self._clock.look()
        self.projection.catch_up(beat)
        with self._log.reading("look for alarms") as connection:
            begun = place_of(connection, CONSUMER) is not None
            if begun and not any(find(connection) for find in self._stages):
                return []
        written: list[Event[AlarmData]] = []
        with self._log.writing("open alarms") as connection:
            self.projection.catch_up_within(connection)
            self._begin(connection)
            for find in self._stages:
                written += self._write(connection, find(connection))
        return written

    def move(
        self,
        alarm_id: str,
        action: AlarmAction,
        actor: AlarmActor,
        *,
        reason: str = "",
        assigned_to: str = "",
        seen_number: int | None = None,
    ) -> Fields:
        """Move an alarm on behalf of a person, and return its row; asked twice, it is done once.

        Args:
            alarm_id: its whole id.
            action: what is done; see `moves.py`.
            actor: who does it, and may.
            reason: needed for some actions.
            assigned_to: who is to go; needed to assign.
            seen_number: number of the alarm's last event that the actor saw; None: whatever it is.
        Raises:
            MoveRefused: it is not possible any more, or something is missing; nothing was written.
        """
        _check(action, actor, reason, assigned_to)
        self._clock.look()
        self.projection.catch_up()
        with self._log.writing(f"move {alarm_id}") as connection:
            self.projection.catch_up_within(connection)
            return self._move(connection, alarm_id, action, actor, reason, assigned_to, seen_number)

    def dismiss(self, offence_id: str, actor: AlarmActor, reason: str) -> Fields:
        """Close the alarm of an offence as false, whoever has it; asked twice, it is done once.

        Raises:
            MoveRefused: there is none, or somebody has said that it was none; nothing was written.
        """
        _check(AlarmAction.FALSE_ALARM, actor, reason, "")
        self._clock.look()
        self.projection.catch_up()
        with self._log.writing(f"dismiss {offence_id}") as connection:
            self.projection.catch_up_within(connection)
            self._begin(connection)
            # it may have been escalated a moment ago, and nobody has looked yet
            self._write(connection, self._openings(connection))
            alarm_id = alarm_of(offence_id)
            row = find_alarm(connection, alarm_id) or {}
            done = (row.get("last_action"), row.get("last_by"), row.get("reason"))
            if done == (AlarmAction.CLOSE, actor.name, reason):
                return row
            if row.get("state") != AlarmState.FALSE_ALARM:
                self._move(connection, alarm_id, AlarmAction.FALSE_ALARM, actor, reason)
            return self._move(connection, alarm_id, AlarmAction.CLOSE, actor, reason)

    def _move(
        self,
        connection: Connection,
        alarm_id: str,
        action: AlarmAction,
        actor: AlarmActor,
        reason: str,
        assigned_to: str = "",
        seen_number: int | None = None,
    ) -> Fields:
        """Make a move in a transaction that has caught up; MoveRefused: it is not possible."""
        row = find_alarm(connection, alarm_id)
        if row is None:
            raise MoveRefused(f"{action.value} {alarm_id}", NO_SUCH_ALARM)
        if _is_done_already(row, action, actor, assigned_to):
            return row
        moves = moves_of(row["moves_version"])
        legal = moves.find(row["state"], action)
        is_stale = seen_number is not None and seen_number < row["moved_number"]
        if legal is None or is_stale or action is AlarmAction.CAUSE_OVER:
            raise MoveRefused(f"{action.value} {alarm_id}", _standing(row, moves))
        now, after = self._clock.now(), legal.after
        due_at = self._policy.due_at(now, moves, after, row["severity"])
        event = moved(row, action, after, moves, actor, reason, assigned_to, due_at)
        self._write(connection, [event])
        return find_alarm(connection, alarm_id) or row

    def _begin(self, connection: Connection) -> None:
        """Keep from where on offences are cared for, once."""
        if place_of(connection, CONSUMER) is None:
            before = as_text(self._clock.wall(self._clock.now()) - LOOKS_BACK)
            old = select(func.max(EVENTS.c.seq)).where(EVENTS.c.recorded_at < before)
            keep_place(connection, CONSUMER, connection.execute(old).scalar() or 0)

    @property
    def _stages(self) -> tuple[Callable[[Connection], list[AlarmData]], ...]:
        """List what is looked for, each after what was found before is written."""
        return self._openings, self._endings, self._reminders

    def _openings(self, connection: Connection) -> list[AlarmData]:
        begun = place_of(connection, CONSUMER) or 0
        return [
            *offences_to_open(connection, self._policy, self._clock, begun),
            *troubles_to_tell(connection, self._policy, self._clock),
        ]

    def _endings(self, connection: Connection) -> list[AlarmData]:
        ended = (over(row) for row in alarms_that_are_over(connection, self._clock))
        return [each for each in ended if each is not None]

    def _reminders(self, connection: Connection) -> list[AlarmData]:
        now = self._clock.now()
        due = connection.execute(_DUE, {"now": as_text(now)}).mappings()
        return [overdue(dict(row), self._policy, now) for row in due]

    def _write(self, connection: Connection, data: list[AlarmData]) -> list[Event[AlarmData]]:
        """Append the events and fold them, in the transaction of what they follow from."""
        at = self._clock.wall(self._clock.now())
        source = f"forewarn/{self._policy.site_id}/alarms"
        events = [
            Event(mint("evt", each.alarm_id, each.number), source, each.alarm_id, at, each)
            for each in data
        ]
        if events:
            self._log.append_within(connection, events)
            self.projection.catch_up_within(connection)
        return events


def _check(action: AlarmAction, actor: AlarmActor, reason: str, assigned_to: str) -> None:
    """Raise MoveRefused where something is missing or too long."""
    for name in (actor.name, assigned_to):
        if len(name) > LONGEST_NAME or not (name or "-").isprintable():
            raise MoveRefused(action.value, BAD_NAME)
    if not actor.name.strip():
        raise MoveRefused(action.value, NO_NAME)
    if action is AlarmAction.ASSIGN and not assigned_to.strip():
        raise MoveRefused(action.value, NOBODY_TO_GO)
    if action in NEEDS_WHY and not reason.strip():
        raise MoveRefused(action.value, NO_REASON)
    if len(reason) > LONGEST_WORDS:
        raise MoveRefused(action.value, LONG_REASON)


def _is_done_already(row: Fields, action: AlarmAction, actor: AlarmActor, assigned_to: str) -> bool:
    """Tell whether the last thing done was the same by the same person: a double click."""
    is_same = (row["last_action"], row["last_by"]) == (action, actor.name)
    return is_same and (action is not AlarmAction.ASSIGN or row["holder"] == assigned_to)


def _standing(row: Fields, moves: AlarmMoves) -> BothLanguages:
    """Say how an alarm stands, and what can be done instead."""
    state = next((words for name, words in STATES.items() if name == row["state"]), None)
    done = next((words for name, words in ACTIONS.items() if name == row["last_action"]), None)
    can = [ACTIONS[action].zh for action in moves.actions_from(row["state"])]
    zh = f"报警现为“{state.zh if state else row['state']}”"
    zh += f"，由 {row['holder']} 负责" if row["holder"] else ""
    zh += (
        f"（{row['last_by']}：{done.zh if done else row['last_action']}）" if row["last_by"] else ""
    )
    by = f" ({row['last_action']} by {row['last_by']})" if row["last_by"] else ""
    holder = f", with {row['holder']}" if row["holder"] else ""
    possible = ", ".join(moves.actions_from(row["state"])) or "nothing"
    en = f"it is {state.en if state else row['state']}{holder} now{by}; possible: {possible}"
    return both(f"{zh}；可以：{'、'.join(can) or '无'}", en)
