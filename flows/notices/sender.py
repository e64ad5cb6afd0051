"""Interface of what sends messages: what it is handed, and what it may answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from flows.notices.message import Message

# not reached: surely nothing arrived, and it may work later. failed: surely nothing arrived, and it
# never will. unknown: it may have arrived.
Outcome = Literal["sent", "not reached", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one attempt."""

    outcome: Outcome
    reason: str = ""  # for people, without addresses or passwords


class Sender(Protocol):
    """Sends to one recipient."""

    @property
    def service(self) -> str:
        """Name of the way, such as mailto; nothing secret."""

    @property
    def takes_pictures(self) -> bool:
        """Tell whether a picture can go with a message."""

    def send(self, message: Message, picture: Path | None) -> SendResult:
        """Send once. Blocks for as long as the service's own time limits allow."""
