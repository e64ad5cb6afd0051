"""Decide which alarm may sound now, so that what matters most is heard and nobody is nagged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_A_MINUTE = 3
_SEVERITY_ORDER = ("serious", "ordinary", "slight")


@dataclass(frozen=True, slots=True)
class SoundingAlarm:
    """What of an alarm decides whether it may sound."""

    alarm_id: str
    is_offence: bool  # a person is asked for; else something is broken
    severity: str
    level: int  # how often nobody answered in time
    opened_at_s: float  # of any clock, to have the oldest first
    reopened: int = 0  # number of the event that made it unanswered again; 0: it is the first time


@dataclass(frozen=True, slots=True)
class Tone:
    """One that sounded."""

    alarm_id: str
    level: int
    at_s: float  # of a clock that is never set
    reopened: int = 0  # as of the alarm


def urgency(alarm: SoundingAlarm) -> tuple[bool, int, int, float, str]:
    """Return what unanswered alarms are sorted by, most urgent first: escalations stay on top."""
    severity = _SEVERITY_ORDER.index(alarm.severity)
    return not alarm.is_offence, severity, -alarm.level, alarm.opened_at_s, alarm.alarm_id


def next_tone(
    unanswered: Iterable[SoundingAlarm], sounded: Sequence[Tone], now_s: float
) -> Tone | None:
    """Return what sounds now; None: silence.

    Each alarm sounds once, and once more each time that nobody has answered it in time or that it is
    reopened; at most three do within any minute, the most urgent first, and the third is kept for where a
    person is asked for. `sounded` need hold no more than the alarms' own and those of the last minute.
    """
    heard = {(tone.alarm_id, tone.level, tone.reopened) for tone in sounded}
    silent = [
        each for each in unanswered if (each.alarm_id, each.level, each.reopened) not in heard
    ]
    if not silent:
        return None
    first = min(silent, key=urgency)
    # else what is broken would silence an escalation for up to a minute
    most = MOST_A_MINUTE if first.is_offence else MOST_A_MINUTE - 1
    if sum(now_s - tone.at_s < 60.0 for tone in sounded) >= most:
        return None
    return Tone(first.alarm_id, first.level, now_s, first.reopened)
