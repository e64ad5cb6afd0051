"""Find what needs an alarm: people who are asked for, and troubles that nobody was told of yet.

One cause is one alarm: troubles of a kind that come within two minutes of each other are one, however many
cameras a dead switch darkens.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, select

from casework.alarms.moves import LATEST, VERSIONS, AlarmState
from casework.alarms.next_events import reopened
from casework.alarms.policy import AlarmPolicy
from casework.alarms.reading import find_alarm
from casework.alarms.words import wording_of
from domain.cameras.steady_clock import SteadyClock
from domain.events.alarm_events import AlarmKind
from domain.events.catalog import AlarmJoined, AlarmMoved, AlarmOpened
from domain.ids import mint
from event_log.projections.rows import Fields
from event_log.projections.tables import ALARMS, OFFENCES, TROUBLES

JOINS_WITHIN = timedelta(seconds=120)  # after the last one that came to it
# a camera that is gone for less is nobody's errand; and of a dead switch the first are not alone
WAITS: dict[AlarmKind, timedelta] = {"cameras": timedelta(seconds=15)}
OVER_AFTER = timedelta(seconds=60)  # without any of its troubles

_ASKED = (
    select(OFFENCES)
    .where(OFFENCES.c.needs_alarm.is_(True), OFFENCES.c.asked_seq > bindparam("after_seq"))
    .order_by(OFFENCES.c.asked_seq)
)
_TROUBLES = (
    select(TROUBLES)
    .where(TROUBLES.c.alarm_id.is_(None), TROUBLES.c.ended_at.is_(None))
    .order_by(TROUBLES.c.began_at, TROUBLES.c.name)
)
_JOINABLE = (
    select(ALARMS)
    .where(ALARMS.c.is_open.is_(True), ALARMS.c.kind != "offence")
    .order_by(ALARMS.c.grown_at)
)
_GOES_ON = exists().where(
    and_(TROUBLES.c.alarm_id == ALARMS.c.alarm_id, TROUBLES.c.ended_at.is_(None))
)
_QUIET = _JOINABLE.where(~_GOES_ON)
_LAST_ENDS = select(TROUBLES.c.alarm_id, TROUBLES.c.ended_at)


def offences_to_open(
    connection: Connection, policy: AlarmPolicy, clock: SteadyClock, after_seq: int
) -> Iterator[AlarmOpened | AlarmMoved]:
    """Yield an alarm for each offence that asks for a person, in the order of asking; one it had is reopened.

    Those that asked before the number `after_seq` are of a time before there were alarms.
    """
    for row in connection.execute(_ASKED, {"after_seq": after_seq}).mappings():
        known = find_alarm(connection, row["alarm_id"]) if row["alarm_id"] else None
        if known is not None:
            if again := reopened(known, policy, clock.now()):
                yield again
            continue
        severity = row["severity"] or policy.severity("offence", row["rule_id"])
        asked_at = clock.of_wall(datetime.fromisoformat(row["asked_at"]))
        names = [row["offence_id"]]
        yield _opened(
            alarm_of(row["offence_id"]),
            "offence",
            names,
            policy,
            severity,
            min(asked_at, clock.now()),
            offence_id=row["offence_id"],
            camera_id=row["camera_id"],
            rule_id=row["rule_id"],
            wording=wording_of("offence", [f"{row['camera_id']}, {row['zone_id']}"]),
        )


def alarm_of(offence_id: str) -> str:
    """Return the id of the one alarm that an offence can have."""
    return mint("alm", offence_id)


def troubles_to_tell(
    connection: Connection, policy: AlarmPolicy, clock: SteadyClock
) -> Iterator[AlarmOpened | AlarmJoined]:
    """Yield what opens alarms for troubles that have none, or joins them to an open one."""
    by_kind: dict[AlarmKind, list[Fields]] = {}
    for row in connection.execute(_TROUBLES).mappings():
        by_kind.setdefault(row["kind"], []).append(dict(row))
    if not by_kind:
        return
    joinable = {row["kind"]: dict(row) for row in connection.execute(_JOINABLE).mappings()}
    now = clock.now()
    for kind, rows in by_kind.items():
        names = list(dict.fromkeys(row["name"] for row in rows))
        known = joinable.get(kind)
        if known is not None and now - _steady(clock, known["grown_at"]) <= JOINS_WITHIN:
            yield joined(known, names)
        elif now - _steady(clock, rows[0]["began_at"]) >= WAITS.get(kind, timedelta(0)):
            alarm_id = mint("alm", kind, rows[0]["event_id"])
            wording, severity = wording_of(kind, names), policy.severity(kind)
            yield _opened(alarm_id, kind, names, policy, severity, now, wording=wording)


def alarms_that_are_over(connection: Connection, clock: SteadyClock) -> list[Fields]:
    """Return the open alarms all of whose troubles have been gone for a while."""
    quiet = {row["alarm_id"]: dict(row) for row in connection.execute(_QUIET).mappings()}
    if not quiet:
        return []
    ends = connection.execute(_LAST_ENDS.where(TROUBLES.c.alarm_id.in_(quiet))).all()
    last: dict[str, datetime] = {}
    for alarm_id, ended_at in ends:
        ended = _steady(clock, ended_at)
        last[alarm_id] = max(last.get(alarm_id, ended), ended)
    now = clock.now()
    return [row for alarm_id, row in quiet.items() if now - last.get(alarm_id, now) >= OVER_AFTER]


def joined(row: Fields, names: list[str]) -> AlarmJoined:
    """Make the event by which more names come to an alarm; who has to answer it stays as it is."""
    due_at = row["due_at"]
    return AlarmJoined(
        alarm_id=row["alarm_id"],
        site_id=row["site_id"],
        kind=row["kind"],
        number=row["number"] + 1,
        state=row["state"],
        is_open=row["is_open"],
        due_at=None if due_at is None else datetime.fromisoformat(due_at),
        names=tuple(names),
    )


def _opened(
    alarm_id: str,
    kind: AlarmKind,
    names: list[str],
    policy: AlarmPolicy,
    severity: Any,
    from_at: datetime,
    **details: Any,
) -> AlarmOpened:
    return AlarmOpened(
        alarm_id=alarm_id,
        site_id=policy.site_id,
        kind=kind,
        number=1,
        state=AlarmState.NEW.value,
        is_open=True,
        due_at=policy.due_at(from_at, VERSIONS[LATEST], AlarmState.NEW, severity),
        severity=severity,
        moves_version=LATEST,
        names=tuple(names),
        told=policy.told_at(0),
        **details,
    )


def _steady(clock: SteadyClock, text: str) -> datetime:
    """Return when the wall's clock said so, on the clock that is never set."""
    return clock.of_wall(datetime.fromisoformat(text))
