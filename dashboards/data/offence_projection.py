"""Fold the event log into what became of each offence, one event at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from casework.alarms.moves import AlarmAction
from domain.events.catalog import (
    AlarmJoined,
    AlarmMoved,
    AlarmNotified,
    AlarmOpened,
    AlarmOverdue,
    AnnouncementMade,
    CameraChanged,
    ClockStepped,
    CommandGiven,
    CommandRefused,
    Event,
    EventData,
    EvidenceBehind,
    EvidenceErased,
    EvidenceFile,
    EvidenceHeld,
    EvidenceMasked,
    EvidenceSealed,
    NotificationMade,
    OffenceClimbed,
    OffenceData,
    OffenceDispatched,
    OffenceHandedBack,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
    OutcomeData,
    Recognition,
    RingPinned,
    SiteApplied,
    SiteFileChanged,
    StorageChanged,
)
from domain.offence_states import FINAL, State

# timed by the wall clock; all other times are those of the footage
_BY_WALL_CLOCK = (
    *(CommandGiven, CommandRefused, EvidenceHeld, EvidenceErased, RingPinned),
    *(StorageChanged, EvidenceBehind, AlarmOpened, AlarmJoined, AlarmMoved, AlarmOverdue),
    *(AlarmNotified, SiteApplied, SiteFileChanged, ClockStepped),
)


@dataclass(frozen=True, slots=True)
class OffenceView:
    """One offence as the console shows it; made new for each event."""

    offence_id: str
    camera_id: str
    zone_id: str
    rule_id: str
    subject_id: str
    state: str
    first_seen_at: datetime
    changed_at: datetime  # event time of what moved it last
    dwell_s: float  # up to that event
    rungs_due: int = 0
    rung_count: int | None = None  # None: not known yet
    rungs_unspoken: int = 0  # came due and were too late or failed
    rungs_written: int = 0  # made as a file: nobody heard them
    threshold_s: float | None = None
    recognition: Recognition | None = None  # None: never out of sight before it opened
    taken_by: str = ""  # the operator who has it; '': the ladder has
    is_dispatched: bool = False  # an operator sent an officer
    is_false_alarm: bool = False  # it was escalated, and somebody dismissed it since
    asked: tuple[Event, ...] = ()  # operators' commands without an answer yet
    history: tuple[Event, ...] = ()
    evidence: EvidenceSealed | None = None  # None too where it was erased
    holds: tuple[EvidenceHeld, ...] = ()  # those in force
    erased: EvidenceErased | None = None
    masked_clips: tuple[EvidenceFile, ...] = ()  # for everybody at the console

    @property
    def is_open(self) -> bool:
        """Tell whether the ladder can still move."""
        return self.state not in FINAL

    @property
    def rungs_spoken(self) -> int:
        """Count the rungs that came due, less those known not to have been spoken.

        Those that were made as a file count: the ladder goes on as after a call.
        """
        return max(0, self.rungs_due - self.rungs_unspoken)


@dataclass(slots=True)
class OffenceProjection:
    """The offences that the console knows; the poller's thread alone writes it."""

    timezone: ZoneInfo
    max_closed: int = 500
    offences: dict[str, OffenceView] = field(default_factory=dict)
    cameras: dict[str, CameraChanged] = field(default_factory=dict)
    counts: Counter[tuple[date, str]] = field(default_factory=Counter)
    rings: dict[str, RingPinned] = field(default_factory=dict)  # by camera, the last word
    disks: dict[str, StorageChanged] = field(default_factory=dict)  # by folder, the last word
    backlogs: dict[str, EvidenceBehind] = field(default_factory=dict)  # by kind of work
    site_file: SiteFileChanged | None = None  # None: it says what is in force
    clock: ClockStepped | None = None  # the last setting of the machine's clock
    latest_at: datetime | None = None

    def take(self, events: Iterable[Event]) -> None:
        """Fold events in, in the order of the log; each must come once."""
        for event in events:
            self._take(event)
        self._forget_oldest()

    def _take(self, event: Event) -> None:
        data = event.data
        if not isinstance(data, _BY_WALL_CLOCK) and (
            self.latest_at is None or event.time > self.latest_at
        ):
            self.latest_at = event.time
        if isinstance(data, CameraChanged):
            self.cameras[data.camera_id] = data
        elif isinstance(data, ClockStepped):
            self.clock, self.latest_at = data, None  # what comes may be before what came
        elif isinstance(data, RingPinned):
            self.rings[data.camera_id] = data
        elif isinstance(data, StorageChanged):
            self.disks.update(dict.fromkeys(data.folders, data))
        elif isinstance(data, EvidenceBehind):
            self.backlogs[data.work] = data
        elif isinstance(data, SiteFileChanged):
            self.site_file = data if data.standing != "in force" else None
        elif isinstance(data, SiteApplied):
            self.site_file = None
        elif isinstance(data, OffenceData):
            self._count(event, data)
            self.offences[data.offence_id] = _moved(self.offences.get(data.offence_id), event, data)
        elif change := _CHANGES.get(type(data)):
            known = self.offences.get(getattr(data, "offence_id", ""))
            if known is not None:  # else so old that it has been forgotten
                self.offences[known.offence_id] = change(known, event)

    def _count(self, event: Event, data: OffenceData) -> None:
        day = event.time.astimezone(self.timezone).date()
        known = self.offences.get(data.offence_id)
        is_first_warning = isinstance(data, OffenceWarned) and not any(
            isinstance(before.data, OffenceWarned) for before in (known.history if known else ())
        )
        if is_first_warning or isinstance(data, OutcomeData):
            # a first warning counts as one, also of an offence that is taken over
            state = State.WARNED.value if is_first_warning else data.state
            self.counts[day, state] += 1

    def _forget_oldest(self) -> None:
        closed = [offence for offence in self.offences.values() if not offence.is_open]
        if len(closed) <= self.max_closed:
            return
        closed.sort(key=lambda offence: offence.changed_at)
        for offence in closed[: len(closed) - self.max_closed]:
            del self.offences[offence.offence_id]


