"""Offences that the tracker and the ladder find on clips, beside the stays that the truth has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from benchmarks.quality.naming import Naming
from benchmarks.quality.true_stays import Path, TrueStay
from benchmarks.quality.zones import CAMERA
from domain.cameras.status import CameraNotice, ReadCounts
from domain.events.catalog import Event, OffenceOpened, OffenceWarned, OutcomeData
from domain.rule_key import RuleKey
from domain.site.site import Site
from domain.tracks import TrackedFrame
from flows.escalation.watched_rule import watch_of

LEFT = ("complied", "lapsed")
MERGED = "merged"  # turned out to be somebody's who has an offence: counts as nothing
# of a stay's end: who the number was on then is whom its outcome is said of
LAST_MOMENT_S = 1.0


@dataclass(slots=True)
class Stay:
    """One offence as it was told: whose, from when, how long, and what became of it."""

    number: int
    opened_at: datetime
    first_at: datetime
    is_repeat: bool  # of somebody who offended before, as it says
    dwell_s: float = 0.0
    first_rung: int = 0  # of its first call, from 1; 0: nothing was said
    state: str = ""
    ended_s: float = float("inf")  # when it was told how it ended

    @property
    def first_s(self) -> float:
        """Return the seconds of event time at which it began."""
        return self.first_at.timestamp()

    @property
    def last_s(self) -> float:
        """Return the seconds of event time at which it ended."""
        return self.first_s + self.dwell_s


@dataclass(slots=True)
class StayMarks:
    """Counts over one clip and rule, or over several."""

    expected: int = 0
    found: int = 0
    matched: int = 0
    dwell_errors_s: list[float] = field(default_factory=list)
    second_warnings: list[str] = field(default_factory=list)
    leaving: int = 0  # found, and truly seen leaving
    known_to_have_left: int = 0  # of them, by what was told
    not_known: list[str] = field(default_factory=list)
    false_complied: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)

    def add(self, other: StayMarks) -> None:
        """Take in another clip's."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def precision(self) -> float:
        """Return the share of those found that is true."""
        return self.matched / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Return the share of the true ones that was found."""
        return self.matched / self.expected if self.expected else 1.0

    @property
    def known_share(self) -> float:
        """Return the share of those seen leaving of whom it was told that they left."""
        return self.known_to_have_left / self.leaving if self.leaving else 1.0


def climb(site: Site, tracked: Sequence[TrackedFrame]) -> list[Stay]:
    """Return the offences that the real rule and ladder make of tracked frames."""
    watch = watch_of(site, RuleKey(CAMERA, site.rules[0].id))
    events: list[Event] = [event for frame in tracked for event in watch.step(frame)]
    last = tracked[-1].frame
    counts = ReadCounts(len(tracked), 0)
    end = CameraNotice(CAMERA, "ended", None, last.captured_at, counts, last.media_time_s)
    return stays_of([*events, *watch.notice(end)])


def stays_of(events: Sequence[Event]) -> list[Stay]:
    """Fold an offence's events into what was told of it."""
    stays: dict[str, Stay] = {}
    for event in events:
        said = event.data
        if isinstance(said, OffenceOpened):
            stays[event.subject] = Stay(
                number=_number_of(said.subject_id),
                opened_at=event.time,
                first_at=said.first_seen_at,
                is_repeat=said.earlier_offences > 0,
                dwell_s=said.dwell_s,
            )
        elif isinstance(said, OffenceWarned) and not stays[event.subject].first_rung:
            stays[event.subject].first_rung = said.rung_number
        if isinstance(said, OutcomeData):
            stay = stays[event.subject]
            stay.dwell_s, stay.state = said.dwell_s, said.state
            stay.ended_s = event.time.timestamp()
            stay.number = _number_of(said.subject_id)
    return list(stays.values())


def _number_of(subject_id: str) -> int:
    digits = re.search(r"\d+$", subject_id)
    return int(digits.group()) if digits else 0


def compare(
    expected: Sequence[TrueStay],
    found: Sequence[Stay],
    naming: Naming,
    paths: Mapping[int, Path],
    where: str,
) -> StayMarks:
    """Pair found stays with true ones: the same person, at the same time; each at most once."""
    counted = [stay for stay in found if stay.state != MERGED]
    marks = StayMarks(expected=len(expected), found=len(counted))
    of_true: dict[int, list[Stay]] = {}
    for stay in sorted(found, key=lambda each: each.first_at):
        person = naming.who(stay.number, stay.first_s, stay.last_s)
        told = f"{where}: number {stay.number} on {person} for {stay.dwell_s:.1f} s, {stay.state}"
        if _is_still_there(stay, naming, paths):
            marks.false_complied.append(told)
        true = _true_stay(expected, person, stay)
        earlier = of_true.get(true, []) if true is not None else []
        if earlier and stay.first_rung:
            marks.second_warnings.append(told)
        if stay.state == MERGED:
            continue
        if true is None or earlier:
            marks.invented.append(told)
        else:
            marks.matched += 1
            marks.dwell_errors_s.append(abs(stay.dwell_s - expected[true].dwell_s))
        if true is not None:
            of_true.setdefault(true, []).append(stay)
    _judge_leaving(marks, expected, of_true, where)
    marks.missed += [
        f"{where}: person {each.person} for {each.dwell_s:.1f} s"
        for row, each in enumerate(expected)
        if row not in of_true
    ]
    return marks


def _true_stay(expected: Sequence[TrueStay], person: int | None, stay: Stay) -> int | None:
    """Return which of the person's stays it shares most time with, a second of slack at both ends."""
    shared = {
        row: min(stay.last_s, each.last_s + 1) - max(stay.first_s, each.first_s - 1)
        for row, each in enumerate(expected)
        if each.person == person
    }
    best = max(shared, key=lambda row: shared[row], default=None)
    return best if best is not None and shared[best] >= 0 else None


def _is_still_there(stay: Stay, naming: Naming, paths: Mapping[int, Path]) -> bool:
    """Tell whether it was told that somebody left who by the truth had stayed in the zones."""
    if stay.state not in LEFT:
        return False
    person = naming.who(stay.number, stay.last_s - LAST_MOMENT_S, stay.last_s)
    path = None if person is None else paths.get(person)
    return path is not None and path.stayed_in(stay.last_s, stay.ended_s)


def _judge_leaving(
    marks: StayMarks,
    expected: Sequence[TrueStay],
    of_true: Mapping[int, Sequence[Stay]],
    where: str,
) -> None:
    """Count of whom it was told that they left, among those who were seen leaving."""
    for row, stays in of_true.items():
        if not expected[row].is_seen_leaving:
            continue
        last = max(stays, key=lambda each: each.last_s)
        marks.leaving += 1
        marks.known_to_have_left += last.state in LEFT
        if last.state not in LEFT:
            marks.not_known.append(
                f"{where}: person {expected[row].person} left at "
                f"{expected[row].last_s % 3600:.1f} s: {last.state} at {last.last_s % 3600:.1f} s"
            )
