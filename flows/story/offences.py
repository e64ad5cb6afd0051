"""Offences as the event log tells them, each with all that followed from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.data_dir import DataDir
from domain.errors import Stop
from domain.events import (
    AnnouncementMade,
    Event,
    EvidenceSealed,
    OffenceData,
    OffenceDismissed,
    OffenceDispatched,
    OffenceHandedBack,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
    OutcomeData,
    Sighting,
)
from event_log.log import EventLog

if TYPE_CHECKING:  # takes a second to load
    import pandas as pd

PAGE = 1000


@dataclass(slots=True)
class Call:
    """One rung that came due, or words that an operator had spoken."""

    rung_number: int  # from 1; 0: words that are no rung
    rung_id: str
    at: datetime  # event time
    event_id: str  # of the warning
    result: str = ""  # of the announcement; "" while the announcer has not said


@dataclass(slots=True)
class OffenceStory:
    """One offence from the first frame in the zone to its end."""

    offence_id: str
    camera_id: str
    zone_id: str
    rule_id: str
    subject_id: str  # "<camera>/<track id>"; not an identity
    first_seen_at: datetime
    opened_at: datetime | None = None
    state: str = ""  # of the ladder, after the last event
    dwell_s: float = 0.0
    ended_at: datetime | None = None  # None: still open
    remark: str = ""  # on what grounds it ended
    calls: list[Call] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)  # those that events tell, by time
    evidence_id: str = ""  # "": none sealed (yet)
    taken_by: str = ""  # the operator who has it now
    dispatched_by: str = ""  # the operator who sent an officer

    @property
    def track_id(self) -> int:
        """The subject's number on its camera; 0 (no track has it) where the id ends in none."""
        number = re.search(r"\d+$", self.subject_id)
        return int(number[0]) if number else 0


def read_offences(data: DataDir) -> list[OffenceStory]:
    """Every offence of a data folder, by camera and first sighting.

    Raises:
        Stop: nothing was recorded there; the message says what to run.
    """
    return tell_offences(read_events(data))


def read_events(data: DataDir) -> list[Event]:
    """All events of a data folder, in the order of writing.

    Raises:
        Stop: there are none; the message says what to run.
    """
    events: list[Event] = []
    if data.events_db.exists():  # opening would make an empty one, and the name may be mistyped
        with EventLog.open(data.events_db) as log:
            after = 0
            while page := log.read(after_seq=after, limit=PAGE):
                events += [logged.event for logged in page]
                after = page[-1].seq
    if not events:
        raise Stop(
            f"{data.root}: needs a data folder with events, found none; run `make demo` (its data "
            "folder is var/demo), or `forewarn run SITE --until-end --data DIR`"
        )
    return events


def tell_offences(events: Iterable[Event]) -> list[OffenceStory]:
    """Fold events, in the order of the log, into one story an offence."""
    stories: dict[str, OffenceStory] = {}
    for event in events:
        data = event.data
        if isinstance(data, OffenceData):
            story = stories.setdefault(data.offence_id, _begin(data))
            _take(story, event, data)
        elif isinstance(data, AnnouncementMade) and data.offence_id in stories:
            for call in stories[data.offence_id].calls:
                if call.event_id == data.warned_event_id:
                    call.result = data.result
        elif isinstance(data, EvidenceSealed) and data.offence_id in stories:
            stories[data.offence_id].evidence_id = data.evidence_id
    return sorted(stories.values(), key=lambda each: (each.camera_id, each.first_seen_at))


def _begin(data: OffenceData) -> OffenceStory:
    return OffenceStory(
        offence_id=data.offence_id,
        camera_id=data.camera_id,
        zone_id=data.zone_id,
        rule_id=data.rule_id,
        subject_id=data.subject_id,
        first_seen_at=data.first_seen_at,
    )


def _take(story: OffenceStory, event: Event, data: OffenceData) -> None:
    story.state, story.dwell_s = data.state, data.dwell_s
    if isinstance(data, OffenceOpened):
        story.opened_at = event.time
        story.sightings.append(data.first_sighting)
    elif isinstance(data, OffenceWarned):
        story.calls.append(Call(data.rung_number, data.rung_id, event.time, event.id))
    elif isinstance(data, OutcomeData):
        story.ended_at = event.time
        story.remark = str(getattr(data, "basis", "") or getattr(data, "reason", ""))
    _take_hand(story, data)
    if all(each.at != data.sighting.at for each in story.sightings):
        story.sightings.append(data.sighting)


def _take_hand(story: OffenceStory, data: OffenceData) -> None:
    if isinstance(data, OffenceTakenOver):
        story.taken_by = data.by_hand.operator
    elif isinstance(data, OffenceHandedBack | OutcomeData):
        story.taken_by = ""
    elif isinstance(data, OffenceDispatched):
        story.dispatched_by = data.by_hand.operator
    if isinstance(data, OffenceDismissed):
        story.remark = data.by_hand.reason


def pick_most_telling(offences: Sequence[OffenceStory]) -> OffenceStory | None:
    """The offence that climbed highest: escalated before others, then more calls, then longer."""
    return max(
        offences,
        key=lambda each: (each.state == "escalated", len(each.calls), each.dwell_s),
        default=None,
    )


def offence_table(offences: Sequence[OffenceStory], timezone: str = "UTC") -> pd.DataFrame:
    """A row for each offence, for people; times in that time zone."""
    import pandas as pd

    zone = ZoneInfo(timezone)
    columns = ["first seen", "camera", "track", "stayed, s", "calls", "outcome", "why", "evidence"]
    rows = [
        (
            each.first_seen_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
            each.camera_id,
            each.track_id,
            round(each.dwell_s, 1),
            f"{sum(call.result in ('written', 'played') for call in each.calls)} of {len(each.calls)} spoken",
            each.state,
            each.remark,
            each.evidence_id or "none",
        )
        for each in offences
    ]
    return pd.DataFrame(rows, columns=columns)
