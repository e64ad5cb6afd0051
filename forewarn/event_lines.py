"""Events as lines that people read in a terminal."""

from __future__ import annotations

from datetime import UTC

from domain.events import (
    AnnouncementMade,
    ByHand,
    CameraChanged,
    CameraFitness,
    CommandGiven,
    CommandRefused,
    EventData,
    EvidenceErased,
    EvidenceHeld,
    EvidenceSealed,
    NotificationMade,
    NotificationRequested,
    OffenceClimbed,
    OffenceComplied,
    OffenceData,
    OffenceDismissed,
    OffenceDispatched,
    OffenceHandedBack,
    OffenceLapsed,
    OffenceTakenOver,
    OffenceUnknown,
    OffenceWarned,
    OffenceWithheld,
    RequestData,
    RingPinned,
)
from event_log.rows import LoggedEvent

HEADER = f"{'seq':>6}  {'event time (UTC)':23}  {'type':17}  {'about':20}  what"


def short_type(event_type: str) -> str:
    """A type without what all types share: "offence.warned" of "forewarn.offence.warned.v1"."""
    return event_type.removeprefix("forewarn.").removesuffix(".v1")


def line(logged: LoggedEvent) -> str:
    """One event on one line, under HEADER's columns."""
    event = logged.event
    at = event.time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    text = (
        f"{logged.seq:6}  {at}  {short_type(event.type):17}  {event.subject:20}  "
        f"{describe(event.data)}"
    )
    # reasons may quote what a camera or a file said: nothing of it may steer the terminal
    return "".join(each if each.isprintable() else "�" for each in text)


def describe(data: EventData) -> str:
    """What happened, in a few words."""
    match data:
        case OffenceWarned(rung_number=0):
            return f"{_where(data)}: an operator's words ({data.rung_id}){_by(data.by_hand)}"
        case OffenceWarned() | OffenceClimbed():
            rung = f"rung {data.rung_number} of {data.rung_count} ({data.rung_id})"
            by_hand = data.by_hand if isinstance(data, OffenceWarned) else None
            return f"{_where(data)}: {rung}{_by(by_hand)}"
        case OffenceTakenOver() | OffenceDispatched() | OffenceDismissed():
            return f"{_where(data)}{_by(data.by_hand)}"
        case OffenceHandedBack():
            return f"{_where(data)}: {data.cause}, had been with {data.taken_by}{_by(data.by_hand)}"
        case CommandGiven():
            return f"{data.operator}: {data.command.value}{_reason(data.reason)}"
        case CommandRefused():
            return f"{data.operator}: {data.command.value} refused: {data.explanation}"
        case OffenceComplied() | OffenceLapsed():
            return f"{_where(data)}: {data.basis}"
        case OffenceUnknown():
            return f"{_where(data)}: {data.reason}"
        case OffenceWithheld():
            return f"{_where(data)}: {data.what} withheld: {data.explanation}"
        case RequestData():
            whom = (
                f": {', '.join(data.recipients)}" if isinstance(data, NotificationRequested) else ""
            )
            return f"{_where(data)}: asked by the {data.asked_by} {data.rung_id}".rstrip() + whom
        case OffenceData():
            return _where(data)
        case CameraChanged():
            read = f"{data.frames_read} frames read, {data.frames_put_aside} put aside"
            return f"{data.camera_id} {data.status}, {read}{_reason(data.reason)}"
        case CameraFitness():
            return f"{data.camera_id} {'fit' if data.is_fit else 'not fit'} to warn{_reason(data.explanation)}"
        case AnnouncementMade():
            sound = f", {data.audio_file}" if data.audio_file else ""
            return (
                f"{data.camera_id}: {_rung(data)} ({data.rung_id}) "
                f"{data.result}{sound}{_reason(data.reason)}"
            )
        case NotificationMade():
            return f"{data.recipient_id} by {data.service}: {data.result}{_reason(data.reason)}"
        case EvidenceSealed():
            whole = "complete" if data.complete else f"missing {'; '.join(data.missing)}"
            return f"{data.camera_id}: {data.outcome}, {len(data.files)} files, {whole}"
        case EvidenceHeld():
            what = "held" if data.is_held else "let go"
            return f"{what} for {data.owner}{_reason(data.reason)}"
        case EvidenceErased():
            return f"erased by {data.by}{_reason(data.reason)}"
        case RingPinned():
            state = "beyond the limit" if data.is_over else "within the limit"
            return f"{data.camera_id}: {data.pinned_bytes} bytes pinned, {state}"
        case _:
            return ""


def _where(data: OffenceData) -> str:
    return f"{data.camera_id}, {data.dwell_s:.1f} s in {data.zone_id} ({data.rule_id})"


def _rung(data: AnnouncementMade) -> str:
    return f"rung {data.rung_number}" if data.rung_number else "an operator's words"


def _by(by_hand: ByHand | None) -> str:
    return f", asked for by {by_hand.operator}{_reason(by_hand.reason)}" if by_hand else ""


def _reason(reason: str) -> str:
    return f": {reason}" if reason else ""
