"""Read offences from the event log, each with all that followed from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from casework.alarms.moves import AlarmAction
from casework.alarms.openings import alarm_of
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.events.catalog import (
    AlarmMoved,
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
from domain.ids import mint
from domain.offence_states import State
from domain.tracks import Track, parse_subject
from event_log.log import EventLog

if TYPE_CHECKING:  # takes a second to load
    import pandas as pd

PAGE = 1000


@dataclass(slots=True)
class ReportedCall:
    """One rung that came due, or words that an operator had spoken."""

    rung_number: int  # from 1; 0: words that are no rung
    rung_id: str
    at: datetime  # event time
    event_id: str  # of the warning
    result: str = ""  # of the announcement; "" while the announcer has not said


@dataclass(slots=True)
class ReportedOffence:
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
    calls: list[ReportedCall] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)  # those that events tell, by time
    evidence_id: str = ""  # "": none sealed (yet)
    taken_by: str = ""  # the operator who has it now
    dispatched_by: str = ""  # the operator who sent an officer
    dismissed_by: str = ""  # who closed its alarm as false, after it had been escalated

    @property
    def track_id(self) -> int:
        """Return the subject's number on its camera; 0 (no track has it) where it is a place."""
        who = parse_subject(self.subject_id.removeprefix(f"{self.camera_id}/"))
        return who.number if isinstance(who, Track) else 0


def read_offences(data: DataDir) -> list[ReportedOffence]:
    """Read every offence of a data folder, by camera and first sighting; raises as `read_events`."""
    return fold_offences(read_events(data))


def read_offence(log: EventLog, offence_id: str) -> ReportedOffence | None:
    """Read one offence; None: the log does not have it (any more). Raises as `EventLog.about`."""
    about = (offence_id, mint("evd", offence_id), alarm_of(offence_id))
    story = [logged for each in about for logged in log.about(each)]
    return next(iter(fold_offences(logged.event for logged in story)), None)


def read_events(data: DataDir) -> list[Event]:
    """Read all events of a data folder, in the order of writing.

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


def fold_offences(events: Iterable[Event]) -> list[ReportedOffence]:
    """Fold events, in the order of the log, into one report an offence."""
    offences: dict[str, ReportedOffence] = {}
    for event in events:
        data = event.data
        if isinstance(data, OffenceData):
            offence = offences.setdefault(data.offence_id, _begin(data))
            _take(offence, event, data)
        elif isinstance(data, AnnouncementMade) and data.offence_id in offences:
            for call in offences[data.offence_id].calls:
                if call.event_id == data.warned_event_id:
                    call.result = data.result
        elif isinstance(data, EvidenceSealed) and data.offence_id in offences:
            offences[data.offence_id].evidence_id = data.evidence_id
        elif isinstance(data, AlarmMoved) and data.offence_id in offences:
            _take_answer(offences[data.offence_id], data)
    return sorted(offences.values(), key=lambda offence: (offence.camera_id, offence.first_seen_at))


def _begin(data: OffenceData) -> ReportedOffence:
    return ReportedOffence(
        offence_id=data.offence_id,
        camera_id=data.camera_id,
        zone_id=data.zone_id,
        rule_id=data.rule_id,
        subject_id=data.subject_id,
        first_seen_at=data.first_seen_at,
    )


def _take(offence: ReportedOffence, event: Event, data: OffenceData) -> None:
    offence.state, offence.dwell_s = data.state, data.dwell_s
    if isinstance(data, OffenceOpened):
        offence.opened_at = event.time
        offence.sightings.append(data.first_sighting)
    elif isinstance(data, OffenceWarned):
        offence.calls.append(ReportedCall(data.rung_number, data.rung_id, event.time, event.id))
    elif isinstance(data, OutcomeData):
        offence.ended_at = event.time
        offence.remark = str(getattr(data, "basis", "") or getattr(data, "reason", ""))
    _take_hand(offence, data)
    if all(sighting.at != data.sighting.at for sighting in offence.sightings):
        offence.sightings.append(data.sighting)


def _take_hand(offence: ReportedOffence, data: OffenceData) -> None:
    if isinstance(data, OffenceTakenOver):
        offence.taken_by = data.by_hand.operator
    elif isinstance(data, OffenceHandedBack | OutcomeData):
        offence.taken_by = ""
    elif isinstance(data, OffenceDispatched):
        offence.dispatched_by = data.by_hand.operator
    if isinstance(data, OffenceDismissed):
        offence.remark = data.by_hand.reason


def _take_answer(offence: ReportedOffence, data: AlarmMoved) -> None:
    # an alarm may also be of an officer who was sent, while the ladder goes on
    if data.action == AlarmAction.FALSE_ALARM and offence.state == State.ESCALATED:
        offence.dismissed_by, offence.remark = data.by, data.reason
    elif data.action == AlarmAction.REOPEN:
        offence.dismissed_by, offence.remark = "", ""


def pick_most_telling(offences: Sequence[ReportedOffence]) -> ReportedOffence | None:
    """Pick the offence that climbed highest: escalated before others, then more calls, then longer."""
    return max(
        offences,
        key=lambda offence: (offence.state == "escalated", len(offence.calls), offence.dwell_s),
        default=None,
    )


def offence_table(offences: Sequence[ReportedOffence], timezone: str = "UTC") -> pd.DataFrame:
    """Return a row for each offence, for people; times in that time zone."""
    import pandas as pd

    zone = ZoneInfo(timezone)
    columns = ["first seen", "camera", "track", "stayed, s", "calls", "outcome", "why", "evidence"]
    rows = [
        (
            offence.first_seen_at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
            offence.camera_id,
            offence.track_id,
            round(offence.dwell_s, 1),
            f"{sum(call.result in ('written', 'played') for call in offence.calls)} of {len(offence.calls)} spoken",
            offence.state,
            offence.remark,
            offence.evidence_id or "none",
        )
        for offence in offences
    ]
    return pd.DataFrame(rows, columns=columns)
