"""Tell people of what a ladder or an operator asked for: a message with a masked picture of the moment."""

from __future__ import annotations

from collections.abc import Collection

from domain.events.catalog import (
    NotificationMade,
    NotificationRequested,
    OffenceData,
    OffenceWithheld,
    expect_event,
)
from domain.site.recipients import Recipient
from domain.site.site import Site
from event_log.rows import LoggedEvent
from flows.masks.subject import kind_of_rule
from flows.notices.message import Message, PictureState, compose
from flows.notices.notes import MessageNote, result_of
from flows.notices.sender import Sender
from flows.notices.still import Still
from flows.notices.tools import NoticeTools


class RequestNotice:
    """One request to notify, or one that was withheld."""

    made_type = NotificationMade.event_type

    def __init__(self, logged: LoggedEvent, tools: NoticeTools) -> None:
        self._logged, self._tools = logged, tools
        self._data = expect_event(logged.event, OffenceData).data

    @property
    def is_live(self) -> bool:
        """Tell whether the camera is live."""
        return self._data.camera_id in self._tools.live_cameras

    @property
    def about(self) -> str:
        """Name the offence."""
        return self._data.offence_id

    def withheld_because(self) -> str:
        """See Notice."""
        return self._data.explanation if isinstance(self._data, OffenceWithheld) else ""

    def stays_useful(self) -> bool:
        """See Notice; a moment that is long past is nobody's errand."""
        return False

    def compose(self, recipient: Recipient, sender: Sender) -> tuple[Message, Still]:
        """See Notice; waits for the picture as long as the recipient allows."""
        request = expect_event(self._logged.event, NotificationRequested).data
        still = self._still(request, recipient, sender)
        message = compose(request, self._tools.site.site, recipient.language, still.state)
        return message, still

    def made(
        self, recipient_id: str, recipient: Recipient | None, note: MessageNote
    ) -> NotificationMade:
        """See Notice."""
        return NotificationMade(
            offence_id=self._data.offence_id,
            camera_id=self._data.camera_id,
            rung_id=getattr(self._data, "rung_id", ""),
            request_event_id=self._logged.event.id,
            recipient_id=recipient_id,
            service=note.service,
            result=result_of(note),
            reason=note.reason,
            language=recipient.language if recipient else "zh",
            text=note.text,
            picture_sha256=note.picture_sha256,
            picture_note=note.picture_note,
            attempts=note.attempts,
            started_at=note.started_at,
            ended_at=note.ended_at,
        )

    def _still(self, data: NotificationRequested, recipient: Recipient, sender: Sender) -> Still:
        state: PictureState | None = None
        if not recipient.picture:
            state, note = "no_picture_off", "the recipient gets none"
        elif not sender.takes_pictures:
            state, note = "no_picture_service", f"{sender.service} takes none"
        if state is not None:
            return Still(None, None, state, note)
        kind = kind_of_rule(self._tools.site, data.rule_id)
        request_id, wait_s = self._logged.event.id, recipient.picture_wait_s
        return self._tools.stills.get(request_id, data.camera_id, data.sighting, wait_s, kind)


def whom_it_asks_for(data: NotificationRequested | OffenceWithheld, site: Site) -> tuple[str, ...]:
    """Return who is to be told of a request, or would have been; () where nobody."""
    if isinstance(data, NotificationRequested):
        return data.recipients
    try:
        ladder = site.ladder(site.rule(data.rule_id).ladder)
        does: Collection[str] = ladder.escalation_does
        whom = ladder.escalation_notifies
        if data.what == "rung":
            rung = ladder.rungs[data.rung_number - 1]
            does, whom = rung.does, rung.notifies
    except (KeyError, IndexError):  # of a site file that was changed since
        return ()
    everybody = tuple(recipient.id for recipient in site.recipients)
    return (whom or everybody) if "notify" in does else ()
