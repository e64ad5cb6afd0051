"""What became of each offence, told from the event log: a plain fold, one event at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.events import (
    AnnouncementMade,
    CameraChanged,
    CommandGiven,
    CommandRefused,
    Event,
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
    RingPinned,
)
from domain.ladder import FINAL, State

# told by the wall's clock; all other times are those of the footage
_BY_THE_WALL = CommandGiven | CommandRefused | EvidenceHeld | EvidenceErased | RingPinned


@dataclass(frozen=True, slots=True)
class Offence:
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
    rung_count: int | None = None  # None: not told yet
    rungs_unspoken: int = 0  # came due and were too late or failed
    threshold_s: float | None = None
    taken_by: str = ""  # the operator who has it; '': the ladder has
    is_dispatched: bool = False  # an operator sent an officer
    asked: tuple[Event, ...] = ()  # operators' commands without an answer yet
    history: tuple[Event, ...] = ()
    evidence: EvidenceSealed | None = None  # None too where it was erased
    holds: tuple[EvidenceHeld, ...] = ()  # those in force
    erased: EvidenceErased | None = None
    masked_clips: tuple[EvidenceFile, ...] = ()  # for everybody at the console

    @property
    def is_open(self) -> bool:
        """True while the ladder can still move."""
        return self.state not in FINAL

    @property
    def rungs_spoken(self) -> int:
        """Rungs that came due, less those known not to have been spoken."""
        return max(0, self.rungs_due - self.rungs_unspoken)


@dataclass(slots=True)
class OffenceBook:
    """The offences that the console knows; the poller's thread alone writes it."""

    timezone: ZoneInfo
    max_closed: int = 500
    offences: dict[str, Offence] = field(default_factory=dict)
    cameras: dict[str, CameraChanged] = field(default_factory=dict)
    counts: Counter[tuple[date, str]] = field(default_factory=Counter)
    rings: dict[str, RingPinned] = field(default_factory=dict)  # by camera, the last word
    latest_at: datetime | None = None

    def take(self, events: Iterable[Event]) -> None:
        """Fold events in, in the order of the log; each must come once."""
        for event in events:
            self._take(event)
        self._forget_oldest()

    def _take(self, event: Event) -> None:
        data = event.data
        if not isinstance(data, _BY_THE_WALL) and (
            self.latest_at is None or event.time > self.latest_at
        ):
            self.latest_at = event.time
        if isinstance(data, CameraChanged):
            self.cameras[data.camera_id] = data
        elif isinstance(data, OffenceData):
            self._count(event, data)
            self.offences[data.offence_id] = _moved(self.offences.get(data.offence_id), event, data)
        elif isinstance(data, CommandGiven | CommandRefused):
            known = self.offences.get(data.offence_id)
            if known is not None:
                self.offences[data.offence_id] = _asked(known, event)
        elif isinstance(data, RingPinned):
            self.rings[data.camera_id] = data
        elif isinstance(data, EvidenceHeld | EvidenceErased):
            known = self.offences.get(data.offence_id)
            if known is not None:
                self.offences[data.offence_id] = _kept(known, event, data)
        elif isinstance(
            data, AnnouncementMade | EvidenceSealed | EvidenceMasked | NotificationMade
        ):
            known = self.offences.get(data.offence_id)
            if known is not None:  # else so old that it has been forgotten
                self.offences[data.offence_id] = _noted(known, event, data)

    def _count(self, event: Event, data: OffenceData) -> None:
        day = event.time.astimezone(self.timezone).date()
        known = self.offences.get(data.offence_id)
        is_first_warning = isinstance(data, OffenceWarned) and not any(
            isinstance(each.data, OffenceWarned) for each in (known.history if known else ())
        )
        if is_first_warning or isinstance(data, OutcomeData):
            # a first warning counts as one, also of an offence that is taken over
            state = State.WARNED.value if is_first_warning else data.state
            self.counts[day, state] += 1

    def _forget_oldest(self) -> None:
        closed = [each for each in self.offences.values() if not each.is_open]
        if len(closed) <= self.max_closed:
            return
        closed.sort(key=lambda each: each.changed_at)
        for each in closed[: len(closed) - self.max_closed]:
            del self.offences[each.offence_id]


def _moved(known: Offence | None, event: Event, data: OffenceData) -> Offence:
    if known is None:
        known = Offence(
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
        known = replace(known, threshold_s=data.threshold_s)
    if isinstance(data, OffenceWarned):
        known = replace(
            known,
            rungs_due=max(known.rungs_due, data.rung_number),
            rung_count=data.rung_count,
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


def _by_hand(known: Offence, data: OffenceData) -> Offence:
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


def _asked(known: Offence, event: Event) -> Offence:
    if isinstance(event.data, CommandRefused):
        known = replace(known, asked=_without(known.asked, event.data.command_id))
        return replace(known, history=_in_order(known.history, event))
    return replace(known, asked=(*known.asked, event))


def _kept(known: Offence, event: Event, data: EvidenceHeld | EvidenceErased) -> Offence:
    known = replace(known, history=(*known.history, event))
    if isinstance(data, EvidenceErased):
        return replace(known, evidence=None, erased=data)
    others = tuple(each for each in known.holds if each.hold_id != data.hold_id)
    return replace(known, holds=(*others, data) if data.is_held else others)


def _without(asked: tuple[Event, ...], command_id: str) -> tuple[Event, ...]:
    return tuple(each for each in asked if each.id != command_id)


def _noted(
    known: Offence,
    event: Event,
    data: AnnouncementMade | EvidenceSealed | EvidenceMasked | NotificationMade,
) -> Offence:
    known = replace(known, history=_in_order(known.history, event))
    if isinstance(data, EvidenceSealed):
        return replace(known, evidence=data, erased=None)
    if isinstance(data, EvidenceMasked):
        return replace(known, masked_clips=data.files)
    if isinstance(data, NotificationMade):
        return known
    if data.rung_number and not data.was_spoken and data.result != "unknown whether played":
        return replace(known, rungs_unspoken=known.rungs_unspoken + 1)
    return known


def _in_order(history: tuple[Event, ...], event: Event) -> tuple[Event, ...]:
    return tuple(sorted((*history, event), key=lambda each: each.time))
