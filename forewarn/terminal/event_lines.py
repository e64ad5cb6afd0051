"""Print events as lines that people read in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import Any

from domain.cameras.status import WATCHED
from domain.events.catalog import (
    AlarmJoined,
    AlarmMoved,
    AlarmOpened,
    AlarmOverdue,
    AnnouncementMade,
    ByHand,
    CameraChanged,
    CameraFitness,
    ClockStepped,
    CommandGiven,
    CommandRefused,
    EventData,
    EvidenceBehind,
    EvidenceErased,
    EvidenceHeld,
    EvidenceSealed,
    ItemPutAside,
    MessageData,
    NotificationRequested,
    OffenceClimbed,
    OffenceComplied,
    OffenceData,
    OffenceDismissed,
    OffenceDispatched,
    OffenceHandedBack,
    OffenceLapsed,
    OffenceMerged,
    OffencePaused,
    OffenceResumed,
    OffenceTakenOver,
    OffenceUnknown,
    OffenceWarned,
    OffenceWithheld,
    RequestData,
    RingPinned,
    SiteApplied,
    SiteFileChanged,
    StorageChanged,
)
from event_log.rows import LoggedEvent

HEADER = f"{'seq':>6}  {'event time (UTC)':23}  {'type':17}  {'about':20}  what"


def short_type(event_type: str) -> str:
    """Strip from a type what all types share: "offence.warned" of "forewarn.offence.warned.v1"."""
    return event_type.removeprefix("forewarn.").removesuffix(".v1")


def line(logged: LoggedEvent) -> str:
    """Format an event as one line under the columns of HEADER."""
    event = logged.event
    at = event.time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    text = (
        f"{logged.seq:6}  {at}  {short_type(event.type):17}  {event.subject:20}  "
        f"{describe(event.data)}"
    )
    # reasons may quote what a camera or a file said: nothing of it may steer the terminal
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def describe(data: EventData) -> str:
    """Say in a few words what happened; "" for an event that the table does not know."""
    # events share bases: an event's own formatter comes before its base's
    for kind in type(data).__mro__:
        if kind in _FORMATTERS:
            return _FORMATTERS[kind](data)
    return ""


def _warned(data: OffenceWarned) -> str:
    if data.rung_number == 0:
        return f"{_where(data)}: an operator's words ({data.rung_id}){_by(data.by_hand)}"
    return f"{_climbed(data)}{_by(data.by_hand)}"


def _climbed(data: OffenceWarned | OffenceClimbed) -> str:
    return f"{_where(data)}: rung {data.rung_number} of {data.rung_count} ({data.rung_id})"


def _handed_back(data: OffenceHandedBack) -> str:
    return f"{_where(data)}: {data.cause}, had been with {data.taken_by}{_by(data.by_hand)}"


def _by_operator(
    data: OffenceTakenOver | OffencePaused | OffenceResumed | OffenceDispatched | OffenceDismissed,
) -> str:
    return f"{_where(data)}{_by(data.by_hand)}"


def _requested(data: RequestData) -> str:
    return f"{_where(data)}: asked by the {data.asked_by} {data.rung_id}".rstrip()


def _notification_requested(data: NotificationRequested) -> str:
    return f"{_requested(data)}: {', '.join(data.recipients)}"


def _camera_changed(data: CameraChanged) -> str:
    read = f"{data.frames_read} frames read, {data.frames_put_aside} put aside"
    if data.boxes_left_out:
        read += f", {data.boxes_left_out} boxes left out that nobody can be"
    blind = f", blind since {data.blind_since:%Y-%m-%d %H:%M:%SZ}" if data.blind_since else ""
    if data.status in WATCHED:
        blind = blind.replace("blind since", "was blind since")
    return f"{data.camera_id} {data.status}{blind}, {read}{_reason(data.reason)}"


def _fitness(data: CameraFitness) -> str:
    fit = "fit" if data.is_fit else "not fit"
    where = f" in {', '.join(data.places)}" if data.places else ""
    return f"{data.camera_id} {fit} to warn{where}{_reason(data.explanation)}"


def _announced(data: AnnouncementMade) -> str:
    rung = f"rung {data.rung_number}" if data.rung_number else "an operator's words"
    sound = f", {data.audio_file}" if data.audio_file else ""
    reason = _reason(data.reason)
    return f"{data.camera_id}: {rung} ({data.rung_id}) {data.result}{sound}{reason}"


def _sealed(data: EvidenceSealed) -> str:
    whole = "complete" if data.complete else f"missing {'; '.join(data.missing)}"
    return f"{data.camera_id}: {data.outcome}, {len(data.files)} files, {whole}"


def _held(data: EvidenceHeld) -> str:
    return f"{'held' if data.is_held else 'let go'} for {data.owner}{_reason(data.reason)}"


def _ring_pinned(data: RingPinned) -> str:
    state = "beyond the limit" if data.is_over else "within the limit"
    return f"{data.camera_id}: {data.pinned_bytes} bytes pinned, {state}"


def _site_applied(data: SiteApplied) -> str:
    by = f", by {data.by}" if data.by else ""
    return (
        f"site revision {data.revision} ({data.sha256[:12]}) is in force{by}{_reason(data.reason)}"
    )


def _alarm_moved(data: AlarmMoved) -> str:
    by = f" by {data.by}" if data.by else ""
    holder = f", with {data.assigned_to}" if data.assigned_to else ""
    return f"{data.state_before} to {data.state}: {data.action}{by}{holder}{_reason(data.reason)}"


def _alarm_overdue(data: AlarmOverdue) -> str:
    told = f"; to be told: {', '.join(data.told)}" if data.told else ""
    return f"{data.state}, and nobody answered in time ({data.level}){told}"


def _where(data: OffenceData) -> str:
    return f"{data.camera_id}, {data.dwell_s:.1f} s in {data.zone_id} ({data.rule_id})"


def _by(by_hand: ByHand | None) -> str:
    return f", asked for by {by_hand.operator}{_reason(by_hand.reason)}" if by_hand else ""


def _reason(reason: str) -> str:
    return f": {reason}" if reason else ""


_FORMATTERS: dict[type, Callable[[Any], str]] = {
    OffenceWarned: _warned,
    OffenceClimbed: _climbed,
    OffenceTakenOver: _by_operator,
    OffencePaused: _by_operator,
    OffenceResumed: _by_operator,
    OffenceDispatched: _by_operator,
    OffenceDismissed: _by_operator,
    OffenceHandedBack: _handed_back,
    ClockStepped: lambda data: f"by {data.step_s:+.3f} s: {data.reason}",
    CommandGiven: lambda data: f"{data.operator}: {data.command.value}{_reason(data.reason)}",
    CommandRefused: (
        lambda data: f"{data.operator}: {data.command.value} refused: {data.explanation}"
    ),
    OffenceComplied: lambda data: f"{_where(data)}: {data.basis}",
    OffenceLapsed: lambda data: f"{_where(data)}: {data.basis}",
    OffenceMerged: lambda data: f"{_where(data)}: goes on as {data.goes_on_as}",
    OffenceUnknown: lambda data: f"{_where(data)}: {data.reason}",
    OffenceWithheld: lambda data: f"{_where(data)}: {data.what} withheld: {data.explanation}",
    NotificationRequested: _notification_requested,
    RequestData: _requested,
    OffenceData: _where,
    CameraChanged: _camera_changed,
    CameraFitness: _fitness,
    ItemPutAside: lambda data: f"{data.program}, {data.count} since the last: {data.reason}",
    AnnouncementMade: _announced,
    MessageData: (
        lambda data: f"{data.recipient_id} by {data.service}: {data.result}{_reason(data.reason)}"
    ),
    EvidenceSealed: _sealed,
    EvidenceHeld: _held,
    EvidenceErased: lambda data: f"erased by {data.by}{_reason(data.reason)}",
    RingPinned: _ring_pinned,
    SiteApplied: _site_applied,
    SiteFileChanged: lambda data: data.reason,
    StorageChanged: lambda data: data.reason,
    EvidenceBehind: lambda data: data.reason,
    AlarmOpened: lambda data: f"{data.severity}: {data.wording.en}",
    AlarmJoined: lambda data: f"{data.state}, and more of the same: {', '.join(data.names)}",
    AlarmMoved: _alarm_moved,
    AlarmOverdue: _alarm_overdue,
}
