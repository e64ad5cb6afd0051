"""Compliance records of cameras: a record decides whether its camera may warn on a day.

A camera without a whole record in force still records and writes offences; it neither warns nor
escalates.
"""

from __future__ import annotations

import datetime as dt
from typing import Self

from pydantic import Field, model_validator

from domain.base import FrozenModel
from domain.fitness import Unfit


class Review(FrozenModel):
    """An examination of the camera, and how long it holds."""

    date: dt.date = Field(description="when it was made; it does not hold before")
    valid_until: dt.date = Field(
        description="the last day on which it holds, in the site's time zone"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.valid_until < self.date:
            raise ValueError(f"valid_until should not be before date, got {self.valid_until}")
        return self


class Compliance(FrozenModel):
    """What must be in order before a camera may warn anybody; what is left out is not in order."""

    location_published: dt.date | None = Field(
        default=None, description="when the camera's place was made public"
    )
    sign_in_place: dt.date | None = Field(
        default=None, description="when the sign that tells of the camera was put up"
    )
    technical_review: Review | None = Field(
        default=None, description="picture, clock and calibration were examined"
    )
    legal_review: Review | None = Field(
        default=None, description="purpose, place and rules were examined"
    )
    allowed_rules: tuple[str, ...] = Field(
        default=(), description="ids of the rules it may warn under; none given: all"
    )


def why_not_fit(record: Compliance | None, rule_id: str | None, on: dt.date) -> tuple[Unfit, ...]:
    """List why a camera may not warn on that day in the site's time zone; () where it may.

    A rule_id of None asks about the camera alone, whatever the rule.
    """
    if record is None:
        return (Unfit.NO_RECORD,)
    reasons = [
        *_since(record.location_published, on, Unfit.LOCATION_UNPUBLISHED),
        *_since(record.sign_in_place, on, Unfit.NO_SIGN),
        *_in_force(
            record.technical_review,
            on,
            Unfit.TECHNICAL_REVIEW_MISSING,
            Unfit.TECHNICAL_REVIEW_LAPSED,
        ),
        *_in_force(record.legal_review, on, Unfit.LEGAL_REVIEW_MISSING, Unfit.LEGAL_REVIEW_LAPSED),
    ]
    if rule_id is not None and record.allowed_rules and rule_id not in record.allowed_rules:
        reasons.append(Unfit.RULE_NOT_ALLOWED)
    return tuple(reasons)


def _since(began: dt.date | None, on: dt.date, reason: Unfit) -> tuple[Unfit, ...]:
    return () if began is not None and began <= on else (reason,)


def _in_force(
    review: Review | None, on: dt.date, missing: Unfit, lapsed: Unfit
) -> tuple[Unfit, ...]:
    if review is None or review.date > on:
        return (missing,)
    return (lapsed,) if review.valid_until < on else ()
