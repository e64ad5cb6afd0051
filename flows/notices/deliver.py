"""Send one request to one recipient once, or record why not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from domain.errors import TryAgain
from domain.events.catalog import Event, OffenceData, OffenceWithheld, expect_event
from domain.events.requests import NotificationMade, NotificationRequested, NotificationResult
from domain.events.wall_time import Convert, same_time, steady_time_of
from domain.ids import mint
from domain.site.recipients import Recipient
from domain.site.site import Site
from event_log.rows import LoggedEvent
from flows.masks.subject import kind_of_rule
from flows.notices.message import Message, PictureState, compose
from flows.notices.notes import MessageNote, MessageNotes
from flows.notices.sender import Sender, SendResult
from flows.notices.still import MaskedStills, Still
from flows.opening_hours import Hours

log = structlog.get_logger()

INTERRUPTED = "forewarn ended while it was being sent; it is not sent again"
# of recordings, which are never too late: a dead server must not hold up the end of a run
MAX_ATTEMPTS_OF_RECORDINGS = 4


@dataclass(frozen=True, slots=True)
class NoticeTools:
    """What messages are made and sent with."""

    site: Site
    senders: Mapping[str, Sender]  # by recipient
    notes: MessageNotes
    stills: MaskedStills
    find: Callable[[str], LoggedEvent | None]  # an event of the log by its id
    live_cameras: frozenset[str]
    quiet: Mapping[str, Hours] = field(default_factory=dict)  # by recipient; none: never quiet
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    of_wall: Convert = same_time  # steady time at which the wall's clock said something


class TryLater(TryAgain):
    """The service was not reached; nothing can have arrived."""


def recipients_of(logged: LoggedEvent, site: Site) -> tuple[str, ...]:
    """Return who is to be notified of an event, or would have been; () where nobody."""
    data = logged.event.data
    if isinstance(data, NotificationRequested):
        return data.recipients
    if not isinstance(data, OffenceWithheld):
        return ()
    try:
        ladder = site.ladder(site.rule(data.rule_id).ladder)
        does: Collection[str] = ladder.escalation_does
        whom = ladder.escalation_notifies
        if data.what == "rung":
            rung = ladder.rungs[data.rung_number - 1]
            does, whom = rung.does, rung.notifies
    except (KeyError, IndexError):  # of a site file that was changed since
        return ()
    return (
        (whom or tuple(recipient.id for recipient in site.recipients)) if "notify" in does else ()
    )


def deliver(logged: LoggedEvent, recipient_id: str, tools: NoticeTools) -> Event[NotificationMade]:
    """Tell one recipient, and say what came of it; the event's id comes from request and recipient.

    What was dealt with before gives the same event again and sends nothing: first by what the log
    says, then by the note on disk.

    Raises:
        TryLater: not reached, and it is still useful; call again after a pause.
    """
    known = tools.find(made_id(logged.event, recipient_id))
    if known is not None:
        return expect_event(known.event, NotificationMade)
    note = tools.notes.find(recipient_id, logged.event.id)
    if note is not None and note.result == "being sent":
        note = _keep(
            logged, recipient_id, tools, note, result="unknown whether sent", reason=INTERRUPTED
        )
    if note is not None and note.is_over:
        return _made(logged, recipient_id, note, tools)
    note = note or MessageNote(service=_service(recipient_id, tools), result="not reached")
    recipient = _recipient(recipient_id, tools)
    if recipient is None:
        words = f"the site file has no recipient {recipient_id!r} any more"
        return _give_up(logged, recipient_id, tools, note, "failed", words)
    reason = _why_not(logged, recipient, note, tools)
    if reason is not None:
        return _give_up(logged, recipient_id, tools, note, *reason)
    return _send(logged, recipient, note, tools)


def made_id(asked: Event, recipient_id: str) -> str:
    """Mint the id of the event about one recipient's message."""
    return mint("evt", asked.id, NotificationMade.event_type, recipient_id)


def _why_not(
    logged: LoggedEvent, recipient: Recipient, note: MessageNote, tools: NoticeTools
) -> tuple[NotificationResult, str] | None:
    """Return why nothing is sent (any more), and what that is called; None: it is sent."""
    now = tools.now()
    if isinstance(logged.event.data, OffenceWithheld):
        return "withheld", logged.event.data.explanation
    data = expect_event(logged.event, NotificationRequested).data
    is_live = data.camera_id in tools.live_cameras
    if not is_live and not recipient.recordings:
        return "withheld", "the camera plays a recording: nobody is told of what is past"
    # by the clock that nobody sets: a message must not lose its use because the machine's was
    age_s = (tools.of_wall(now) - tools.of_wall(logged.recorded_at)).total_seconds()
    if is_live:
        seen_at = steady_time_of(logged.event, tools.of_wall)
        age_s = max(age_s, (tools.of_wall(now) - seen_at).total_seconds())
    is_spent = not is_live and note.attempts >= MAX_ATTEMPTS_OF_RECORDINGS
    if age_s > recipient.useful_s or is_spent:
        if note.attempts:
            return "failed", f"tried {note.attempts} times: {note.reason}"
        return "too late", f"{age_s:.0f} s old, at most {recipient.useful_s:g} s are useful"
    quiet = tools.quiet.get(recipient.id)
    if quiet is not None and quiet.apply_at(now if is_live else logged.event.time):
        return "withheld", f"quiet hours {recipient.quiet_hours}"
    sent = tools.notes.count_between(recipient.id, now - timedelta(hours=1), now)
    if sent >= recipient.max_per_hour:
        return "over the hourly limit", f"{sent} messages within the hour"
    return None


