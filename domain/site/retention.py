"""Retention terms, by outcome and by the rule's category; none of them without an end."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.base import Fault, FrozenModel, repeated

LONGEST_YEARS = 30
_TERM = re.compile(r"([1-9]\d{0,3}) (hour|day|week|month|year)s?")
_FIXED_S = {"hour": 3600, "day": 86400, "week": 7 * 86400}
_MONTHS = {"month": 1, "year": 12}


def _is_term(text: str) -> str:
    match = _TERM.fullmatch(text)
    if match is None:
        raise ValueError(
            f"needs a number and hours, days, weeks, months or years, such as '30 days', got {text!r}; "
            "nothing is kept without an end: what is needed for longer is held, with a reason"
        )
    if int(match[1]) * _FIXED_S.get(match[2], _MONTHS.get(match[2], 0) * 31 * 86400) > (
        LONGEST_YEARS * 372 * 86400
    ):
        raise ValueError(f"a term is at most {LONGEST_YEARS} years, got {text!r}")
    return text


Term = Annotated[str, AfterValidator(_is_term)]


def _parsed(term: str) -> tuple[int, str]:
    """Split a term into its number and its unit; raises what `_is_term` does."""
    count, unit = _is_term(term).split()
    return int(count), unit.removesuffix("s")


def end_of(term: str, start: datetime) -> datetime:
    """Compute when a term that begins at `start` is over; months and years by the calendar.

    >>> end_of("1 month", datetime(2026, 1, 31)).day
    28
    """
    count, unit = _parsed(term)
    if unit in _FIXED_S:
        return start + timedelta(seconds=count * _FIXED_S[unit])
    months = start.year * 12 + start.month - 1 + count * _MONTHS[unit]
    year, month = divmod(months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


def start_before(term: str, now: datetime) -> datetime:
    """Compute a moment, maybe a few days too early, before which each start's term is over by `now`."""
    count, unit = _parsed(term)
    if unit in _FIXED_S:
        return now - timedelta(seconds=count * _FIXED_S[unit])
    year, month = divmod(now.year * 12 + now.month - 1 - count * _MONTHS[unit], 12)
    day = min(now.day, calendar.monthrange(year, month + 1)[1])
    return now.replace(year=year, month=month + 1, day=day)


_AS_ABOVE = "as in the general terms; none: the general term counts"


class CategoryTerms(FrozenModel):
    """Other terms for the rules of one category; what is not named here follows the general terms."""

    category: str = Field(
        min_length=1,
        description="class, or class and sub-class, of the taxonomy, such as street or street/stall",
    )
    complied: Term | None = Field(default=None, description=_AS_ABOVE)
    lapsed: Term | None = Field(default=None, description=_AS_ABOVE)
    exempted: Term | None = Field(default=None, description=_AS_ABOVE)
    dismissed: Term | None = Field(default=None, description=_AS_ABOVE)
    unknown: Term | None = Field(default=None, description=_AS_ABOVE)
    escalated: Term | None = Field(default=None, description=_AS_ABOVE)
    other: Term | None = Field(default=None, description=_AS_ABOVE)


class RingLimits(FrozenModel):
    """How much of a camera's running recording is kept; the oldest goes first."""

    hours: float = Field(default=72.0, gt=0, le=24 * 366, description="older footage goes")
    gib_per_camera: float = Field(
        default=20.0, gt=0, description="GiB of footage a camera, pinned footage included"
    )

    @property
    def max_bytes(self) -> int:
        """Return the limit in bytes."""
        return int(self.gib_per_camera * 1024**3)


class Retention(FrozenModel):
    """After which time what is erased by itself, counted from when it was sealed or written.

    A term is a number and hours, days, weeks, months or years. Who needs something for longer holds
    it (`forewarn evidence hold`), with a reason and an owner.
    """

    complied: Term = Field(default="30 days", description="left after a call")
    lapsed: Term = Field(default="7 days", description="left before anything was said")
    exempted: Term = Field(default="30 days", description="stayed, and was let off the first time")
    dismissed: Term = Field(default="30 days", description="an operator said that it is none")
    unknown: Term = Field(default="30 days", description="nobody can say what came of it")
    escalated: Term = Field(
        default="2 years", description="a person was sent: it may become a case"
    )
    other: Term = Field(
        default="30 days", description="any outcome that is not named here, such as merged"
    )
    categories: tuple[CategoryTerms, ...] = Field(
        default=(), description="other terms for the rules of some categories"
    )
    events: Term = Field(
        default="2 years",
        description="what was decided, in the event log; an offence's story stays as long as its "
        "evidence, if that is longer",
    )
    announcements: Term = Field(
        default="90 days",
        description="sounds that were spoken, and notes of calls; a record keeps its own copy",
    )
    recordings: RingLimits = Field(
        default=RingLimits(), description="how much running footage is kept, pinned or not"
    )

    def term_of(self, outcome: str, category: str | None) -> tuple[str, str]:
        """Look up how long a record is kept, and which line of the site file says so.

        The outcome is the ladder's state at the end, the category its rule's; None: it has none.
        """
        name = outcome if outcome in _OUTCOMES else "other"
        for terms in self._nearest_first(category):
            term = getattr(terms, name)
            if term is not None:
                return str(term), f"retention.categories[{terms.category}].{name}"
        return str(getattr(self, name)), f"retention.{name}"

    def _nearest_first(self, category: str | None) -> list[CategoryTerms]:
        if category is None:
            return []
        whole = f"{category}/"
        fitting = [terms for terms in self.categories if whole.startswith(f"{terms.category}/")]
        return sorted(fitting, key=lambda terms: -len(terms.category))


def repeated_categories(retention: Retention) -> Iterator[Fault]:
    """Yield the categories whose terms stand there twice."""
    for row, category in repeated([terms.category for terms in retention.categories]):
        words = f"each category should be there once, {category!r} came before"
        yield ("retention", "categories", row, "category"), words


_OUTCOMES = frozenset(CategoryTerms.model_fields) - {"category"}
