"""Begin with what the tables beside the log say, instead of folding the log from its first event."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, or_, select

from dashboards.data.offence_projection import OffenceProjection
from domain.events.catalog import (
    CameraChanged,
    ClockStepped,
    Event,
    EvidenceBehind,
    RingPinned,
    SiteApplied,
    SiteFileChanged,
    StorageChanged,
)
from domain.ids import mint
from domain.offence_states import OPEN, State
from event_log.consumers import place_of
from event_log.log import EventLog
from event_log.place import LogPlace
from event_log.projections.projection import CONSUMER, Projection
from event_log.projections.tables import OFFENCES

PAGE = 1000
# of the whole site: the last word of each counts
_OTHERS = (
    *(CameraChanged, ClockStepped, RingPinned, StorageChanged),
    *(EvidenceBehind, SiteFileChanged, SiteApplied),
)
_STORIES = select(OFFENCES.c.offence_id, OFFENCES.c.alarm_id).order_by(OFFENCES.c.changed_at.desc())
_COUNTED = select(OFFENCES.c.warned_at, OFFENCES.c.state, OFFENCES.c.changed_at).where(
    or_(OFFENCES.c.is_open.is_(False), OFFENCES.c.warned_at.is_not(None))
)


def begin_projection(
    log: EventLog, timezone: ZoneInfo, max_closed: int
) -> tuple[OffenceProjection, LogPlace]:
    """Return the offences as a log tells them, and the place up to which it was read.

    Those are told whole that are open, and the `max_closed` that moved last; the others only count.

    Raises:
        TryAgain, Stop: as EventLog does.
    """
    Projection(log).catch_up()
    with log.reading("read its offences") as connection:
        seq = place_of(connection, CONSUMER) or 0
        counts = _counts(connection, timezone)
        is_open = OFFENCES.c.is_open.is_(True)
        told = [*connection.execute(_STORIES.where(is_open))]
        told += connection.execute(_STORIES.where(~is_open).limit(max_closed))
    made = OffenceProjection(timezone, max_closed=max_closed)
    subjects = [
        subject
        for offence_id, alarm_id in told
        for subject in (offence_id, mint("evd", offence_id), alarm_id)
        if subject
    ]
    made.take(_whole_stories(log, subjects, seq))
    made.counts = counts
    return made, LogPlace(log.log_id, seq, log.id_at(seq))


def _whole_stories(log: EventLog, subjects: list[str], until_seq: int) -> list[Event]:
    """Read all about some subjects and the site, up to a number, in the order of the log."""
    logged = [each for subject in subjects for each in log.about(subject)]
    after, types = 0, [kind.event_type for kind in _OTHERS]
    while page := log.read(after, types, PAGE):
        logged += page
        after = page[-1].seq
    return [
        each.event for each in sorted(logged, key=lambda each: each.seq) if each.seq <= until_seq
    ]


def _counts(connection: Connection, timezone: ZoneInfo) -> Counter[tuple[date, str]]:
    """Count first warnings and outcomes by the day on which they were."""
    counts: Counter[tuple[date, str]] = Counter()
    for warned_at, state, changed_at in connection.execute(_COUNTED):
        if warned_at is not None:
            counts[_day(warned_at, timezone), State.WARNED.value] += 1
        if state not in OPEN:
            counts[_day(changed_at, timezone), state] += 1
    return counts


def _day(at: str, timezone: ZoneInfo) -> date:
    return datetime.fromisoformat(at).astimezone(timezone).date()
