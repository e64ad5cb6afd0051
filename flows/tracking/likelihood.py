"""Say what a likeness is worth: how much more probable it is for one person, seen again, than for two.

People look alike more or less by chance: how much depends on what describes them, on how much of it could be
seen, on whom else this camera sees, and on how many are dressed alike. A likeness beyond all that says much;
in the dark, or among uniforms, none does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import FiniteFloat, NonNegativeInt

from domain.tracks import ComparedBy
from flows.tracking.colours import SIZE, lightness
from flows.tracking.likeness_times import ENOUGH_VIEWS
from flows.tracking.matching import similarities
from flows.tracking.subject import Subject

MOST_ALIKE = 0.995  # beyond it, noise decides
LEAST_DENSITY = 1e-9
PRIOR_PAIRS = 20  # of people: for so many counts what other cameras showed
MOST_PAIRS = 500  # older ones count less and less
PRIOR_PEOPLE = 20
NO_LOOKS = np.zeros(SIZE, np.float16)


@dataclass(frozen=True, slots=True)
class Spread:
    """Hold mean and standard deviation of similarities, on the stretched scale (`stretched`)."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True, eq=False)
class LikenessKind:
    """Describe one kind of likeness: where it is kept, and how alike people are in it.

    The figures are of the clips that benchmarks/reports/quality.md names.
    """

    name: ComparedBy
    one_person: Spread  # before and after a gap
    strangers: Spread  # different people; their mean until this camera has shown how it is here
    doubles: Spread  # different people in the same clothes
    doubles_share: float  # of pairs of different people: a guess, for the clips have no uniforms
    enough_views: int  # from so many on, who returns may be known by it
    views: Callable[[Subject], int]  # how many clear views it rests on; 0: not known
    # (n, m) similarities of each with each; nan: not known
    alike: Callable[[Sequence[Subject], Sequence[Subject]], np.ndarray]
    says: Callable[[Sequence[Subject]], np.ndarray]  # (n,) how much it can say of each, in [0, 1]


def _by_colours(known: Sequence[Subject], subjects: Sequence[Subject]) -> np.ndarray:
    looks = [NO_LOOKS if each.looks is None else each.looks for each in subjects]
    return similarities(known, np.array(looks).reshape(-1, SIZE), len(subjects))


def _colours_say(subjects: Sequence[Subject]) -> np.ndarray:
    looks = [NO_LOOKS if each.looks is None else each.looks for each in subjects]
    # black clothes at day say half, and what is lit by the moon next to nothing
    return lightness(np.array(looks).reshape(-1, SIZE)) ** 2


# colours cannot tell people apart who are dressed alike
COLOURS = LikenessKind(
    name="colours",
    one_person=Spread(1.45, 0.35),
    strangers=Spread(0.8, 0.35),
    doubles=Spread(1.45, 0.35),
    doubles_share=0.05,
    enough_views=5,
    views=lambda subject: subject.sightings,
    alike=_by_colours,
    says=_colours_say,
)


def _by_model(known: Sequence[Subject], subjects: Sequence[Subject]) -> np.ndarray:
    alike = np.full((len(known), len(subjects)), np.nan, np.float32)
    rows, ours = _with_likeness(known)
    columns, theirs = _with_likeness(subjects)
    if rows and columns:
        alike[np.ix_(rows, columns)] = ours @ theirs.T
    return alike


def _with_likeness(subjects: Sequence[Subject]) -> tuple[list[int], np.ndarray]:
    """Return whose vectors are known, and those, (k, 256) float32."""
    rows = [row for row, each in enumerate(subjects) if each.likeness is not None]
    return rows, np.array([subjects[row].likeness for row in rows], np.float32)


# the optional model that tells people apart (models/likeness), in means of two views and more of the little
# picture; doubles: with everybody's clothes painted one colour (.37, .12 there; no clip has real uniforms)
MODEL = LikenessKind(
    name="model",
    one_person=Spread(0.95, 0.28),
    strangers=Spread(0.3, 0.15),
    doubles=Spread(0.45, 0.15),
    doubles_share=0.05,
    enough_views=ENOUGH_VIEWS,
    views=lambda subject: subject.likeness_views,
    alike=_by_model,
    says=lambda subjects: np.array([each.likeness is not None for each in subjects], np.float64),
)

KINDS = (MODEL, COLOURS)  # the first that is known of both is used


@dataclass(slots=True)
class UsualLikeness:
    """Remember how alike different people are before one camera, from those seen at the same time."""

    pairs: NonNegativeInt = 0
    mean: FiniteFloat = 0.0  # of stretched similarities

    def note(self, similarity: float) -> None:
        """Take in a pair of people who cannot be the same."""
        self.pairs = min(self.pairs + 1, MOST_PAIRS)
        self.mean += (float(stretched(similarity)) - self.mean) / self.pairs

    def among(self, kind: LikenessKind) -> float:
        """Return the stretched similarity that strangers have here."""
        known = PRIOR_PAIRS * kind.strangers.mean + self.pairs * self.mean
        return known / (PRIOR_PAIRS + self.pairs)

    def typical(self, kind: LikenessKind) -> float:
        """Return the similarity that strangers have here, in [-1, 1]."""
        return math.tanh(self.among(kind))


def stretched(similarity: float | np.ndarray) -> np.ndarray:
    """Return similarities on a scale without end, on which equal steps mean about as much."""
    return np.arctanh(np.clip(np.asarray(similarity, np.float64), -MOST_ALIKE, MOST_ALIKE))


def likelihood_ratio(
    similarity: float | np.ndarray,
    kind: LikenessKind,
    usual: UsualLikeness,
    *,
    says: float | np.ndarray = 1.0,
    as_alike: int | np.ndarray = 0,
    asked: int | np.ndarray = 0,
) -> np.ndarray:
    """Return how much more probable similarities are for one person than for two, in the shape of the similarities.

    Args:
        similarity: of two looks.
        kind: what the looks are.
        usual: how alike strangers are before this camera.
        says: how much the looks can say, in [0, 1].
        as_alike: how many others, who are somebody else, look about as much like it,
        asked: of how many seen lately.
    """
    # hardly anybody is more alike than that, even to themselves
    at = np.minimum(stretched(similarity), kind.one_person.mean + 2 * kind.one_person.sd)
    strangers = Spread(usual.among(kind), kind.strangers.sd)
    # with little to see, different people are as alike as one and the same
    from_one = _density(at, kind.one_person, kind.one_person, says)
    from_stranger = _density(at, kind.one_person, strangers, says)
    from_double = _density(at, kind.one_person, kind.doubles, says)
    alike = as_alike / (PRIOR_PEOPLE + asked)
    doubles = kind.doubles_share * PRIOR_PEOPLE / (PRIOR_PEOPLE + asked)
    other = alike * from_one + doubles * from_double + (1 - alike - doubles) * from_stranger
    return np.asarray(from_one / np.maximum(other, LEAST_DENSITY))


def _density(at: np.ndarray, one: Spread, other: Spread, share: float | np.ndarray) -> np.ndarray:
    """Return the density, but for a factor, of a normal distribution between two; share 0: the one, 1: the other."""
    mean, sd = one.mean + share * (other.mean - one.mean), one.sd + share * (other.sd - one.sd)
    return np.asarray(np.exp(-(((at - mean) / sd) ** 2) / 2) / sd)
