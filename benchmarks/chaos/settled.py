"""Decide whether all that follows from what was seen has been done: then nothing more is to come."""

from __future__ import annotations

from benchmarks.chaos.left import read_all
from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events.catalog import (
    AlarmNotified,
    AlarmOpened,
    AlarmOverdue,
    AnnouncementMade,
    CommandGiven,
    EvidenceMasked,
    EvidenceSealed,
    NotificationMade,
    NotificationRequested,
    OffenceOpened,
    OffenceWarned,
    OutcomeData,
)
from domain.events.commands import answer_id
from event_log.log import EventLog


def is_settled(data: DataDir) -> bool:
    """Tell whether every offence has ended and all that it asks for is on record."""
    try:
        with EventLog.open(data.events_db) as log:
            events = [logged.event for logged in read_all(log)]
    except ForewarnError:
        return False
    open_: set[str] = set()
    for event in events:
        match event.data:
            case OffenceOpened():
                open_.add(f"end of {event.subject}")
            case OutcomeData():
                open_.add(f"record of {event.subject}")
            case OffenceWarned():
                open_.add(f"call {event.id}")
            case CommandGiven():
                open_.add(f"answer {answer_id(event.id)}")
            case EvidenceSealed(evidence_id=evidence_id):
                open_.add(f"clips of {evidence_id}")
            case NotificationRequested(recipients=recipients):
                open_.update(f"message {event.id} to {each}" for each in recipients)
            case AlarmOpened(told=told) | AlarmOverdue(told=told):
                open_.update(f"message {event.id} to {each}" for each in told)
    for event in events:
        open_.discard(f"answer {event.id}")
        match event.data:
            case OutcomeData():
                open_.discard(f"end of {event.subject}")
            case EvidenceSealed(offence_id=offence_id):
                open_.discard(f"record of {offence_id}")
            case EvidenceMasked(evidence_id=evidence_id):
                open_.discard(f"clips of {evidence_id}")
            case AnnouncementMade(warned_event_id=warned):
                open_.discard(f"call {warned}")
            case NotificationMade(request_event_id=request, recipient_id=recipient):
                open_.discard(f"message {request} to {recipient}")
            case AlarmNotified(told_event_id=asked, recipient_id=recipient):
                open_.discard(f"message {asked} to {recipient}")
    return not open_
