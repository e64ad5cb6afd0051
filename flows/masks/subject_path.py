"""Follow the subject through a clip: its record's track, made exact by what is detected."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from domain.events.catalog import Box
from flows.masks.people import Pedestrians, as_box, overlap
from flows.masks.subject import MaskSubject, SubjectKind

# between two known places further apart than this nobody can say where the subject was ..
LONGEST_STEP_S = 2.5
# .. but a thing that is found at its place again was there all the time
STILL_OVERLAP = 0.7
# before the first and after the last known place: as long as detections overlap from one to the next
LEAST_OVERLAP = 0.3
MOST_LOST_S = 0.7


@dataclass(frozen=True, slots=True)
class PathPoint:
    """The subject at a moment of the clip."""

    at_s: float
    box_xyxy: Box


@dataclass(frozen=True, slots=True, eq=False)  # holds arrays
class PeopleSeen:
    """Everybody found in one picture of the clip."""

    at_s: float
    people: Pedestrians
    faces_xyxy: np.ndarray


class SubjectPath:
    """The subject at any moment of a clip, or None where it is not known."""

    def __init__(
        self,
        track: Sequence[PathPoint],
        looks: Sequence[PeopleSeen],
        kind: SubjectKind = "person",
    ) -> None:
        """Join known places with pictures looked at, which make a person's exact; both in order of time."""
        self._kind = kind
        known = {round(place.at_s, 3): place for place in track}
        if kind == "person":
            known |= {round(place.at_s, 3): place for place in _person_seen(track, looks)}
        self._places = sorted(known.values(), key=lambda place: place.at_s)
        self._times_s = [place.at_s for place in self._places]

    def at(self, at_s: float) -> MaskSubject | None:
        """Return the subject at a moment; None: not known, everybody has to be hidden."""
        box = _between(self._places, self._times_s, at_s)
        if box is None and self._kind == "thing":
            box = self._still(at_s)
        return None if box is None else MaskSubject(box, self._kind)

    def _still(self, at_s: float) -> Box | None:
        """Return the place of a thing that was seen there before and after, or a moment ago."""
        row = bisect_right(self._times_s, at_s)
        around = self._places[max(0, row - 1) : row + 1]
        if len(around) == 2 and row:
            before, after = around
            is_still = overlap(np.array([before.box_xyxy]), after.box_xyxy)[0] >= STILL_OVERLAP
            return before.box_xyxy if is_still else None
        near = [place for place in around if abs(place.at_s - at_s) <= LONGEST_STEP_S]
        return near[0].box_xyxy if near else None


def _person_seen(track: Sequence[PathPoint], looks: Sequence[PeopleSeen]) -> Iterator[PathPoint]:
    """Yield where a person was found in the pictures looked at, on the track and from it on."""
    times_s = [place.at_s for place in track]
    for look in looks:
        guess = _between(track, times_s, look.at_s)
        if guess is not None:
            # the detection that the guess means, if there is one
            yield PathPoint(look.at_s, _best(look.people, guess) or guess)
    # of a long stay the track has few places
    for before, after in zip([None, *track], [*track, None], strict=True):
        begins_s = before.at_s if before else float("-inf")
        ends_s = after.at_s if after else float("inf")
        if before and after and ends_s - begins_s <= LONGEST_STEP_S:
            continue
        between = [look for look in looks if begins_s < look.at_s < ends_s]
        if before:
            yield from _follow(before, between)
        if after:
            yield from _follow(after, between[::-1])


def _between(places: Sequence[PathPoint], times_s: list[float], at_s: float) -> Box | None:
    """Interpolate between the places around a moment; None where they are too far apart in time."""
    row = bisect_right(times_s, at_s + 1e-3)
    before = places[row - 1] if row else None
    after = places[row] if row < len(places) else None
    if before is not None and at_s - before.at_s <= 2e-3:
        return before.box_xyxy
    if before is None or after is None or after.at_s - before.at_s > LONGEST_STEP_S:
        return None
    share = (at_s - before.at_s) / (after.at_s - before.at_s)
    mixed = (1 - share) * np.array(before.box_xyxy) + share * np.array(after.box_xyxy)
    return as_box(mixed)


def _best(people: Pedestrians, box: Box) -> Box | None:
    """Return who overlaps a box most; None where nobody does by LEAST_OVERLAP."""
    likeness = overlap(people.boxes_xyxy, box)
    if not len(likeness) or likeness.max() < LEAST_OVERLAP:
        return None
    return as_box(people.boxes_xyxy[int(likeness.argmax())])


def _follow(start: PathPoint, looks: Sequence[PeopleSeen]) -> list[PathPoint]:
    """Go from picture to picture while somebody is found where the subject was."""
    places, last = [], start
    for look in looks:
        if abs(look.at_s - last.at_s) > MOST_LOST_S:
            break
        box = _best(look.people, last.box_xyxy)
        if box is not None:
            last = PathPoint(look.at_s, box)
            places.append(last)
    return places