def _send(
    logged: LoggedEvent, recipient: Recipient, note: MessageNote, tools: NoticeTools
) -> Event[NotificationMade]:
    data = expect_event(logged.event, NotificationRequested).data
    sender = tools.senders[recipient.id]
    still = _still(logged.event.id, data, recipient, sender, tools)
    message = compose(data, tools.site.site, recipient.language, still.state)
    note = note.model_copy(
        update={
            "result": "being sent",
            "text": f"{message.title}\n{message.body}",
            "picture_sha256": still.sha256,
            "picture_note": still.note,
            "attempts": note.attempts + 1,
            "started_at": tools.now(),
        }
    )
    tools.notes.write(recipient.id, logged.event.id, note)
    answer = _ask(sender, message, still)
    result = "unknown whether sent" if answer.outcome == "unknown" else answer.outcome
    note = _keep(logged, recipient.id, tools, note, result=result, reason=answer.reason)
    if not note.is_over:
        raise TryLater(f"{recipient.id}: not reached by {sender.service}: {answer.reason}")
    return _made(logged, recipient.id, note, tools)


def _ask(sender: Sender, message: Message, still: Still) -> SendResult:
    try:
        return sender.send(message, still.path)
    except Exception as error:  # a fault of the service's own code: it may have sent already
        # its words may quote the address
        log.error("sender_failed", service=sender.service, kind=type(error).__name__)
        return SendResult("unknown", f"{type(error).__name__} while it was being sent")


def _still(
    request_id: str,
    data: NotificationRequested,
    recipient: Recipient,
    sender: Sender,
    tools: NoticeTools,
) -> Still:
    state: PictureState | None = None
    if not recipient.picture:
        state, note = "no_picture_off", "the recipient gets none"
    elif not sender.takes_pictures:
        state, note = "no_picture_service", f"{sender.service} takes none"
    if state is not None:
        return Still(None, None, state, note)
    kind = kind_of_rule(tools.site, data.rule_id)
    wait_s = recipient.picture_wait_s
    return tools.stills.get(request_id, data.camera_id, data.sighting, wait_s, kind)


def _give_up(
    logged: LoggedEvent,
    recipient_id: str,
    tools: NoticeTools,
    note: MessageNote,
    result: NotificationResult,
    reason: str,
) -> Event[NotificationMade]:
    note = _keep(logged, recipient_id, tools, note, result=result, reason=reason)
    return _made(logged, recipient_id, note, tools)


def _keep(
    logged: LoggedEvent, recipient_id: str, tools: NoticeTools, note: MessageNote, **changes: object
) -> MessageNote:
    note = note.model_copy(update={**changes, "ended_at": tools.now()})
    tools.notes.write(recipient_id, logged.event.id, note)
    return note


def _made(
    logged: LoggedEvent, recipient_id: str, note: MessageNote, tools: NoticeTools
) -> Event[NotificationMade]:
    data = expect_event(logged.event, OffenceData).data
    assert note.result != "being sent" and note.result != "not reached"  # the note is over
    if note.result != "sent":
        log.warning("not_told", recipient=recipient_id, result=note.result, reason=note.reason)
    recipient = _recipient(recipient_id, tools)
    is_live = data.camera_id in tools.live_cameras
    made = NotificationMade(
        offence_id=data.offence_id,
        camera_id=data.camera_id,
        rung_id=getattr(data, "rung_id", ""),
        request_event_id=logged.event.id,
        recipient_id=recipient_id,
        service=note.service,
        result=note.result,
        reason=note.reason,
        language=recipient.language if recipient else "zh",
        text=note.text,
        picture_sha256=note.picture_sha256,
        picture_note=note.picture_note,
        attempts=note.attempts,
        started_at=note.started_at,
        ended_at=note.ended_at,
    )
    # of a recording: its own time, so that every run gives the same event time
    at = note.ended_at if is_live and note.ended_at else logged.event.time
    source = f"forewarn/{tools.site.site.id}/notifier"
    return Event(made_id(logged.event, recipient_id), source, data.offence_id, at, made)


def _recipient(recipient_id: str, tools: NoticeTools) -> Recipient | None:
    try:
        return tools.site.recipient(recipient_id)
    except KeyError:
        return None


def _service(recipient_id: str, tools: NoticeTools) -> str:
    sender = tools.senders.get(recipient_id)
    return sender.service if sender else "none"
