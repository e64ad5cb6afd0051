"""A message service of one recipient that behaves as a test wants it to, at once and without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from flows.notices.message import Message
from flows.notices.sender import Outcome, SendResult


@dataclass
class FakeSender:
    """Takes messages, or answers otherwise; tests/flows/notices/test_senders.py holds it to what real ones do."""

    outcome: Outcome = "sent"
    arrived: list[Message] = field(default_factory=list)
    takes: Callable[[], None] = lambda: None  # called before a message has arrived
    taken: Callable[[], None] = lambda: None  # called after

    service = "fake"
    takes_pictures = False

    def send(self, message: Message, picture: Path | None) -> SendResult:
        """See Sender."""
        if self.outcome in ("not reached", "failed"):
            return SendResult(self.outcome, "as the test wants it")
        self.takes()
        self.arrived.append(message)
        self.taken()
        return SendResult(self.outcome, "" if self.outcome == "sent" else "it hung up")
