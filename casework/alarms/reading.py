"""Read alarms as they stand, once all that the log tells was folded."""

from __future__ import annotations

from sqlalchemy import Connection, case, select

from casework.alarms.moves import UNANSWERED
from domain.base import BothLanguages, both
from domain.errors import PutAside
from event_log.projections.projection import Projection
from event_log.projections.rows import Fields
from event_log.projections.tables import ALARMS

_NONE = both(
    "没有报警以此开头；`forewarn alarms list` 列出未结的报警",
    "no alarm begins like that; `forewarn alarms list` shows the open ones",
)
_SEVERAL = both(
    "有多个报警以此开头；`forewarn alarms list` 列出未结的报警",
    "several alarms begin like that; `forewarn alarms list` shows the open ones",
)


class MoveRefused(PutAside):
    """Say why an alarm was not moved, and how it stands; `why` in both languages, in one sentence."""

    def __init__(self, what: str, why: BothLanguages) -> None:
        self.why = why
        super().__init__(f"{what}: {why.en}")


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


def recent_alarms(projection: Projection, most_closed: int) -> list[Fields]:
    """Read all open alarms, and the closed ones that changed last, in no order."""
    projection.catch_up()
    is_open = ALARMS.c.is_open.is_(True)
    closed = select(ALARMS).where(~is_open).order_by(ALARMS.c.changed_at.desc()).limit(most_closed)
    with projection.log.reading("read recent alarms") as connection:
        rows = [*connection.execute(select(ALARMS).where(is_open)).mappings()]
        rows += connection.execute(closed).mappings()
    return [dict(row) for row in rows]


def read_alarm(projection: Projection, start: str) -> Fields:
    """Read the one alarm whose id begins like this; MoveRefused: there is none, or several."""
    projection.catch_up()
    wanted = select(ALARMS).where(ALARMS.c.alarm_id.startswith(start, autoescape=True)).limit(2)
    with projection.log.reading("find an alarm") as connection:
        found = [dict(row) for row in connection.execute(wanted).mappings()]
    if len(found) != 1:
        raise MoveRefused(start, _SEVERAL if found else _NONE)
    return found[0]


def find_alarm(connection: Connection, alarm_id: str) -> Fields | None:
    """Read the row of an alarm; None: there is none."""
    wanted = select(ALARMS).where(ALARMS.c.alarm_id == alarm_id)
    row = connection.execute(wanted).mappings().one_or_none()
    return None if row is None else dict(row)
