"""Hold what messages are made and sent with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from domain.events.wall_time import Convert, same_time
from domain.site.recipients import Recipient
from domain.site.site import Site
from event_log.projections.rows import Fields
from event_log.rows import LoggedEvent
from flows.notices.notes import MessageNotes
from flows.notices.sender import Sender
from flows.notices.still import MaskedStills
from flows.opening_hours import Hours


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
    # an alarm as it stands, by its id; None: there is none (any more)
    find_alarm: Callable[[str], Fields | None] = lambda alarm_id: None

    def recipient(self, recipient_id: str) -> Recipient | None:
        """Return who it is; None: the site file has nobody of that id (any more)."""
        known = (each for each in self.site.recipients if each.id == recipient_id)
        return next(known, None)

    def service(self, recipient_id: str) -> str:
        """Name the way to a recipient."""
        sender = self.senders.get(recipient_id)
        return sender.service if sender else "none"
