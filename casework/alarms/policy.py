"""Decide how urgent an alarm is, until when somebody must answer it, and who is told next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from casework.alarms.moves import AlarmMoves
from domain.events.alarm_events import AlarmKind, AlarmSeverity
from domain.site.recipients import AnswerWithin
from domain.site.site import Site

LONGEST_PAUSE_S = 3600.0  # between two reminders of the last in the line
# of those, before it is left at the top of the list: nobody is there, and the log is no clock
MOST_REPEATS = 3
# of what is no offence; those have the severity of their rule
_SEVERITIES: dict[AlarmKind, AlarmSeverity] = {"disk full": "serious", "disk nearly full": "slight"}


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """What a site file says about alarms."""

    site_id: str
    within_s: AnswerWithin = field(default_factory=AnswerWithin)
    line: tuple[str, ...] = ()  # ids of recipients, the supervisor last; (): nobody can be told
    rule_severities: Mapping[str, AlarmSeverity] = field(default_factory=dict)

    @classmethod
    def of_site(cls, site: Site) -> Self:
        """Read it out of a site file."""
        settings = site.alarms
        tells = settings.tells
        if settings.supervisor is not None:
            tells = (*(each for each in tells if each != settings.supervisor), settings.supervisor)
        severities = {rule.id: rule.severity for rule in site.rules}
        return cls(site.site.id, settings.answer_within_s, tells, severities)

    def severity(self, kind: AlarmKind, rule_id: str = "") -> AlarmSeverity:
        """Return how urgent an alarm is; of an offence its rule says it."""
        return self.rule_severities.get(rule_id) or _SEVERITIES.get(kind, "ordinary")

    def told_at(self, level: int) -> tuple[str, ...]:
        """Return who is told when nobody has answered `level` times: the next in the line, at last its end."""
        return self.line[min(level, len(self.line) - 1) :][:1] if self.line else ()

    def due_at(
        self, from_at: datetime, moves: AlarmMoves, state: str, severity: str, level: int = 0
    ) -> datetime | None:
        """Return until when somebody must do something, counted from a moment; None: nobody must.

        Once the end of the line was told, each pause is twice the one before, and after some there is none.
        """
        times = moves.wait_of(state)
        repeats = level - max(0, len(self.line) - 1)  # of what the end of the line was told
        if times is None or repeats >= MOST_REPEATS:
            return None
        within_s = float(getattr(self.within_s, severity)) * times
        pause_s = max(within_s, min(within_s * 2 ** max(0, repeats), LONGEST_PAUSE_S))
        return from_at + timedelta(seconds=pause_s)
