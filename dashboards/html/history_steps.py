"""Steps of an offence's history: which event shows which lines."""

from __future__ import annotations

from dashboards.display_names import DisplayNames
from dashboards.html.alarm_steps import ALARM_STEPS
from dashboards.html.operator_steps import OPERATOR_STEPS, request_lines
from dashboards.html.retention import RETENTION_STEPS
from dashboards.html.step_lines import StepFormatter, StepFormatters, StepLine, reason_lines
from dashboards.html.uncertainty import recognition_lines, unseen_lines
from domain.events.catalog import (
    AlarmNotified,
    AnnouncementMade,
    CaseRequested,
    EventData,
    EvidenceSealed,
    LeavingBasis,
    MessageData,
    NotificationMade,
    NotificationRequested,
    OffenceClimbed,
    OffenceComplied,
    OffenceEscalated,
    OffenceExempted,
    OffenceLapsed,
    OffenceMerged,
    OffenceOpened,
    OffenceUnknown,
    OffenceWarned,
    OffenceWithheld,
    OfficerRequested,
    OutcomeData,
)

_UNSPOKEN = {
    "too late": "too_late",
    "unknown whether played": "maybe_spoken",
    "quiet hours": "quiet_hours",
    "over the hourly cap": "over_the_cap",
}
_BASIS: dict[LeavingBasis, str] = {
    "seen outside the zone": "basis_outside",
    "last seen on the way out": "basis_way_out",
    "no longer seen": "basis_gone",
    "moved": "basis_moved",
    "back across the line": "basis_back",
    "somebody is there": "basis_somebody",
    "fewer are there": "basis_fewer",
    "an operator saw it": "basis_by_hand",
}


def step_lines(data: EventData, names: DisplayNames) -> list[StepLine]:
    """Describe one event; [] where the history does not show events of its type."""
    formatter = STEPS.get(type(data))
    lines = formatter(data, names) if formatter else []
    return [*lines, *unseen_lines(data, names)] if isinstance(data, OutcomeData) else lines


def _plain(key: str, css_class: str = "what", **fields: str) -> StepFormatter:
    """Show one text; `fields` are its facts and the fields of the event that hold them."""

    def lines(data: EventData, names: DisplayNames) -> list[StepLine]:
        values = {fact: getattr(data, field) for fact, field in fields.items()}
        return [StepLine(names.say(key, **values), css_class)]

    return lines


def _opened(data: OffenceOpened, names: DisplayNames) -> list[StepLine]:
    if data.by_hand is not None:
        marked = names.say("hand.started", who=data.by_hand.operator)
        return [StepLine(marked), *reason_lines(data.by_hand, names)]
    opened = names.say("history.opened", threshold=names.duration(data.threshold_s))
    return [StepLine(opened), *recognition_lines(data.recognition, names)]


def _merged(data: OffenceMerged, names: DisplayNames) -> list[StepLine]:
    merged = names.say("history.merged", offence=data.goes_on_as)
    return [StepLine(merged), *recognition_lines(data.recognition, names)]


def _warned(data: OffenceWarned, names: DisplayNames) -> list[StepLine]:
    due = names.say("history.warned", number=data.rung_number, count=data.rung_count)
    if data.rung_number == 0:
        due = names.say("hand.words")
    return [
        StepLine(due),
        # both languages: both are spoken, and the next shift may read the other one
        StepLine(data.text.zh, "said", "zh"),
        StepLine(data.text.en, "said", "en"),
        *request_lines(data.by_hand, names),
    ]


def _notification_requested(data: NotificationRequested, names: DisplayNames) -> list[StepLine]:
    return [StepLine(names.say("history.notify", whom=", ".join(data.recipients)), "detail")]


def _message(data: MessageData, names: DisplayNames) -> list[StepLine]:
    result = names.say(f"notified.{data.result.replace(' ', '_')}")
    text = names.say("notified.line", whom=data.recipient_id, result=result)
    if data.reason:
        text += f" ({data.reason})"
    return [StepLine(text, "spoken" if data.result == "sent" else "not-spoken")]


def _withheld(data: OffenceWithheld, names: DisplayNames) -> list[StepLine]:
    reasons = " · ".join(names.unfit(code) for code in data.reasons)
    key = f"history.withheld_{data.what}"
    return [StepLine(names.say(key, number=data.rung_number, reasons=reasons))]


def _left(key: str) -> StepFormatter:
    def lines(data: OffenceComplied | OffenceLapsed, names: DisplayNames) -> list[StepLine]:
        left = names.say(key, basis=names.say(f"history.{_BASIS[data.basis]}"))
        return [StepLine(left), *request_lines(data.by_hand, names)]

    return lines


def _unknown(data: OffenceUnknown, names: DisplayNames) -> list[StepLine]:
    reason = data.reason_zh or data.reason if names.lang == "zh" else data.reason
    return [StepLine(names.say("history.unknown", reason=reason))]


def _announcement(data: AnnouncementMade, names: DisplayNames) -> list[StepLine]:
    seconds, is_rung = f"{data.audio_duration_s or 0:.1f}", data.rung_number != 0
    if data.result == "written":  # whether anybody plays the file, nobody knows
        key = "history.written" if is_rung else "hand.words_written"
        return [StepLine(names.say(key, number=data.rung_number, seconds=seconds), "written")]
    if data.was_spoken and not is_rung:
        return [StepLine(names.say("hand.words_spoken", seconds=seconds), "spoken")]
    if data.was_spoken:
        key = "history.spoken_with" if data.said_with else "history.spoken"
        return [StepLine(names.say(key, number=data.rung_number, seconds=seconds), "spoken")]
    if not is_rung:
        reason = data.reason or data.result
        return [StepLine(names.say("hand.words_unspoken", reason=reason), "not-spoken")]
    key = f"history.{_UNSPOKEN.get(data.result, 'failed')}"
    return [StepLine(names.say(key, number=data.rung_number, reason=data.reason), "not-spoken")]


def _sealed(data: EvidenceSealed, names: DisplayNames) -> list[StepLine]:
    if data.complete:
        return [StepLine(names.say("history.sealed", count=len(data.files)), "detail")]
    text = names.say("history.sealed_incomplete", missing="; ".join(data.missing))
    return [StepLine(text, "not-spoken")]


STEPS: StepFormatters = {
    OffenceOpened: _opened,
    OffenceWarned: _warned,
    OffenceClimbed: _plain("history.climbed", number="rung_number", count="rung_count"),
    OffenceWithheld: _withheld,
    OffenceComplied: _left("history.complied"),
    OffenceLapsed: _left("history.lapsed"),
    OffenceEscalated: _plain("history.escalated"),
    OffenceExempted: _plain("history.exempted"),
    OffenceMerged: _merged,
    OffenceUnknown: _unknown,
    NotificationRequested: _notification_requested,
    CaseRequested: _plain("history.open_case", "detail", case="case_id"),
    OfficerRequested: _plain("history.request_officer", "detail"),
    NotificationMade: _message,
    AlarmNotified: _message,
    AnnouncementMade: _announcement,
    EvidenceSealed: _sealed,
    **ALARM_STEPS,
    **OPERATOR_STEPS,
    **RETENTION_STEPS,
}
