"""What all figures on quality share: how they were taken."""

from __future__ import annotations

from typing import Literal

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result

FPS = 5.0  # of stays: the sample site's
MIN_SCORE = 0.3
RULES_S = (5.0, 10.0)
TUNED_ON = ("pets_s2l1_a",)
CLIPS = (
    "counter_a",
    "counter_a_dark",
    "long_dwell_a",
    "pets_s2l1_a",
    "repeat_visit_a",
    "tud_campus",
)


def quality_result(
    result: str,
    value: float,
    unit: str,
    must: float,
    aim: float,
    better: Literal["lower", "higher"] = "lower",
    also: dict[str, float] | None = None,
) -> Result:
    """A figure with what it must and should reach, and on what it was taken."""
    return Result(
        name=result,
        value=round(float(value), 3),
        unit=unit,
        must=must,
        aim=aim,
        better=better,
        conditions={
            "stays_fps": FPS,
            "min_score": MIN_SCORE,
            "rules_s": RULES_S,
            "tuned_on": TUNED_ON,
            "clips": CLIPS,
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also=also or {},
    )
