"""Fold events into the rows of offences: where each stands, who has it, what is kept of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.events.catalog import (
    AlarmMoved,
    AlarmOpened,
    EventData,
    EvidenceErased,
    EvidenceSealed,
    OffenceClimbed,
    OffenceData,
    OffenceDispatched,
    OffenceEscalated,
    OffenceHandedBack,
    OffenceTakenOver,
    OffenceWarned,
    OfficerRequested,
    OutcomeData,
)
from domain.events.evidence_events import EvidenceFile
from domain.offence_states import FINAL
from event_log.projections.rows import Fields, TableRows
from event_log.rows import LoggedEvent, as_text

# a person has to come
_ASKS = (OffenceEscalated, OffenceDispatched, OfficerRequested)


def fold_offence(logged: LoggedEvent, rows: TableRows) -> None:
    """Fold one event in; those that are not about offences change nothing."""
    data = logged.event.data
    if isinstance(data, OffenceData):
        rows.put(_moved(rows.find(data.offence_id), logged, data))
    elif change := _CHANGES.get(type(data)):
        offence_id = getattr(data, "offence_id", "")
        if offence_id:
            rows.change((offence_id,), **change(data))


def _moved(row: Fields | None, logged: LoggedEvent, data: OffenceData) -> Fields:
    event = logged.event
    at = as_text(event.time)
    row = dict(row or _begin(data, at))
    if isinstance(data, OffenceTakenOver):
        row["holder"] = data.by_hand.operator
    elif isinstance(data, OffenceHandedBack | OutcomeData):
        row["holder"] = ""
    if isinstance(data, OffenceDispatched):
        row["is_dispatched"] = True
    if isinstance(data, OffenceWarned):
        row["warned_at"] = row["warned_at"] or at
    if isinstance(data, OffenceWarned | OffenceClimbed):
        row["rungs_due"] = max(row["rungs_due"], data.rung_number)
        row["rung_count"] = data.rung_count
    if isinstance(data, _ASKS) and row["asked_at"] is None:
        row["asked_at"], row["asked_seq"] = as_text(logged.recorded_at), logged.seq
        row["needs_alarm"] = True
    if isinstance(data, OffenceEscalated):  # also where who was sent before has come and gone
        row["needs_alarm"] = True
    if isinstance(data, OfficerRequested):
        row["severity"] = data.severity
    # a final state stays, and an older event does not turn the clock back
    if row["is_open"] and at >= row["changed_at"]:
        row["state"], row["changed_at"], row["dwell_s"] = data.state, at, data.dwell_s
        row["is_open"] = data.state not in FINAL
    return row


def _begin(data: OffenceData, at: str) -> Fields:
    return {
        "offence_id": data.offence_id,
        "site_id": data.site_id,
        "camera_id": data.camera_id,
        "zone_id": data.zone_id,
        "rule_id": data.rule_id,
        "subject_id": data.subject_id,
        "state": data.state,
        "is_open": True,
        "first_seen_at": as_text(data.first_seen_at),
        "changed_at": at,
        "warned_at": None,
        "dwell_s": data.dwell_s,
        "rungs_due": 0,
        "rung_count": None,
        "holder": "",
        "is_dispatched": False,
        "evidence_id": None,
        "picture": None,
        "asked_at": None,
        "asked_seq": None,
        "severity": None,
        "alarm_id": None,
        "needs_alarm": False,
    }


def _sealed(data: EvidenceSealed) -> Fields:
    return {"evidence_id": data.evidence_id, "picture": _last_picture(data.files)}


def _last_picture(files: tuple[EvidenceFile, ...]) -> str | None:
    return next((file.name for file in reversed(files) if file.role == "masked snapshot"), None)


# events about an offence that do not move it along the ladder
_CHANGES: dict[type[EventData], Callable[[Any], Fields]] = {
    EvidenceSealed: _sealed,
    EvidenceErased: lambda data: {"evidence_id": None, "picture": None},
    AlarmOpened: lambda data: {"alarm_id": data.alarm_id, "needs_alarm": False},
    # who moves it knows how the offence stands
    AlarmMoved: lambda data: {"needs_alarm": False},
}
