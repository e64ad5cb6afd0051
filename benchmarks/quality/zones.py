"""Where the rules of the measurement look, and the site that a clip is watched with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

import yaml

from benchmarks.quality.footage import DARK, SAMPLE
from benchmarks.results import ROOT
from domain.site.site import Site
from domain.site.views import View

Kind = Literal["small", "forecourt", "wide", "views by hand", "whole picture"]
Polygon = tuple[tuple[float, float], ...]

CAMERA = "camera"
MIN_SCORE = 0.3
GAP_TOLERANCE_S = COMPLY_AFTER_S = 2.0
RULES_S = (5.0, 10.0)
# everybody here passes by within three seconds
RULES_OF = {"tud_campus": (0.5, 1.0), "night_square_8f": (1.0,)}

# around the places where people stand, as fractions of the picture; by eye, from the timelines.
# The counter's ends above the lower edge: the foot of somebody cut off by it is not where it seems
_COUNTER: Polygon = ((0.52, 0.72), (0.74, 0.72), (0.74, 0.97), (0.52, 0.97))
ZONES: dict[str, tuple[Polygon, ...]] = {
    "pets_s2l1_a": (
        ((0.46, 0.38), (0.61, 0.38), (0.61, 0.50), (0.46, 0.50)),
        ((0.86, 0.20), (0.98, 0.20), (0.98, 0.34), (0.86, 0.34)),
    ),
    "counter_a": (_COUNTER,),
    "repeat_visit_a": (_COUNTER,),
    "long_dwell_a": (_COUNTER,),
    "counter_a_dark": (_COUNTER,),
}
# all the ground that is seen; above, on the far path of pets_s2l1_a and behind the window of tud_campus,
# are people whom nobody marked
WIDE: Polygon = ((0.02, 0.25), (0.98, 0.25), (0.98, 0.98), (0.02, 0.98))
WIDE_OF: dict[str, Polygon] = {
    "tud_campus": ((0.02, 0.60), (0.98, 0.60), (0.98, 0.98), (0.02, 0.98))
}

# around the zones and the people who stand in them, as somebody would who sets a camera up
_ROOM: View = (0.35, 0.0, 0.92, 1.0)
VIEWS: dict[str, tuple[View, ...]] = {
    "pets_s2l1_a": ((0.36, 0.05, 0.72, 0.60), (0.72, 0.0, 1.0, 0.45)),
    "counter_a": (_ROOM,),
    "repeat_visit_a": (_ROOM,),
    "long_dwell_a": (_ROOM,),
    "counter_a_dark": (_ROOM,),
}

SEVERAL_PEOPLE = ("pets_s2l1_a", "tud_campus", "counter_a", "repeat_visit_a")
CLIPS_OF: dict[Kind, tuple[str, ...]] = {
    "small": tuple(ZONES),
    "forecourt": (SAMPLE,),
    "wide": (*ZONES, "tud_campus"),
    "views by hand": tuple(ZONES),
    "whole picture": tuple(ZONES),
}


@cache
def forecourt() -> Polygon:
    """Return the zone over the forecourt of the sample's site file, which README's demo watches."""
    sample = yaml.safe_load((ROOT / "samples" / "site.yaml").read_text(encoding="utf-8"))
    return tuple((x, y) for x, y in sample["cameras"][0]["zones"][0]["polygon"])


def zones_of(clip: str, kind: Kind) -> tuple[Polygon, ...]:
    """Return the zones that a clip is watched with."""
    if kind == "forecourt":
        return (forecourt(),)
    shown = clip.removesuffix(DARK)
    return (WIDE_OF.get(shown, WIDE),) if kind == "wide" else ZONES[shown]


def rules_of(clip: str) -> tuple[float, ...]:
    """Return for how long somebody may be in the zones, seconds: one for each rule."""
    return RULES_OF.get(clip.removesuffix(DARK), RULES_S)


def site_of(zones: Sequence[Polygon], threshold_s: float, clip: str = "clip") -> Site:
    """Make a site of one camera and one rule: nobody stays in the zones for longer than that.

    Who comes back begins with the second call, as by default.
    """
    both = {"zh": "测试", "en": "test"}
    zone_ids = [f"zone-{row}" for row in range(len(zones))]
    return Site.model_validate(
        {
            "site": {"id": "quality", "title": both, "enforcement": "demonstration"},
            "cameras": [
                {
                    "id": CAMERA,
                    "title": both,
                    "url": f"{clip}.mp4",
                    "zones": [
                        {"id": zone_id, "title": both, "polygon": polygon}
                        for zone_id, polygon in zip(zone_ids, zones, strict=True)
                    ],
                }
            ],
            "ladders": [
                {
                    "id": "calls",
                    "rungs": [
                        {"id": "ask", "after_s": 0, "text": both},
                        {"id": "insist", "after_s": 600, "text": both},
                    ],
                    "escalate_after_s": 600,
                    "comply_after_s": COMPLY_AFTER_S,
                    "repeat_window_s": 600,
                }
            ],
            "rules": [
                {
                    "id": "stay",
                    "title": both,
                    "condition": {"present": {"zones": zone_ids, "classes": ["person"]}},
                    "min_score": MIN_SCORE,
                    "threshold_s": threshold_s,
                    "gap_tolerance_s": GAP_TOLERANCE_S,
                    "ladder": "calls",
                }
            ],
        }
    )
