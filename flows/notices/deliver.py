"""Tell one recipient of one thing once, or record why not."""

from __future__ import annotations

from datetime import timedelta

import structlog

from domain.errors import TryAgain
from domain.events.catalog import (
    AlarmOpened,
    AlarmOverdue,
    Event,
    MessageData,
    NotificationRequested,
    OffenceWithheld,
    expect_event,
)
from domain.events.requests import NotificationResult
from domain.events.wall_time import steady_time_of
from domain.ids import mint
from domain.site.recipients import Recipient
from domain.site.site import Site
from event_log.rows import LoggedEvent
from flows.notices.alarm_notice import AlarmNotice
from flows.notices.message import Message
from flows.notices.notes import MessageNote
from flows.notices.notice import Notice
from flows.notices.request_notice import RequestNotice, whom_it_asks_for
from flows.notices.sender import Sender, SendResult
from flows.notices.still import Still
from flows.notices.tools import NoticeTools

log = structlog.get_logger()

WANTED_TYPES = tuple(
    kind.event_type for kind in (NotificationRequested, OffenceWithheld, AlarmOpened, AlarmOverdue)
)
INTERRUPTED = "forewarn ended while it was being sent; it is not sent again"
# of recordings, which are never too late: a dead server must not hold up the end of a run
MAX_ATTEMPTS_OF_RECORDINGS = 4


class TryLater(TryAgain):
    """The service was not reached; nothing can have arrived."""


def recipients_of(logged: LoggedEvent, site: Site) -> tuple[str, ...]:
    """Return who is to be told of an event, or would have been; () where nobody."""
    data = logged.event.data
    if isinstance(data, AlarmOpened | AlarmOverdue):
        return data.told
    if isinstance(data, NotificationRequested | OffenceWithheld):
        return whom_it_asks_for(data, site)
    return ()


def deliver(logged: LoggedEvent, recipient_id: str, tools: NoticeTools) -> Event[MessageData]:
    """Tell one recipient, and say what came of it; the event's id comes from its cause and the recipient.

    What was dealt with before gives the same event again and sends nothing: first by what the log
    says, then by the note on disk.

    Raises:
        TryLater: not reached, and it is still useful; call again after a pause.
    """
    known = tools.find(made_id(logged.event, recipient_id))
    if known is not None:
        return expect_event(known.event, MessageData)
    attempt = _Attempt(logged, recipient_id, tools)
    note = tools.notes.find(recipient_id, logged.event.id)
    if note is not None and note.result == "being sent":
        note = attempt.keep(note, result="unknown whether sent", reason=INTERRUPTED)
    if note is not None and note.is_over:
        return attempt.made(note)
    note = note or MessageNote(
        service=tools.service(recipient_id),
        result="not reached",
        is_of_alarm=_is_of_alarm(logged.event),
    )
    recipient = tools.recipient(recipient_id)
    if recipient is None:
        words = f"the site file has no recipient {recipient_id!r} any more"
        return attempt.give_up(note, "failed", words)
    reason = attempt.why_not(recipient, note)
    if reason is not None:
        return attempt.give_up(note, *reason)
    return attempt.send(recipient, note)


def made_id(asked: Event, recipient_id: str) -> str:
    """Mint the id of the event about one recipient's message."""
    made_type = _notice_kind(asked).made_type
    return mint("evt", asked.id, made_type, recipient_id)


def _notice_kind(asked: Event) -> type[AlarmNotice] | type[RequestNotice]:
    return AlarmNotice if _is_of_alarm(asked) else RequestNotice


def _is_of_alarm(asked: Event) -> bool:
    return isinstance(asked.data, AlarmOpened | AlarmOverdue)


