"""Read the checks that an audit makes of every record: four groups, reasons in two languages."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from domain.base import BothLanguages, FrozenModel
from domain.offence_states import FINAL

_TABLE = Path(__file__).with_name("checks.toml")

Group = Literal["true", "clear", "complete", "accurate"]
GROUPS: dict[Group, BothLanguages] = {
    "true": BothLanguages(zh="真实", en="true"),
    "clear": BothLanguages(zh="清晰", en="clear"),
    "complete": BothLanguages(zh="完整", en="complete"),
    "accurate": BothLanguages(zh="准确", en="accurate"),
}

Value = str | float | bool


class Check(FrozenModel):
    """One thing that must hold for every record where it was measured."""

    id: str
    group: Group
    column: str  # of measurements.py
    title: BothLanguages
    reason: BothLanguages  # when it does not hold; {value} is what was measured
    at_least: float | None = None
    at_most: float | None = None
    pattern: str | None = None
    one_of: tuple[Value, ...] = ()
    unique: bool = False
    may_be_absent: bool = False  # no picture, nothing to measure; `complete` says so already


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of what counts as clear.

    Measured on 65 people of the sample scene (53-111 px tall): sharpness 960 at least, of the same
    crops blurred by 3 px 17 at most; mean brightness 55-177. Between the two, on the safe side.
    """

    min_subject_height_px: float = 40.0
    min_sharpness: float = 100.0  # variance of the Laplacian, 8-bit grey
    min_brightness: float = 25.0  # mean of 8-bit grey
    max_brightness: float = 235.0


def checks(limits: Limits | None = None) -> tuple[Check, ...]:
    """Read every check from checks.toml, in the order shown.

    Args:
        limits: fill the bounds and reasons that name one; None: the usual ones.
    """
    bounds = asdict(limits or Limits())
    rows = tomllib.loads(_TABLE.read_text(encoding="utf-8"))["check"]
    return tuple(Check.model_validate(_filled(row, bounds)) for row in rows)


def _filled(row: dict[str, Any], bounds: dict[str, float]) -> dict[str, Any]:
    named: dict[str, Any] = {
        key: bounds[row[key]] for key in ("at_least", "at_most") if row.get(key) in bounds
    }
    if row.get("one_of") == "final states":
        named["one_of"] = sorted(state.value for state in FINAL)
    # {value} is filled in for each record that fails
    reason = {
        language: text.format(value="{value}", **bounds) for language, text in row["reason"].items()
    }
    return row | named | {"reason": reason}
