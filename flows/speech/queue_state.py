"""Hold what a speaker's line remembers over a restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from domain.events.announcements import MAY_HAVE_BEEN_HEARD, AnnouncementMade
from domain.events.catalog import Event
from domain.events.wall_time import Convert, same_time
from domain.saved_state import StateFormat
from event_log.rows import LoggedEvent


@dataclass(frozen=True, slots=True)
class Said:
    """Hold a call that was made a moment ago, for others that come with the same words."""

    warned: LoggedEvent
    made: Event


@dataclass(frozen=True, slots=True)
class LastCall:
    """Say for which offence the speaker spoke last, and until when it is at it."""

    offence_id: str
    until: AwareDatetime  # steady time


@dataclass(frozen=True, slots=True)
class LineState:
    """Hold what a restart needs; small."""

    waiting: tuple[LoggedEvent, ...] = ()  # the call that is being made among them
    said: tuple[Said, ...] = ()
    last: LastCall | None = None


NamedLine = tuple[str, LineState]  # with the speaker's id
LINE_FORMAT = StateFormat[NamedLine](NamedLine)


def may_have_been_heard(made: Event) -> bool:
    """Tell whether an announcement's words were, or may have been, said."""
    return isinstance(made.data, AnnouncementMade) and made.data.result in MAY_HAVE_BEEN_HEARD


def talks_until(made: Event, now: datetime, of_wall: Convert = same_time) -> datetime:
    """Return when a speaker has done with a call: many answer when they have the sound, and play then."""
    data = made.data
    if not isinstance(data, AnnouncementMade) or not may_have_been_heard(made):
        return now
    if data.started_at is None or data.audio_duration_s is None:
        return now
    return max(now, of_wall(data.started_at) + timedelta(seconds=data.audio_duration_s))
