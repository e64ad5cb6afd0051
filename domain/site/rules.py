"""Rules of the site file: what counts as an offence, and which ladder it climbs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from domain.base import BothLanguages, FrozenModel, Identifier
from domain.site.conditions import Condition


class Rule(FrozenModel):
    """What counts as an offence: a condition that holds for longer than the threshold."""

    id: Identifier
    title: BothLanguages
    category: str | None = Field(
        default=None, description="class and sub-class of the taxonomy, such as street/loitering"
    )
    legal_basis: BothLanguages | None = Field(
        default=None, description="the law and article that the rule stands on"
    )
    severity: Literal["slight", "ordinary", "serious"] = Field(
        default="ordinary",
        description="for sorting, for whose call is next on a speaker, and for what follows an "
        "escalation",
    )
    condition: Condition
    hours: str | None = Field(
        default=None,
        description="when the rule applies, in OpenStreetMap's opening_hours notation, such as "
        "Mo-Fr 08:00-20:00; PH off, in the site's time zone and country; none: always",
    )
    min_score: float = Field(
        default=0.35, ge=0.05, le=1, description="weaker detections are not used"
    )
    threshold_s: float = Field(
        ge=0, description="seconds that the condition holds before an offence opens"
    )
    gap_tolerance_s: float = Field(
        default=2.0, ge=0, description="seconds unseen that do not break the stay"
    )
    restart_tolerance_s: float = Field(
        default=20.0,
        ge=0,
        description="seconds that forewarn itself may have been away from a live camera: whoever is "
        "found again where they stood within gap_tolerance_s after its return is who was there before",
    )
    ladder: str = Field(description="id of the ladder to climb")
    first_time_exempt: bool = Field(
        default=False,
        description="who does it for the first time within the ladder's repeat window is warned "
        "but never escalated",
    )
