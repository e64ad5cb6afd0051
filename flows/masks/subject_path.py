"""Where the subject is at every moment of a clip: its record's track, followed in what is detected."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.events import Box
from flows.masks.people import People, overlap

# between two known places further apart than this nobody can say where the subject was
LONGEST_STEP_S = 2.5
# before the first and after the last known place: as long as detections overlap from one to the next
LEAST_OVERLAP = 0.3
MOST_LOST_S = 0.7


@dataclass(frozen=True, slots=True)
class Place:
    """The subject at a moment of the clip."""

    at_s: float
    box_xyxy: Box


@dataclass(frozen=True, slots=True, eq=False)  # holds arrays
class Look:
    """Everybody found in one picture of the clip."""

    at_s: float
    people: People
    faces_xyxy: np.ndarray


class SubjectPath:
    """The subject's box at any moment of a clip, or None where it is not known."""

    def __init__(self, track: Sequence[Place], looks: Sequence[Look]) -> None:
        """Args:
        track: known places, in order of time.
        looks: pictures looked at, in order of time; what is found there makes the places exact.
        """
        known = {round(each.at_s, 3): each for each in track}
        times_s = [place.at_s for place in track]
        for look in looks:
            guess = _between(track, times_s, look.at_s)
            if guess is not None:
                known[round(look.at_s, 3)] = Place(look.at_s, _exact(look.people, guess))
        if track:
            later = [look for look in looks if look.at_s > track[-1].at_s]
            earlier = [look for look in reversed(looks) if look.at_s < track[0].at_s]
            for place in (*_follow(track[-1], later), *_follow(track[0], earlier)):
                known[round(place.at_s, 3)] = place
        self._places = sorted(known.values(), key=lambda place: place.at_s)
        self._times_s = [place.at_s for place in self._places]

    def at(self, at_s: float) -> Box | None:
        """The subject's box at a moment; None: not known, everybody has to be hidden."""
        return _between(self._places, self._times_s, at_s)


def _between(places: Sequence[Place], times_s: list[float], at_s: float) -> Box | None:
    row = bisect_right(times_s, at_s + 1e-3)
    before = places[row - 1] if row else None
    after = places[row] if row < len(places) else None
    if before is not None and at_s - before.at_s <= 2e-3:
        return before.box_xyxy
    if before is None or after is None or after.at_s - before.at_s > LONGEST_STEP_S:
        return None
    share = (at_s - before.at_s) / (after.at_s - before.at_s)
    mixed = (1 - share) * np.array(before.box_xyxy) + share * np.array(after.box_xyxy)
    x0, y0, x1, y1 = mixed.tolist()
    return x0, y0, x1, y1


def _exact(people: People, guess: Box) -> Box:
    """The detection that the guess means, if there is one."""
    best = _best(people, guess)
    return guess if best is None else best


def _best(people: People, box: Box) -> Box | None:
    likeness = overlap(people.boxes_xyxy, box)
    if not len(likeness) or likeness.max() < LEAST_OVERLAP:
        return None
    x0, y0, x1, y1 = people.boxes_xyxy[int(likeness.argmax())].tolist()
    return x0, y0, x1, y1


def _follow(start: Place, looks: Sequence[Look]) -> list[Place]:
    """Go from picture to picture while somebody is found where the subject was."""
    found, last = [], start
    for look in looks:
        if abs(look.at_s - last.at_s) > MOST_LOST_S:
            break
        box = _best(look.people, last.box_xyxy)
        if box is not None:
            last = Place(look.at_s, box)
            found.append(last)
    return found
