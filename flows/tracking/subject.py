"""Follow one person or thing before one camera: where, how fast, what colours, since when."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from pydantic import FiniteFloat, NonNegativeInt

from domain.saved_state import SavedArray
from domain.tracks import SubjectMatch
from flows.tracking.feet import Feet
from flows.tracking.likeness_times import is_due
from flows.tracking.settings import SubjectSettings


@dataclass(slots=True, eq=False)
class Subject:
    """Hold what one camera knows of one person or thing.

    Times are seconds of the frames' clock, lengths pixels unless they say heights.

    Where it is, is followed by a constant-velocity Kalman filter, one for both axes, whose speed
    fades: people who are out of sight stop or turn more often than they walk on.
    """

    number: NonNegativeInt  # 0: none yet, seen in too few frames
    kind: NonNegativeInt  # what may be taken for one another: domain class, all vehicles being one
    class_id: NonNegativeInt  # of the best sighting
    first_s: FiniteFloat
    last_s: FiniteFloat
    begin_x: FiniteFloat  # middle of the first box
    begin_y: FiniteFloat
    x: FiniteFloat  # middle of the box
    y: FiniteFloat
    width: FiniteFloat
    height: FiniteFloat
    best_score: FiniteFloat
    steady_score: FiniteFloat  # the best of the last seconds, fading
    place_var: FiniteFloat  # squared heights
    speed_var: FiniteFloat  # squared heights per squared second
    place_speed_var: FiniteFloat = 0.0
    speed_x: FiniteFloat = 0.0  # pixels a second
    speed_y: FiniteFloat = 0.0
    hits: NonNegativeInt = 1
    sightings: NonNegativeInt = 0  # clear views
    # unit length: mean of clear views
    looks: Annotated[np.ndarray, SavedArray("float16", (256,))] | None = None
    place_x: FiniteFloat = 0.0  # mean over clear views: where they are remembered
    place_y: FiniteFloat = 0.0
    feet: Feet = field(default_factory=Feet)
    is_decided: bool = False  # whether an earlier number was looked for long enough
    # unit length: mean of the likeness model's vectors of some clear views
    likeness: Annotated[np.ndarray, SavedArray("float16", (256,))] | None = None
    likeness_views: NonNegativeInt = 0
    likeness_at_s: FiniteFloat = 0.0  # of the last of them
    match: SubjectMatch | None = None  # whom they are taken for, surely or perhaps
    begin_width: FiniteFloat = 0.0  # of the first box; 0 in states of older programs
    begin_height: FiniteFloat = 0.0
    # numbers of those unseen since then who look the same and may have changed places with them
    doubles: dict[int, FiniteFloat] = field(default_factory=dict)
    # how the middle of the box trembles: squared pixels to the right and down
    shake_var: tuple[FiniteFloat, FiniteFloat] = (0.0, 0.0)
    off: tuple[FiniteFloat, FiniteFloat] = (0.0, 0.0)  # pixels beside where it was foreseen, last

    @classmethod
    def begin(
        cls, at_s: float, box: np.ndarray, score: float, class_id: int, settings: SubjectSettings
    ) -> Subject:
        """Begin somebody new, in one box so far."""
        x1, y1, x2, y2 = (float(value) for value in box)
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        feet = Feet()
        feet.see(at_s, y1, y2)
        return cls(
            number=0,
            kind=kind_of(class_id),
            class_id=class_id,
            first_s=at_s,
            last_s=at_s,
            begin_x=x,
            begin_y=y,
            x=x,
            y=y,
            width=x2 - x1,
            height=max(y2 - y1, 1.0),
            feet=feet,
            best_score=score,
            steady_score=score,
            place_var=settings.place_sd**2,
            speed_var=settings.speed_sd**2,
            begin_width=x2 - x1,
            begin_height=y2 - y1,
        )

    def foresee(self, at_s: float, settings: SubjectSettings) -> tuple[float, float, float]:
        """Return (x, y, variance in squared heights) of the box's middle at a later time."""
        gap_s = at_s - self.last_s
        reach_s = settings.speed_lasts_s * (1 - math.exp(-gap_s / settings.speed_lasts_s))
        variance = (
            self.place_var
            + 2 * reach_s * self.place_speed_var
            + reach_s**2 * self.speed_var
            + settings.turn_var * gap_s**3 / 3
        )
        return self.x + self.speed_x * reach_s, self.y + self.speed_y * reach_s, variance

    def see(
        self, at_s: float, box: np.ndarray, score: float, class_id: int, settings: SubjectSettings
    ) -> None:
        """Take in where they are now."""
        gap_s = at_s - self.last_s
        x, y, place_var = self.foresee(at_s, settings)
        fade = math.exp(-gap_s / settings.speed_lasts_s)
        reach_s = settings.speed_lasts_s * (1 - fade)
        shared_var = fade * (self.place_speed_var + reach_s * self.speed_var)
        shared_var += settings.turn_var * gap_s**2 / 2
        speed_var = fade**2 * self.speed_var + settings.turn_var * gap_s
        total = place_var + settings.place_sd**2
        gain, speed_gain = place_var / total, shared_var / total
        x1, y1, x2, y2 = (float(value) for value in box)
        off_x, off_y = (x1 + x2) / 2 - x, (y1 + y2) / 2 - y
        if gap_s <= settings.recolour_gap_s:
            self._note_shake(off_x, off_y, gap_s, settings)
        self.x, self.y = x + gain * off_x, y + gain * off_y
        self.speed_x = fade * self.speed_x + speed_gain * off_x
        self.speed_y = fade * self.speed_y + speed_gain * off_y
        self.place_var, self.place_speed_var = (1 - gain) * place_var, (1 - gain) * shared_var
        self.speed_var = speed_var - speed_gain * shared_var
        self.width += settings.size_blend * (x2 - x1 - self.width)
        self.height = max(self.height + settings.size_blend * (y2 - y1 - self.height), 1.0)
        self.feet.see(at_s, y1, y2)
        self.hits += 1
        self.last_s = at_s
        faded = self.steady_score * math.exp(-gap_s / settings.score_lasts_s)
        self.steady_score = max(score, faded)
        if score > self.best_score:
            self.best_score, self.class_id = score, class_id

    def _note_shake(
        self, off_x: float, off_y: float, gap_s: float, settings: SubjectSettings
    ) -> None:
        """Take in how far a box was from where it was foreseen, beside the one before: who turns is off evenly."""
        share = 1 - math.exp(-gap_s / settings.shake_lasts_s)
        before_x, before_y = self.off
        var_x, var_y = self.shake_var
        self.shake_var = (
            var_x + share * ((off_x - before_x) ** 2 / 2 - var_x),
            var_y + share * ((off_y - before_y) ** 2 / 2 - var_y),
        )
        self.off = off_x, off_y

    def trembles(self, settings: SubjectSettings) -> bool:
        """Tell whether a box that trembles could be all of their speed."""
        least_x, least_y = (settings.shake_speed * math.sqrt(var) for var in self.shake_var)
        return abs(self.speed_x) < least_x and abs(self.speed_y) < least_y

    def take_up(self, earlier: Subject) -> None:
        """Be somebody who was here before: they came when that one came."""
        self.number, self.is_decided = earlier.number, True
        self.first_s, self.begin_x, self.begin_y = earlier.first_s, earlier.begin_x, earlier.begin_y
        self.begin_width, self.begin_height = earlier.begin_width, earlier.begin_height

    def look_at(self, looks: np.ndarray, settings: SubjectSettings) -> None:
        """Take in what they look like in a clear view, and where that was."""
        share = 1 / min(self.sightings + 1, settings.looks_memory)
        if self.looks is None:
            self.looks, self.place_x, self.place_y = looks.astype(np.float16), self.x, self.y
        else:
            self.looks = _blended(self.looks, looks, share)
            self.place_x += share * (self.x - self.place_x)
            self.place_y += share * (self.y - self.place_y)
        self.sightings += 1

    def take_likeness(self, vector: np.ndarray, at_s: float, settings: SubjectSettings) -> None:
        """Take in the likeness model's vector of a clear view, if it is time for one."""
        if not is_due(self.likeness_views, self.likeness_at_s, at_s):
            return
        share = 1 / min(self.likeness_views + 1, settings.likeness_memory)
        before = vector if self.likeness is None else self.likeness
        self.likeness = _blended(before, vector, share)
        self.likeness_views += 1
        self.likeness_at_s = at_s

    @property
    def may_be(self) -> int:
        """Return the number of whom they perhaps are; 0: of nobody."""
        return 0 if self.match is None or self.match.is_sure else self.match.number

    @property
    def begin_xyxy(self) -> tuple[float, float, float, float]:
        """Return the first box."""
        half_width, half_height = self.begin_width / 2, self.begin_height / 2
        x, y = self.begin_x, self.begin_y
        return x - half_width, y - half_height, x + half_width, y + half_height

    @property
    def box_xyxy(self) -> tuple[float, float, float, float]:
        """Return where they are, by all that was seen: steadier than the detector's box."""
        half_width, half_height = self.width / 2, self.height / 2
        return (
            self.x - half_width,
            self.y - half_height,
            self.x + half_width,
            self.y + half_height,
        )


def _blended(mean: np.ndarray, new: np.ndarray, share: float) -> np.ndarray:
    """Move a mean of unit vectors towards another; (size,) float16 of unit length."""
    wide = mean.astype(np.float32)
    wide += share * (new.astype(np.float32) - wide)
    return (wide / np.linalg.norm(wide)).astype(np.float16)


# the detector calls one van now a car and now a truck
_VEHICLES = frozenset((3, 6, 7, 8))  # COCO: car, bus, train, truck


def kind_of(class_id: int) -> int:
    """Return the kind that class ids share which one and the same thing may get."""
    return 3 if class_id in _VEHICLES else class_id
