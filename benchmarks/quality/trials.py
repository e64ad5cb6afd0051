"""Three made scenes in which somebody is said to have complied who stands there all the time.

A parked car of which one box is half hidden; somebody hidden for two seconds who comes back under a
number of their own; somebody recognised after they crossed a line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.quality.crowd import made_stamp
from benchmarks.quality.figures import quality_result
from benchmarks.quality.stays import LEFT
from benchmarks.quality.zones import CAMERA, MIN_SCORE
from benchmarks.results import Result
from domain.detections import Detections
from domain.events.catalog import OutcomeData
from domain.rule_key import RuleKey
from domain.site.site import Site
from domain.tracks import SubjectLink, SubjectMatch, TrackedFrame
from flows.escalation.watched_rule import watch_of
from flows.tracking.track import CameraTracker

FPS = 5.0
PERSON, CAR = 1, 3
Box = tuple[float, float, float, float]
Seen = list[tuple[int, Box]]  # number, box
HERE: Box = (100.0, 100.0, 130.0, 180.0)
PARKED: Box = (100.0, 100.0, 200.0, 160.0)
HALF_HIDDEN: Box = (100.0, 100.0, 135.0, 160.0)

Tell = Callable[[str], None]


def measure(tell: Tell) -> list[Result]:
    """Count the outcomes that say that somebody left; nobody did."""
    told = {}
    for words, scene in SCENES.items():
        outcomes = scene()
        told[words] = sum(outcome in LEFT for outcome in outcomes)
        tell(f"  {words}: {', '.join(outcomes) or 'no outcome'}")
    also = {words: float(count) for words, count in told.items()}
    return [
        quality_result("false_complied_trials", sum(told.values()), "in 3 scenes", 0, 0, also=also)
    ]


def half_hidden_car() -> list[str]:
    """Let one box of a parked car be half as wide, through the real tracker."""
    condition = {"stationary": {"zones": ["lot"], "classes": ["car"]}}
    tracker = CameraTracker(FPS, MIN_SCORE, class_ids=[CAR])
    frames = []
    for number in range(int(40 * FPS) + 1):
        at_s = number / FPS
        box = HALF_HIDDEN if 20 <= at_s < 20.2 else PARKED
        seen = Detections(
            frame=made_stamp(at_s, number),
            boxes_xyxy=np.array([box], np.float32),
            scores=np.array([0.9], np.float32),
            class_ids=np.array([CAR], np.int64),
        )
        tracked = tracker.update(seen)
        assert tracked is not None
        frames.append(tracked)
    return _outcomes(condition, frames, threshold_s=5)


def two_numbers_of_one() -> list[str]:
    """Let somebody be warned, be hidden, be warned under a second number, and be recognised."""
    link = SubjectLink(1, 2, SubjectMatch(1, "occlusion", 2.0, 0.95, 1.0, 0.005, True))

    def seen(at_s: float) -> Seen:
        if 2 <= at_s < 4:
            return []
        return [(2 if 4 <= at_s < 5.4 else 1, HERE)]

    frames = _tracked(seen, 14, {5.4: link})
    return _outcomes({"present": {"zones": ["lot"]}}, frames, threshold_s=1, gap_tolerance_s=5)


def recognised_beyond_the_line() -> list[str]:
    """Let somebody cross a line under a new number, be recognised there, and stay."""
    link = SubjectLink(1, 2, SubjectMatch(1, "return", 38.0, 0.9, 1.0, 0.005, True))

    def seen(at_s: float) -> Seen:
        if at_s < 2:
            return [(1, HERE)]
        if at_s < 40:
            return []
        x = min(100 + 160 * (at_s - 40), 600)
        return [(2 if at_s < 43 else 1, (x, 100.0, x + 30, 180.0))]

    frames = _tracked(seen, 60, {43.0: link})
    condition = {"line_crossed": {"lines": ["line"], "direction": "either"}}
    return _outcomes(condition, frames, threshold_s=0)


SCENES: dict[str, Callable[[], list[str]]] = {
    "half a box of a parked car": half_hidden_car,
    "two numbers of one person": two_numbers_of_one,
    "recognised beyond the line": recognised_beyond_the_line,
}


def _tracked(
    seen: Callable[[float], Seen], until_s: float, links: dict[float, SubjectLink]
) -> list[TrackedFrame]:
    """Make the frames that a tracker gives who numbers like that."""
    frames = []
    for number in range(int(until_s * FPS) + 1):
        at_s = number / FPS
        who = seen(at_s)
        link = next((link for link_s, link in links.items() if abs(link_s - at_s) < 1e-6), None)
        frames.append(
            TrackedFrame(
                frame=made_stamp(at_s, number),
                boxes_xyxy=np.array([box for _, box in who], np.float32).reshape(-1, 4),
                scores=np.full(len(who), 0.9, np.float32),
                class_ids=np.full(len(who), PERSON, np.int64),
                track_ids=np.array([number for number, _ in who], np.int64),
                links=() if link is None else (link,),
            )
        )
    return frames


def _outcomes(
    condition: dict[str, Any],
    frames: Sequence[TrackedFrame],
    *,
    threshold_s: float,
    gap_tolerance_s: float = 2.0,
) -> list[str]:
    """Return the states in which offences ended; those that go on are in none."""
    both = {"zh": "测试", "en": "test"}
    lot = {"id": "lot", "title": both, "polygon": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    line = {"id": "line", "title": both, "points": [[0.5, 0], [0.5, 1]]}
    site = Site.model_validate(
        {
            "site": {"id": "trials", "title": both, "enforcement": "demonstration"},
            "cameras": [
                {"id": CAMERA, "title": both, "url": "x.mp4", "zones": [lot], "lines": [line]}
            ],
            "ladders": [
                {
                    "id": "calls",
                    "rungs": [{"id": "ask", "after_s": 0, "text": both}],
                    "escalate_after_s": 600,
                    "comply_after_s": 1,
                }
            ],
            "rules": [
                {
                    "id": "rule",
                    "title": both,
                    "condition": condition,
                    "threshold_s": threshold_s,
                    "gap_tolerance_s": gap_tolerance_s,
                    "ladder": "calls",
                }
            ],
        }
    )
    watch = watch_of(site, RuleKey(CAMERA, "rule"))
    events = [event for frame in frames for event in watch.step(frame)]
    return [event.data.state for event in events if isinstance(event.data, OutcomeData)]
