"""Fold events into what is wrong with cameras, disks and evidence, for as long as it is."""

from __future__ import annotations

from collections.abc import Iterator

from domain.events.alarm_events import AlarmKind
from domain.events.catalog import (
    AlarmJoined,
    AlarmOpened,
    CameraChanged,
    CameraFitness,
    EvidenceBehind,
    StorageChanged,
)
from event_log.projections.rows import Fields, TableRows
from event_log.projections.tables import TROUBLES
from event_log.rows import LoggedEvent, as_text

Trouble = tuple[AlarmKind, str, str]  # kind of the alarm, cause, name

_OFF = frozenset({"stalled", "failed"})


def fold_trouble(logged: LoggedEvent, rows: TableRows, alarms: TableRows) -> None:
    """Fold one event in; those that tell of no trouble change nothing."""
    data = logged.event.data
    if isinstance(data, AlarmOpened | AlarmJoined):
        if data.kind != "offence":
            _give_alarm(data, rows)
        return
    for trouble, is_so in _told_by(logged):
        if is_so:
            _begin(trouble, logged, rows, alarms)
        else:
            _end(trouble, logged, rows)


def _told_by(logged: LoggedEvent) -> Iterator[tuple[Trouble, bool]]:
    """Yield each trouble that an event tells of, and whether it is so."""
    match data := logged.event.data:
        case CameraChanged():
            yield ("cameras", "off", data.camera_id), data.status in _OFF
        case CameraFitness():
            yield ("cameras", "not fit", data.camera_id), not data.is_fit
        case StorageChanged():
            for folder in data.folders:
                is_full = data.state in ("full", "read_only")
                yield ("disk full", "full", folder), is_full
                yield ("disk nearly full", "nearly full", folder), data.state == "nearly_full"
        case EvidenceBehind():
            yield (data.work, "behind", data.work), data.is_behind


def _begin(trouble: Trouble, logged: LoggedEvent, rows: TableRows, alarms: TableRows) -> None:
    kind, cause, name = trouble
    known = rows.find(*trouble)
    if known is not None and known["ended_at"] is None:
        return
    # what comes back while its alarm is open goes on with it
    alarm = alarms.find(known["alarm_id"]) if known and known["alarm_id"] else None
    alarm_id = alarm["alarm_id"] if alarm and alarm["is_open"] else None
    row: Fields = {
        "kind": kind,
        "cause": cause,
        "name": name,
        "site_id": getattr(logged.event.data, "site_id", ""),
        "began_at": as_text(logged.recorded_at),
        "ended_at": None,
        "event_id": logged.event.id,
        "alarm_id": alarm_id,
    }
    rows.put(row)


def _end(trouble: Trouble, logged: LoggedEvent, rows: TableRows) -> None:
    known = rows.find(*trouble)
    if known is not None and known["ended_at"] is None:
        rows.change(trouble, ended_at=as_text(logged.recorded_at))


def _give_alarm(data: AlarmOpened | AlarmJoined, rows: TableRows) -> None:
    """Note which alarm the troubles have that it names, and that had none."""
    wanted = TROUBLES.select().where(TROUBLES.c.alarm_id.is_(None), TROUBLES.c.kind == data.kind)
    names = set(data.names)
    for row in rows.select(wanted):
        if row["name"] in names:
            rows.change((row["kind"], row["cause"], row["name"]), alarm_id=data.alarm_id)
