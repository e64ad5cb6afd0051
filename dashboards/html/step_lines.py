"""Lines of text that one step of an offence's history shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.display_names import DisplayNames
from domain.events.catalog import ByHand, EventData


@dataclass(frozen=True, slots=True)
class StepLine:
    """One line of a step."""

    text: str
    css_class: str = "what"  # what, said, detail, spoken, written or not-spoken
    lang: str = ""  # of the text; "" where it is the page's
    address: str = ""  # of the page that it leads to; "" where it is no link


# takes an event's data, of the type that it is listed for
StepFormatter = Callable[[Any, DisplayNames], list[StepLine]]
StepFormatters = Mapping[type[EventData], StepFormatter]


def reason_lines(by_hand: ByHand, names: DisplayNames) -> list[StepLine]:
    """Show an operator's reason; [] where none was given."""
    if not by_hand.reason:
        return []
    return [StepLine(names.say("hand.reason", reason=by_hand.reason), "detail")]
