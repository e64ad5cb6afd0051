"""Three answers to whether a condition holds: it does, it does not, and nobody can say (yet)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NoReturn


class Verdict(IntEnum):
    """Answer whether a condition holds for a subject in one frame.

    Ordered as Kleene's logic has it: of several, all of them are as the least, any of them as the
    greatest. It has no truth value of its own: compare it.
    """

    DOES_NOT_HOLD = 0  # seen, and not so
    NOT_KNOWN = 1  # settling, half hidden, or the picture there cannot be judged
    HOLDS = 2

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict has three values: compare it with Verdict.HOLDS")

    @classmethod
    def of(cls, holds: bool) -> Verdict:
        """Return the verdict on something that is known."""
        return cls.HOLDS if holds else cls.DOES_NOT_HOLD


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Join by "and": HOLDS where all do, DOES_NOT_HOLD where one does not, else NOT_KNOWN."""
    return min(verdicts)


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Join by "or": HOLDS where one does, DOES_NOT_HOLD where none does, else NOT_KNOWN."""
    return max(verdicts)
