"""What a speaker's line remembers over a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.announcements import MAY_HAVE_BEEN_HEARD, AnnouncementMade
from domain.events import Event
from event_log.rows import LoggedEvent


@dataclass(frozen=True, slots=True)
class Said:
    """A call that was made a moment ago, for others that come with the same words."""

    warned: LoggedEvent
    made: Event


@dataclass(frozen=True, slots=True)
class LastCall:
    """For which offence the speaker spoke last, and until when it is at it."""

    offence_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class LineState:
    """What a restart needs; small and picklable."""

    waiting: tuple[LoggedEvent, ...] = ()  # the call that is being made among them
    said: tuple[Said, ...] = ()
    last: LastCall | None = None


def may_have_been_heard(made: Event) -> bool:
    """True where an announcement's words were, or may have been, said."""
    return isinstance(made.data, AnnouncementMade) and made.data.result in MAY_HAVE_BEEN_HEARD


def talks_until(made: Event, now: datetime) -> datetime:
    """When a speaker has done with a call: many answer as soon as they have the sound, and play then."""
    data = made.data
    if not isinstance(data, AnnouncementMade) or not may_have_been_heard(made):
        return now
    if data.started_at is None or data.audio_duration_s is None:
        return now
    return max(now, data.started_at + timedelta(seconds=data.audio_duration_s))
