"""Make an alarm's further events: each tells the whole of what it changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from casework.alarms.moves import AlarmAction, AlarmMoves, moves_of
from casework.alarms.policy import AlarmPolicy
from domain.events.catalog import AlarmMoved, AlarmOverdue
from event_log.projections.rows import Fields


@dataclass(frozen=True, slots=True)
class AlarmActor:
    """Name who moves an alarm, as it goes on record."""

    name: str
    via: Literal["console", "command line"]
    person: str = ""  # id in the people file
    role: str = ""


def overdue(row: Fields, policy: AlarmPolicy, now: datetime) -> AlarmOverdue:
    """Say that nobody answered in time, and whose turn it is then."""
    level, moves = row["level"] + 1, moves_of(row["moves_version"])
    return AlarmOverdue(
        **_next(row),
        state=row["state"],
        is_open=row["is_open"],
        due_at=policy.due_at(now, moves, row["state"], row["severity"], level),
        level=level,
        told=policy.told_at(level),
    )


def over(row: Fields) -> AlarmMoved | None:
    """Say that it is over by itself; None: somebody has said what came of it, and closes it."""
    moves = moves_of(row["moves_version"])
    legal = moves.find(row["state"], AlarmAction.CAUSE_OVER)
    if legal is None:
        return None
    return AlarmMoved(
        **_next(row),
        action=AlarmAction.CAUSE_OVER,
        state_before=row["state"],
        state=legal.after,
        is_open=legal.after not in moves.closed,
        due_at=None,
        by="",
        via="program",
    )


def reopened(row: Fields, policy: AlarmPolicy, now: datetime) -> AlarmMoved | None:
    """Say that a person is asked for once more; None: somebody still has it to do."""
    moves = moves_of(row["moves_version"])
    legal = moves.find(row["state"], AlarmAction.REOPEN)
    if legal is None:
        return None
    return AlarmMoved(
        **_next(row),
        action=AlarmAction.REOPEN,
        state_before=row["state"],
        state=legal.after,
        is_open=True,
        due_at=policy.due_at(now, moves, legal.after, row["severity"]),
        by="",
        via="program",
    )


def moved(
    row: Fields,
    action: AlarmAction,
    after: str,
    moves: AlarmMoves,
    actor: AlarmActor,
    reason: str,
    assigned_to: str,
    due_at: datetime | None,
) -> AlarmMoved:
    """Say what somebody did; `after` and `due_at` are where the alarm stands then, and until when."""
    has_it = {AlarmAction.ASSIGN: assigned_to, AlarmAction.REOPEN: ""}
    holder = has_it.get(action, row["holder"] or actor.name)
    if after in moves.closed:
        holder = row["holder"]
    return AlarmMoved(
        **_next(row),
        action=action,
        state_before=row["state"],
        state=after,
        is_open=after not in moves.closed,
        due_at=due_at,
        by=actor.name,
        person=actor.person,
        role=actor.role,
        via=actor.via,
        reason=reason,
        assigned_to=holder,
    )


def _next(row: Fields) -> Fields:
    """Return what every further event of an alarm says."""
    same = ("alarm_id", "site_id", "kind", "offence_id")
    return {**{name: row[name] for name in same}, "number": row["number"] + 1}
