"""Fold events into the rows of alarms: where each stands, who has it, until when somebody must answer."""

from __future__ import annotations

from domain.events.catalog import (
    AlarmData,
    AlarmJoined,
    AlarmMoved,
    AlarmOpened,
    AlarmOverdue,
    Event,
)
from event_log.projections.rows import Fields, TableRows
from event_log.rows import LoggedEvent, as_text


def fold_alarm(logged: LoggedEvent, rows: TableRows) -> None:
    """Fold one event in; those that are not about alarms change nothing."""
    data = logged.event.data
    if not isinstance(data, AlarmData):
        return
    if isinstance(data, AlarmOpened):
        rows.put(_begin(logged.event, data))
        return
    row = rows.find(data.alarm_id)
    if row is None:  # its beginning was erased
        return
    at = as_text(logged.event.time)
    fields: Fields = {
        "state": data.state,
        "is_open": data.is_open,
        "number": data.number,
        "due_at": _text_or_none(data),
        "changed_at": at,
    }
    match data:
        case AlarmJoined():
            fields |= {"names": [*row["names"], *data.names], "grown_at": at}
        case AlarmOverdue():
            fields |= {"level": data.level, "told": [*row["told"], *data.told]}
        case AlarmMoved():
            fields |= _moved(row, data)
    rows.change((data.alarm_id,), **fields)


def _begin(event: Event, data: AlarmOpened) -> Fields:
    at = as_text(event.time)
    return {
        "alarm_id": data.alarm_id,
        "site_id": data.site_id,
        "kind": data.kind,
        "severity": data.severity,
        "moves_version": data.moves_version,
        "state": data.state,
        "is_open": data.is_open,
        "number": data.number,
        "level": 0,
        "due_at": _text_or_none(data),
        "names": list(data.names),
        "offence_id": data.offence_id,
        "camera_id": data.camera_id,
        "rule_id": data.rule_id,
        "words_zh": data.wording.zh,
        "words_en": data.wording.en,
        "told": list(data.told),
        "opened_at": at,
        "grown_at": at,
        "changed_at": at,
        "moved_number": 0,
        "last_action": "",
        "last_by": "",
        "holder": "",
        "reason": "",
    }


def _moved(row: Fields, data: AlarmMoved) -> Fields:
    by_person = {"moved_number": data.number} if data.by else {}
    # unanswered again it begins anew; whom it was told stays on record
    level = {"level": 0} if data.due_at is not None and row["due_at"] is None else {}
    return {
        "last_action": data.action,
        "last_by": data.by,
        "holder": data.assigned_to,
        "reason": data.reason,
        **by_person,
        **level,
    }


def _text_or_none(data: AlarmData) -> str | None:
    return None if data.due_at is None else as_text(data.due_at)
