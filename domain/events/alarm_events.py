"""Events of an alarm, a task that a person must answer: opened, grown, moved, overdue, told.

Each, but what came of a message, tells the whole of what it changes, and has the alarm's next number: the last
one says where the alarm stands. Deadlines are moments of the clock that nobody sets (domain/cameras/steady_clock.py).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.base import BothLanguages
from domain.events.base import EventData
from domain.events.commands import LONGEST_NAME, LONGEST_WORDS
from domain.events.requests import MessageData

AlarmKind = Literal["offence", "cameras", "disk nearly full", "disk full", "sealing", "masking"]
AlarmSeverity = Literal["slight", "ordinary", "serious"]


class AlarmData(EventData):
    """Base of every event of an alarm."""

    alarm_id: str
    site_id: str
    kind: AlarmKind
    offence_id: str = Field(default="", description="'': it is not about an offence")
    number: int = Field(ge=1, description="of this alarm's events, without gaps")
    state: str = Field(description="of the alarm, after this event")
    is_open: bool = Field(description="somebody still has to do something, if only to close it")
    due_at: AwareDatetime | None = Field(
        description="until when somebody has to answer, on the clock that is never set; null: nobody has to"
    )


class AlarmOpened(AlarmData):
    """Something happened that a person must answer."""

    event_type: ClassVar[str] = "forewarn.alarm.opened.v1"
    severity: AlarmSeverity
    moves_version: int = Field(ge=1, description="of the table of moves that it keeps to the end")
    names: tuple[str, ...] = Field(
        min_length=1, description="what it is about: an offence, cameras, folders, a kind of work"
    )
    camera_id: str = Field(default="", description="of the offence; else ''")
    rule_id: str = Field(default="", description="of the offence; else ''")
    wording: BothLanguages = Field(description="for people; suspects, never accuses")
    told: tuple[str, ...] = Field(
        description="ids of recipients whose turn it is; () the site names none"
    )


class AlarmJoined(AlarmData):
    """More happened that has the same cause; nobody is asked anew."""

    event_type: ClassVar[str] = "forewarn.alarm.joined.v1"
    names: tuple[str, ...] = Field(min_length=1, description="those that came to it")


class AlarmMoved(AlarmData):
    """Somebody answered, or went on with it; or what it was about is over by itself."""

    event_type: ClassVar[str] = "forewarn.alarm.moved.v1"
    action: str = Field(description="of the alarm's table of moves")
    state_before: str
    by: str = Field(max_length=LONGEST_NAME, description="name; '': no person, see action")
    person: str = Field(
        default="", description="id in the site's people file; '': as typed, nobody checked it"
    )
    role: str = Field(default="", description="the role that permits it; '': nobody checked")
    via: Literal["console", "command line", "program"]
    reason: str = Field(default="", max_length=LONGEST_WORDS)
    assigned_to: str = Field(
        default="", max_length=LONGEST_NAME, description="who has it to do from here on"
    )


class AlarmOverdue(AlarmData):
    """Nobody answered in time: it becomes louder, and it is the next person's turn."""

    event_type: ClassVar[str] = "forewarn.alarm.overdue.v1"
    level: int = Field(ge=1, description="how often nobody answered in time")
    told: tuple[str, ...] = Field(
        description="ids of recipients whose turn it is; () the site names none"
    )


class AlarmNotified(MessageData):
    """What became of telling one recipient whose turn it is; the alarm itself stands as it stood."""

    event_type: ClassVar[str] = "forewarn.alarm.notified.v1"
    alarm_id: str
    site_id: str
    offence_id: str = Field(default="", description="'': it is not about an offence")
    told_event_id: str = Field(description="of alarm.opened or alarm.overdue, whose turn it was")
    level: int = Field(ge=0, description="how often nobody had answered in time")
