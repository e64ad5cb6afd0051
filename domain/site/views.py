"""Views: parts of a camera's picture that are looked at closely."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from domain.base import Fraction01

LEAST_SIDE = 0.05  # of the picture's; a smaller part shows nobody whole


def _is_a_part(view: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = view
    if right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
        raise ValueError(
            f"a view should be [left, top, right, bottom], {LEAST_SIDE:g} wide and high at least, "
            f"got {list(view)}"
        )
    return view


View = Annotated[tuple[Fraction01, Fraction01, Fraction01, Fraction01], AfterValidator(_is_a_part)]


def _none_is_whole(views: Any) -> Any:
    return "whole" if views == [] or views == () else views


Views = Annotated[
    Literal["automatic", "whole"] | Annotated[tuple[View, ...], Field(max_length=8)],
    BeforeValidator(_none_is_whole),
]


def is_in_view(point: tuple[float, float], views: Iterable[View]) -> bool:
    """Tell whether a point of the picture (fractions) lies in one of the views, edges included."""
    x, y = point
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in views)
