"""Alarms as the console shows them: which there are, what can be done about each, who could be sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from casework.alarms.moves import UNANSWERED, AlarmAction, moves_of
from casework.alarms.reading import recent_alarms
from casework.alarms.tones import SoundingAlarm, urgency
from domain.access.people import People
from domain.base import BothLanguages
from domain.errors import Stop
from event_log.log import EventLog
from event_log.projections.projection import Projection
from event_log.projections.rows import Fields

MOST_CLOSED = 200  # those that changed last: they can be reopened, and say who was sent before
MOST_OFFERED = 9  # names: each has a key
OFFICER = "officer"  # the shipped role of who goes


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alarm at one moment."""

    alarm_id: str
    kind: str
    severity: str
    state: str
    is_open: bool
    number: int  # of its last event
    level: int  # how often nobody answered in time
    names: tuple[str, ...]
    offence_id: str  # "": it is not about an offence
    camera_id: str
    rule_id: str
    wording: BothLanguages
    opened_at: datetime
    changed_at: datetime
    holder: str  # who has it to do; "": nobody yet
    told: tuple[str, ...]  # ids of recipients whose turn it was
    actions: tuple[AlarmAction, ...]  # what a person may do now, by the alarm's own table of moves
    moved_number: int = 0  # of the last event by which a person moved it; 0: none has

    @property
    def is_unanswered(self) -> bool:
        """Tell whether nobody has answered."""
        return self.is_open and self.state in UNANSWERED

    @property
    def sounding(self) -> SoundingAlarm:
        """Return what decides whether it may sound."""
        opened_at_s = self.opened_at.timestamp()
        return SoundingAlarm(
            self.alarm_id,
            bool(self.offence_id),
            self.severity,
            self.level,
            opened_at_s,
            self.moved_number,
        )


def alarm_view(row: Fields) -> AlarmView:
    """Make a view of an alarm's row."""
    try:
        actions = moves_of(row["moves_version"]).actions_from(row["state"])
    except Stop:  # a newer forewarn opened it: it is shown, and cannot be moved from here
        actions = ()
    same = ("alarm_id", "kind", "severity", "state", "is_open", "number", "level", "holder")
    about = ("offence_id", "camera_id", "rule_id")
    return AlarmView(
        **{name: row[name] for name in (*same, *about)},
        names=tuple(row["names"]),
        wording=BothLanguages(zh=row["words_zh"], en=row["words_en"]),
        opened_at=datetime.fromisoformat(row["opened_at"]),
        changed_at=datetime.fromisoformat(row["changed_at"]),
        told=tuple(row["told"]),
        actions=actions,
        moved_number=row["moved_number"],
    )


def read_alarm_views(log: EventLog) -> dict[str, AlarmView]:
    """Read the open alarms of a log and the last closed ones, by id.

    Raises:
        TryAgain, Stop: as EventLog does.
    """
    rows = recent_alarms(Projection(log), MOST_CLOSED)
    return {row["alarm_id"]: alarm_view(row) for row in rows}


def queue_of(alarms: Iterable[AlarmView]) -> list[AlarmView]:
    """Sort the open ones: unanswered first, escalations before all else, the graver and older first."""
    return sorted(
        (alarm for alarm in alarms if alarm.is_open),
        key=lambda alarm: (not alarm.is_unanswered, urgency(alarm.sounding)),
    )


def people_to_send(people: People | None, alarms: Iterable[AlarmView]) -> list[str]:
    """Name who could be sent: those who were sent last, then officers, else everybody of the site's list."""
    newest = sorted(alarms, key=lambda alarm: alarm.changed_at, reverse=True)
    listed = people.people if people else ()
    officers = [person.name for person in listed if OFFICER in person.roles]
    names = [*(alarm.holder for alarm in newest if alarm.holder), *officers]
    if not officers:
        names += [person.name for person in listed]
    return list(dict.fromkeys(names))[:MOST_OFFERED]
