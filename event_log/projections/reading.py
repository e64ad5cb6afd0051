"""Look offences up without reading through the log."""

from __future__ import annotations

from sqlalchemy import select

from event_log.log import EventLog
from event_log.projections.projection import Projection
from event_log.projections.tables import OFFENCES

_BY_TIME = select(OFFENCES.c.offence_id).order_by(OFFENCES.c.first_seen_at, OFFENCES.c.offence_id)


def find_offences(
    log: EventLog, *, start: str = "", only_open: bool = False, most: int | None = None
) -> list[str]:
    """Return the ids of offences that begin with `start`, oldest first.

    Raises:
        TryAgain, Stop: as EventLog does.
    """
    Projection(log).catch_up()
    wanted = _BY_TIME.limit(most)
    if start:
        wanted = wanted.where(OFFENCES.c.offence_id.startswith(start, autoescape=True))
    if only_open:
        wanted = wanted.where(OFFENCES.c.is_open.is_(True))
    with log.reading("look for offences") as connection:
        return list(connection.execute(wanted).scalars())
