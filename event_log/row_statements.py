"""The statements that read the log's rows, each row with the salt and digest of its link.

Built once: every program runs them several times a second, and building one costs more than its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy import Select, bindparam, func, null, select

from event_log.tables import CHAIN, EVENTS

NEWEST = select(EVENTS.c.seq, EVENTS.c.id).order_by(EVENTS.c.seq.desc()).limit(1)
CHAINED_SINCE = select(func.min(CHAIN.c.seq))
# event_ids; without what the log itself adds
AS_GIVEN = select(*(each for each in EVENTS.c if each.name not in ("seq", "recorded_at"))).where(
    EVENTS.c.id.in_(bindparam("event_ids", expanding=True))
)

_WITH_LINK = select(*EVENTS.c, CHAIN.c.salt, CHAIN.c.digest).select_from(
    EVENTS.outerjoin(CHAIN, CHAIN.c.seq == EVENTS.c.seq)
)
# of a log of an older version, which has no chain before its next row
_WITHOUT_LINK = select(*EVENTS.c, null().label("salt"), null().label("digest"))


@dataclass(frozen=True, slots=True)
class RowStatements:
    """What is asked for whole rows."""

    page: Select[Any]  # after_seq, most
    page_of_types: Select[Any]  # types, too
    of_id: Select[Any]  # event_id
    about_subject: Select[Any]  # subject

    @classmethod
    def of(cls, rows: Select[Any]) -> Self:
        """Build them on a selection of all rows."""
        in_order = rows.order_by(EVENTS.c.seq)
        page = in_order.where(EVENTS.c.seq > bindparam("after_seq")).limit(bindparam("most"))
        return cls(
            page=page,
            page_of_types=page.where(EVENTS.c.type.in_(bindparam("types", expanding=True))),
            of_id=rows.where(EVENTS.c.id == bindparam("event_id")),
            about_subject=in_order.where(EVENTS.c.subject == bindparam("subject")),
        )


LINKED, UNLINKED = RowStatements.of(_WITH_LINK), RowStatements.of(_WITHOUT_LINK)
