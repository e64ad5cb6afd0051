"""Interface of what people are told of: whether it is still wanted, what it says, which event comes of it."""

from __future__ import annotations

from typing import Protocol

from domain.events.catalog import MessageData
from domain.site.recipients import Recipient
from flows.notices.message import Message
from flows.notices.notes import MessageNote
from flows.notices.sender import Sender
from flows.notices.still import Still


class Notice(Protocol):
    """One event of the log that people are told of."""

    made_type: str  # of the event that says what came of it

    @property
    def is_live(self) -> bool:
        """Tell whether it happens now; else it is of a recording."""

    @property
    def about(self) -> str:
        """Name what the event that comes of it is about."""

    def withheld_because(self) -> str:
        """Say why nobody is told (any more), whoever it is; "": they are. TryAgain: not known now."""

    def stays_useful(self) -> bool:
        """Tell whether it is worth sending however old it is. TryAgain: not known now."""

    def compose(self, recipient: Recipient, sender: Sender) -> tuple[Message, Still]:
        """Make the message, in the recipient's language, and its picture."""

    def made(
        self, recipient_id: str, recipient: Recipient | None, note: MessageNote
    ) -> MessageData:
        """Say what came of it, by a note that is over."""
