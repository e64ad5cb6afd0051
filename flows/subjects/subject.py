"""One person or thing, as far as one camera knows: where, how fast, what colours, since when."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from flows.subjects.settings import SubjectSettings


@dataclass(slots=True, eq=False)
class Subject:
    """Times are seconds of the frames' clock, lengths pixels unless they say heights.

    Where it is, is followed by a constant-velocity Kalman filter, one for both axes, whose speed
    fades: people who are out of sight stop or turn more often than they walk on.
    """

    number: int  # 0: none yet, seen in too few frames
    kind: int  # what may be taken for one another: domain class, all vehicles being one
    class_id: int  # of the best sighting
    first_s: float
    last_s: float
    begin_x: float  # middle of the first box
    begin_y: float
    x: float  # middle of the box
    y: float
    width: float
    height: float
    best_score: float
    steady_score: float  # the best of the last seconds, fading
    place_var: float  # squared heights
    speed_var: float  # squared heights per squared second
    place_speed_var: float = 0.0
    speed_x: float = 0.0  # pixels a second
    speed_y: float = 0.0
    hits: int = 1
    sightings: int = 0  # clear views
    looks: np.ndarray | None = None  # (256,) float16, unit length: mean of clear views
    place_x: float = 0.0  # mean over clear views: where they are remembered
    place_y: float = 0.0
    is_decided: bool = False  # whether an earlier number was looked for long enough

    @classmethod
    def begin(
        cls, at_s: float, box: np.ndarray, score: float, class_id: int, settings: SubjectSettings
    ) -> Subject:
        """Somebody new, in one box so far."""
        x1, y1, x2, y2 = (float(value) for value in box)
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
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
            best_score=score,
            steady_score=score,
            place_var=settings.place_sd**2,
            speed_var=settings.speed_sd**2,
        )

    def foresee(self, at_s: float, settings: SubjectSettings) -> tuple[float, float, float]:
        """(x, y, variance in squared heights) of the box's middle at a later time."""
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
        self.x, self.y = x + gain * off_x, y + gain * off_y
        self.speed_x = fade * self.speed_x + speed_gain * off_x
        self.speed_y = fade * self.speed_y + speed_gain * off_y
        self.place_var, self.place_speed_var = (1 - gain) * place_var, (1 - gain) * shared_var
        self.speed_var = speed_var - speed_gain * shared_var
        self.width += settings.size_blend * (x2 - x1 - self.width)
        self.height = max(self.height + settings.size_blend * (y2 - y1 - self.height), 1.0)
        self.hits += 1
        self.last_s = at_s
        faded = self.steady_score * math.exp(-gap_s / settings.score_lasts_s)
        self.steady_score = max(score, faded)
        if score > self.best_score:
            self.best_score, self.class_id = score, class_id

    def look_at(self, looks: np.ndarray, settings: SubjectSettings) -> None:
        """Take in what they look like in a clear view, and where that was."""
        share = 1 / min(self.sightings + 1, settings.looks_memory)
        if self.looks is None:
            self.looks, self.place_x, self.place_y = looks.astype(np.float16), self.x, self.y
        else:
            mean = self.looks.astype(np.float32)
            mean += share * (looks.astype(np.float32) - mean)
            self.looks = (mean / np.linalg.norm(mean)).astype(np.float16)
            self.place_x += share * (self.x - self.place_x)
            self.place_y += share * (self.y - self.place_y)
        self.sightings += 1

    @property
    def box_xyxy(self) -> tuple[float, float, float, float]:
        """Where they are, by all that was seen: steadier than the detector's box."""
        half_width, half_height = self.width / 2, self.height / 2
        return (
            self.x - half_width,
            self.y - half_height,
            self.x + half_width,
            self.y + half_height,
        )


# the detector calls one van now a car and now a truck
_VEHICLES = frozenset((3, 6, 7, 8))  # COCO: car, bus, train, truck


def kind_of(class_id: int) -> int:
    """Class ids that one and the same thing may get share a kind."""
    return 3 if class_id in _VEHICLES else class_id