class _Attempt:
    """Tell one recipient now, or see why not; every step is noted on disk before the next."""

    def __init__(self, logged: LoggedEvent, recipient_id: str, tools: NoticeTools) -> None:
        self._logged, self._recipient_id, self._tools = logged, recipient_id, tools
        self._notice: Notice = _notice_kind(logged.event)(logged, tools)

    def why_not(
        self, recipient: Recipient, note: MessageNote
    ) -> tuple[NotificationResult, str] | None:
        """Return why nothing is sent (any more), and what that is called; None: it is sent."""
        logged, tools = self._logged, self._tools
        now, is_live = tools.now(), self._notice.is_live
        if reason := self._notice.withheld_because():
            return "withheld", reason
        if not is_live and not recipient.recordings:
            return "withheld", "the camera plays a recording: nobody is told of what is past"
        # by the clock that nobody sets: a message must not lose its use because the machine's was
        age_s = (tools.of_wall(now) - tools.of_wall(logged.recorded_at)).total_seconds()
        if is_live:
            seen_at = steady_time_of(logged.event, tools.of_wall)
            age_s = max(age_s, (tools.of_wall(now) - seen_at).total_seconds())
        is_spent = not is_live and note.attempts >= MAX_ATTEMPTS_OF_RECORDINGS
        is_old = age_s > recipient.useful_s and not self._notice.stays_useful()
        if is_old or is_spent:
            if note.attempts:
                return "failed", f"tried {note.attempts} times: {note.reason}"
            return "too late", f"{age_s:.0f} s old, at most {recipient.useful_s:g} s are useful"
        quiet = tools.quiet.get(recipient.id)
        if quiet is not None and quiet.apply_at(now if is_live else logged.event.time):
            return "withheld", f"quiet hours {recipient.quiet_hours}"
        # what rungs tell of must not leave an alarm without its call
        sent = tools.notes.count_between(
            recipient.id, now - timedelta(hours=1), now, is_of_alarm=note.is_of_alarm
        )
        if sent >= recipient.max_per_hour:
            return "over the hourly limit", f"{sent} messages within the hour"
        return None

    def send(self, recipient: Recipient, note: MessageNote) -> Event[MessageData]:
        """Send it once; TryLater: the service was not reached."""
        sender = self._tools.senders[recipient.id]
        message, still = self._notice.compose(recipient, sender)
        note = note.model_copy(
            update={
                "result": "being sent",
                "text": f"{message.title}\n{message.body}",
                "picture_sha256": still.sha256,
                "picture_note": still.note,
                "attempts": note.attempts + 1,
                "started_at": self._tools.now(),
            }
        )
        self._tools.notes.write(recipient.id, self._logged.event.id, note)
        answer = _ask(sender, message, still)
        result = "unknown whether sent" if answer.outcome == "unknown" else answer.outcome
        note = self.keep(note, result=result, reason=answer.reason)
        if not note.is_over:
            raise TryLater(f"{recipient.id}: not reached by {sender.service}: {answer.reason}")
        return self.made(note)

    def give_up(
        self, note: MessageNote, result: NotificationResult, reason: str
    ) -> Event[MessageData]:
        """Send nothing, now or ever."""
        return self.made(self.keep(note, result=result, reason=reason))

    def keep(self, note: MessageNote, **changes: object) -> MessageNote:
        """Note on disk how far it has come."""
        note = note.model_copy(update={**changes, "ended_at": self._tools.now()})
        self._tools.notes.write(self._recipient_id, self._logged.event.id, note)
        return note

    def made(self, note: MessageNote) -> Event[MessageData]:
        """Make the event that says what came of it."""
        event, name = self._logged.event, self._recipient_id
        if note.result != "sent":
            log.warning("not_told", recipient=name, result=note.result, reason=note.reason)
        made = self._notice.made(name, self._tools.recipient(name), note)
        # of a recording: its own time, so that every run gives the same event time
        at = note.ended_at if self._notice.is_live and note.ended_at else event.time
        source = f"forewarn/{self._tools.site.site.id}/notifier"
        return Event(made_id(event, name), source, self._notice.about, at, made)


def _ask(sender: Sender, message: Message, still: Still) -> SendResult:
    try:
        return sender.send(message, still.path)
    except Exception as error:  # a fault of the service's own code: it may have sent already
        # its words may quote the address
        log.error("sender_failed", service=sender.service, kind=type(error).__name__)
        return SendResult("unknown", f"{type(error).__name__} while it was being sent")
