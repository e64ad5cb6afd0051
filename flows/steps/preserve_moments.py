"""The moments of an offence that evidence has to show."""

from __future__ import annotations

from dataclasses import dataclass

from domain.events import OutcomeData, Sighting
from domain.site import BothLanguages

_FIRST = BothLanguages(zh="首次在区域内出现", en="First seen in the place")
_LAST = BothLanguages(zh="最后一次在区域内出现", en="Last seen in the place")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment: its picture's name, what it is called, and what was seen."""

    name: str  # "first", "rung-1", .., "last": a picture is <name>.jpg
    said: str  # for the reasons why something is missing
    title: BothLanguages
    sighting: Sighting


def moments_of(data: OutcomeData) -> list[Moment]:
    """First sighting, each rung that came due or operator's call, and the last sighting."""
    rungs = [
        Moment(
            f"rung-{number}",
            f"step {number}",
            BothLanguages(zh=f"第 {number} 步处置", en=f"Step {number}"),
            each,
        )
        for number, each in enumerate(data.rung_sightings, start=1)
    ]
    first = Moment("first", "first sighting", _FIRST, data.first_sighting)
    return [first, *rungs, Moment("last", "last sighting", _LAST, data.last_sighting)]


def best_sighting(data: OutcomeData) -> Sighting:
    """Where the subject was seen best."""
    return max((each.sighting for each in moments_of(data)), key=lambda each: each.score)
