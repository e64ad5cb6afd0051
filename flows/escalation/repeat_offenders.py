"""Remember who was warned before, for cool-downs and for ladders that begin higher."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from domain.offence_states import State
from domain.site.ladders import Ladder
from domain.tracks import SubjectKey
from flows.escalation.stays.offence import Offence

COUNTED = (State.ESCALATED, State.EXEMPTED)  # also of a ladder that says nothing


@dataclass(slots=True)
class Past:
    """Count one subject's offences within the window."""

    ended_at: AwareDatetime
    offences: int
    dismissed_at: AwareDatetime | None = None  # one that turned out to be none
    offence_id: str = ""  # of the last; "": noted by an older program

    @property
    def left_alone_from(self) -> datetime:
        """Return when the cool-down began."""
        return max(self.ended_at, self.dismissed_at or self.ended_at)


class Repeats:
    """Remember subjects as long as the ladder asks for, and no longer."""

    def __init__(self, ladder: Ladder) -> None:
        self._cooldown = timedelta(seconds=ladder.cooldown_s)
        self._window = timedelta(seconds=ladder.repeat_window_s)
        self.past: dict[SubjectKey, Past] = {}

    def is_cooling(self, subject: SubjectKey, at: datetime) -> bool:
        """Tell whether the subject's last offence is too fresh for another."""
        before = self.past.get(subject)
        return before is not None and at - before.left_alone_from < self._cooldown

    def earlier(self, subject: SubjectKey, at: datetime) -> int:
        """Count the subject's offences within the repeat window before `at`."""
        before = self.past.get(subject)
        if before is None or at - before.ended_at > self._window:
            return 0
        return before.offences

    def last_offence(self, subject: SubjectKey) -> str:
        """Return the id of the subject's last offence; "": none is remembered."""
        before = self.past.get(subject)
        return before.offence_id if before is not None else ""

    def note(
        self, subject: SubjectKey, at: datetime, *, counts: bool = True, offence_id: str = ""
    ) -> None:
        """Remember that a subject is at the end of an offence.

        Args:
            subject: its number or place.
            at: event time.
            counts: False where it turned out to be none: only the cool-down begins.
            offence_id: of that offence.
        """
        if not (self._window or self._cooldown):
            return
        earlier = self.earlier(subject, at)
        if counts or not earlier:
            self.past[subject] = Past(at, earlier + counts, offence_id=offence_id)
        else:  # those before count from when they ended
            self.past[subject] = replace(self.past[subject], dismissed_at=at)

    def renumber(self, now: SubjectKey, was: SubjectKey) -> None:
        """Remember under one number what two turned out to have done."""
        later = self.past.pop(was, None)
        before = self.past.get(now)
        if later is None:
            return
        if before is not None and before.offence_id == later.offence_id != "":
            # one offence of somebody who went by both
            later = max(before, later, key=lambda past: past.offences)
        elif before is not None:
            later = Past(
                max(before.ended_at, later.ended_at),
                before.offences + later.offences,
                max(filter(None, (before.dismissed_at, later.dismissed_at)), default=None),
                max(before, later, key=lambda past: past.ended_at).offence_id,
            )
        self.past[now] = later

    def note_end(self, offence: Offence, at: datetime, offence_id: str = "") -> None:
        """Remember an end; it counts where something was said, somebody asked for, or a first time let off."""
        stay = offence.stay
        if stay.has_lost_number or offence.state is State.MERGED:
            return
        counts = offence.escalation.is_warned or offence.state in COUNTED
        if offence.state is State.DISMISSED or counts:
            for number in {stay.number: None, **dict.fromkeys(stay.went_by)}:
                self.note(
                    number, at, counts=offence.state is not State.DISMISSED, offence_id=offence_id
                )

    def forget_the_future(self, at: datetime) -> None:
        """Drop what was remembered by a clock that was ahead: its cool-downs would not end."""
        self.past = {who: past for who, past in self.past.items() if past.left_alone_from <= at}

    def forget(self, at: datetime) -> None:
        """Drop whoever is past both the window and the cool-down."""
        longest = max(self._window, self._cooldown)
        for subject in [s for s, past in self.past.items() if at - past.left_alone_from > longest]:
            del self.past[subject]
