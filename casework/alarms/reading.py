"""Read alarms as they stand, once all that the log tells was folded."""

from __future__ import annotations

from sqlalchemy import Connection, case, select

from casework.alarms.moves import UNANSWERED
from domain.errors import PutAside
from event_log.projections.projection import Projection
from event_log.projections.rows import Fields
from event_log.projections.tables import ALARMS


class MoveRefused(PutAside):
    """Say why an alarm was not moved, and how it stands."""


def list_alarms(projection: Projection, *, with_closed: bool = False) -> list[Fields]:
    """Read open alarms: those that nobody has answered first, and of them the oldest; closed ones last."""
    projection.catch_up()
    wanted = select(ALARMS) if with_closed else select(ALARMS).where(ALARMS.c.is_open.is_(True))
    answered = case((ALARMS.c.state.in_(UNANSWERED), 0), else_=1)
    wanted = wanted.order_by(
        ALARMS.c.is_open.desc(), answered, ALARMS.c.opened_at, ALARMS.c.alarm_id
    )
    with projection.log.reading("list alarms") as connection:
        return [dict(row) for row in connection.execute(wanted).mappings()]


def read_alarm(projection: Projection, start: str) -> Fields:
    """Read the one alarm whose id begins like this; MoveRefused: there is none, or several."""
    projection.catch_up()
    wanted = select(ALARMS).where(ALARMS.c.alarm_id.startswith(start, autoescape=True)).limit(2)
    with projection.log.reading("find an alarm") as connection:
        found = [dict(row) for row in connection.execute(wanted).mappings()]
    if len(found) != 1:
        words = "several alarms begin like that" if found else "no alarm begins like that"
        raise MoveRefused(f"{start}: {words}; `forewarn alarms list` shows the open ones")
    return found[0]


def find_alarm(connection: Connection, alarm_id: str) -> Fields | None:
    """Read the row of an alarm; None: there is none."""
    wanted = select(ALARMS).where(ALARMS.c.alarm_id == alarm_id)
    row = connection.execute(wanted).mappings().one_or_none()
    return None if row is None else dict(row)
