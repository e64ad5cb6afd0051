"""Interface of a real loudspeaker, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from domain.events.announcements import AnnouncementResult


@dataclass(frozen=True, slots=True)
class Played:
    """What came of giving a sound to a speaker."""

    result: AnnouncementResult
    reason: str = ""  # for people; "" if all went well


class Player(Protocol):
    """Gives one sound to one speaker, once."""

    def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        """Play a WAV file's content (22,050 Hz, 16 bit, mono) and wait for the speaker's answer.

        `before` is called when the speaker is reached and has got nothing of the sound yet.

        Raises:
            NoSpeaker: it was not reached; `before` has not been called.
        """
