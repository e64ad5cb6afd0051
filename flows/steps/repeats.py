"""Who was warned before, and how long ago: for cool-downs, and for ladders that begin higher."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.ladder import State
from domain.site import Ladder
from flows.steps.offence import Offence


@dataclass(slots=True)
class Past:
    """One subject's offences within the window."""

    ended_at: datetime
    offences: int


class Repeats:
    """Remembers subjects as long as the ladder asks for, and no longer."""

    def __init__(self, ladder: Ladder) -> None:
        self._cooldown = timedelta(seconds=ladder.cooldown_s)
        self._window = timedelta(seconds=ladder.repeat_window_s)
        self.past: dict[str, Past] = {}

    def is_cooling(self, subject: str, at: datetime) -> bool:
        """True while the subject's last offence is too fresh for another."""
        before = self.past.get(subject)
        return before is not None and at - before.ended_at < self._cooldown

    def earlier(self, subject: str, at: datetime) -> int:
        """Offences of the subject within the repeat window before `at`."""
        before = self.past.get(subject)
        if before is None or at - before.ended_at > self._window:
            return 0
        return before.offences

    def note(self, subject: str, at: datetime, *, counts: bool = True) -> None:
        """A subject is at the end of an offence.

        Args:
            counts: False where it turned out to be none: only the cool-down begins.
        """
        if self._window or self._cooldown:
            self.past[subject] = Past(at, self.earlier(subject, at) + counts)

    def note_end(self, offence: Offence, at: datetime) -> None:
        """An offence has ended; it counts where something was said, or somebody asked for."""
        if offence.has_lost_number:
            return
        if offence.state is State.DISMISSED:
            self.note(offence.number, at, counts=False)
        elif offence.is_warned or offence.state is State.ESCALATED:
            self.note(offence.number, at)

    def forget(self, at: datetime) -> None:
        """Drop whoever is past both the window and the cool-down."""
        longest = max(self._window, self._cooldown)
        for subject in [s for s, past in self.past.items() if at - past.ended_at > longest]:
            del self.past[subject]
