"""Count what was looked at, lost and doubled, by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "event",  # of a run that was left alone: the same must be there, with the same content
    "offence",  # has one end
    "rung",  # came due once, and none before it was passed over
    "call",  # has one announcement; what was heard is what is on record
    "message",  # has one answer; what arrived is what is on record
    "evidence",  # one sealed record for each end, which verifies
    "masked clip",  # one set of copies for each record, once in the custody chain
    "custody chain",  # holds, link for link
    "command",  # has one answer, and did what it did once
    "start",  # goes on after a kill, with nothing left of the one before
]


@dataclass
class Tally:
    """Counts of one run or of many."""

    kills: Counter[str] = field(default_factory=Counter)  # by victim
    seen: Counter[str] = field(default_factory=Counter)  # by kind
    lost: list[tuple[Kind, str]] = field(default_factory=list)
    doubled: list[tuple[Kind, str]] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)  # worth knowing, no fault

    def lose(self, kind: Kind, words: Iterable[str]) -> None:
        """Note what is missing, damaged or untrue."""
        self.lost += [(kind, each) for each in words]

    def double(self, kind: Kind, words: Iterable[str]) -> None:
        """Note what happened more than once, or should not have happened."""
        self.doubled += [(kind, each) for each in words]

    def compare(self, kind: Kind, wanted: Counter[str], came: Counter[str]) -> None:
        """Note what is there less or more often than it should be."""
        self.seen[kind] += wanted.total()
        self.lose(kind, (f"{each} is missing" for each in (wanted - came).elements()))
        self.double(kind, (f"{each} once too often" for each in (came - wanted).elements()))

    def add(self, other: Tally) -> None:
        """Take another run's counts in."""
        self.kills += other.kills
        self.seen += other.seen
        self.remarks += other.remarks
        self.lost += other.lost
        self.doubled += other.doubled

    def by_kind(self) -> dict[str, dict[str, int]]:
        """Return kind -> seen, lost, doubled."""
        lost = Counter[str](kind for kind, _ in self.lost)
        doubled = Counter[str](kind for kind, _ in self.doubled)
        return {
            kind: {"seen": self.seen[kind], "lost": lost[kind], "doubled": doubled[kind]}
            for kind in sorted(self.seen.keys() | lost.keys() | doubled.keys())
        }

    @property
    def faults(self) -> list[str]:
        """Return a line for each fault."""
        return [
            *(f"lost: {kind}: {words}" for kind, words in self.lost),
            *(f"doubled: {kind}: {words}" for kind, words in self.doubled),
        ]