def _moved(known: OffenceView | None, event: Event, data: OffenceData) -> OffenceView:
    if known is None:
        known = OffenceView(
            offence_id=data.offence_id,
            camera_id=data.camera_id,
            zone_id=data.zone_id,
            rule_id=data.rule_id,
            subject_id=data.subject_id,
            state=State.OPENED.value,
            first_seen_at=data.first_seen_at,
            changed_at=event.time,
            dwell_s=data.dwell_s,
        )
    known = _by_hand(replace(known, history=_in_order(known.history, event)), data)
    if isinstance(data, OffenceOpened):
        known = replace(known, threshold_s=data.threshold_s, recognition=data.recognition)
    if isinstance(data, OffenceWarned):
        known = replace(
            known, rungs_due=max(known.rungs_due, data.rung_number), rung_count=data.rung_count
        )
    if isinstance(data, OffenceClimbed):
        known = replace(
            known,
            rungs_due=max(known.rungs_due, data.rung_number),
            rungs_unspoken=known.rungs_unspoken + 1,
            rung_count=data.rung_count,
        )
    # a final state stays, and an older event does not turn the clock back
    if not known.is_open or event.time < known.changed_at:
        return known
    return replace(known, state=data.state, changed_at=event.time, dwell_s=data.dwell_s)


def _by_hand(known: OffenceView, data: OffenceData) -> OffenceView:
    by_hand = getattr(data, "by_hand", None)
    if by_hand is not None:
        known = replace(known, asked=_without(known.asked, by_hand.command_id))
    if isinstance(data, OffenceTakenOver):
        return replace(known, taken_by=data.by_hand.operator)
    if isinstance(data, OffenceHandedBack | OutcomeData):
        return replace(known, taken_by="")
    if isinstance(data, OffenceDispatched):
        return replace(known, is_dispatched=True)
    return known


def _noted(known: OffenceView, event: Event[Any]) -> OffenceView:
    return replace(known, history=_in_order(known.history, event))


def _asked(known: OffenceView, event: Event[CommandGiven]) -> OffenceView:
    return replace(known, asked=(*known.asked, event))


def _refused(known: OffenceView, event: Event[CommandRefused]) -> OffenceView:
    return _noted(replace(known, asked=_without(known.asked, event.data.command_id)), event)


def _alarmed(known: OffenceView, event: Event[Any]) -> OffenceView:
    data = event.data
    if isinstance(data, AlarmMoved) and data.action in (
        AlarmAction.FALSE_ALARM,
        AlarmAction.REOPEN,
    ):
        # an alarm may also be of an officer who was sent, while the ladder goes on
        is_false = data.action == AlarmAction.FALSE_ALARM and known.state == State.ESCALATED
        known = replace(known, is_false_alarm=is_false)
    # timed by the wall clock, as holds are
    return replace(known, history=(*known.history, event))


def _held(known: OffenceView, event: Event[EvidenceHeld]) -> OffenceView:
    data = event.data
    others = tuple(hold for hold in known.holds if hold.hold_id != data.hold_id)
    # timed by the wall clock: not sorted among the times of the footage
    history = (*known.history, event)
    return replace(known, history=history, holds=(*others, data) if data.is_held else others)


def _erased(known: OffenceView, event: Event[EvidenceErased]) -> OffenceView:
    return replace(known, history=(*known.history, event), evidence=None, erased=event.data)


def _sealed(known: OffenceView, event: Event[EvidenceSealed]) -> OffenceView:
    return replace(_noted(known, event), evidence=event.data, erased=None)


def _masked(known: OffenceView, event: Event[EvidenceMasked]) -> OffenceView:
    return replace(_noted(known, event), masked_clips=event.data.files)


def _announced(known: OffenceView, event: Event[AnnouncementMade]) -> OffenceView:
    data, known = event.data, _noted(known, event)
    if data.rung_number and data.result == "written":
        return replace(known, rungs_written=known.rungs_written + 1)
    if data.rung_number and not data.was_spoken and data.result != "unknown whether played":
        return replace(known, rungs_unspoken=known.rungs_unspoken + 1)
    return known


# events about an offence that do not move it along the ladder
_CHANGES: dict[type[EventData], Callable[[OffenceView, Event[Any]], OffenceView]] = {
    CommandGiven: _asked,
    CommandRefused: _refused,
    EvidenceHeld: _held,
    EvidenceErased: _erased,
    EvidenceSealed: _sealed,
    EvidenceMasked: _masked,
    AnnouncementMade: _announced,
    NotificationMade: _noted,
    AlarmNotified: _noted,
    AlarmOpened: _alarmed,
    AlarmMoved: _alarmed,
    AlarmOverdue: _alarmed,
}


def _without(asked: tuple[Event, ...], command_id: str) -> tuple[Event, ...]:
    return tuple(event for event in asked if event.id != command_id)


def _in_order(history: tuple[Event, ...], event: Event) -> tuple[Event, ...]:
    return tuple(sorted((*history, event), key=lambda logged: logged.time))
