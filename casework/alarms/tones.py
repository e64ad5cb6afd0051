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


@dataclass(frozen=True, slots=True)
class Tone:
    """One that sounded."""

    alarm_id: str
    level: int
    at_s: float  # of a clock that is never set


def urgency(alarm: SoundingAlarm) -> tuple[bool, int, int, float, str]:
    """Return what unanswered alarms are sorted by, most urgent first: escalations stay on top."""
    severity = _SEVERITY_ORDER.index(alarm.severity)
    return not alarm.is_offence, severity, -alarm.level, alarm.opened_at_s, alarm.alarm_id


def next_tone(
    unanswered: Iterable[SoundingAlarm], sounded: Sequence[Tone], now_s: float
) -> Tone | None:
    """Return what sounds now; None: silence.

    Each alarm sounds once, and once more each time that nobody has answered it in time; at most three do
    within any minute, the most urgent first. `sounded` need hold no more than the alarms' own and those of
    the last minute.
    """
    if sum(now_s - tone.at_s < 60.0 for tone in sounded) >= MOST_A_MINUTE:
        return None
    heard = {(tone.alarm_id, tone.level) for tone in sounded}
    silent = [alarm for alarm in unanswered if (alarm.alarm_id, alarm.level) not in heard]
    if not silent:
        return None
    first = min(silent, key=urgency)
    return Tone(first.alarm_id, first.level, now_s)
