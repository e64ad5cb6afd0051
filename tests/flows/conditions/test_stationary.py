"""What stands is told from its boxes, whatever one of them, or half of one, says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from people import stamp

from domain.coco_classes import COCO_IDS
from domain.saved_state import StateFormat
from domain.site.cameras import Camera
from domain.site.conditions import Condition as Settings
from domain.tracks import SubjectLink, SubjectMatch, TrackedFrame
from flows.conditions.build import build_condition
from flows.conditions.condition import Box, Evaluator, Holding, Memory, Scene
from flows.conditions.verdict import Verdict

NO, UNKNOWN, YES = Verdict.DOES_NOT_HOLD, Verdict.NOT_KNOWN, Verdict.HOLDS
NAMES = {"zh": "名", "en": "Name"}
CAR: Box = (100.0, 100.0, 200.0, 160.0)
HALF: Box = (100.0, 100.0, 135.0, 160.0)  # a lorry passes
THERE: Box = (300.0, 100.0, 400.0, 160.0)
OUT: Box = (500.0, 100.0, 600.0, 160.0)
MEMORY_FORMAT = StateFormat[Memory](Memory)


@pytest.fixture
def condition() -> Evaluator:
    lot = [[0.0, 0.0], [0.6, 0.0], [0.6, 1.0], [0.0, 1.0]]
    camera = Camera.model_validate(
        {
            "id": "north",
            "title": NAMES,
            "url": "clip.mp4",
            "zones": [{"id": "lot", "title": NAMES, "polygon": lot}],
        }
    )
    settings = {"stationary": {"zones": ["lot"], "classes": ["car"]}}
    made = build_condition(Settings.model_validate(settings), camera)
    assert made is not None
    return made


def look(condition: Evaluator, memory: Memory, at_s: float, box: Box, number: int = 1) -> Holding:
    frame = TrackedFrame(
        frame=stamp(at_s),
        boxes_xyxy=np.array([box], np.float32),
        scores=np.array([0.8], np.float32),
        class_ids=np.array([COCO_IDS["car"]]),
        track_ids=np.array([number]),
    )
    (holding,) = condition.look(Scene(frame), memory)
    return holding


def over_time(
    condition: Evaluator, box_at: Callable[[float], Box], until_s: float, fps: float = 5
) -> list[tuple[float, Verdict]]:
    memory: Memory = {}
    told = []
    for n in range(round(until_s * fps) + 1):
        told.append((n / fps, look(condition, memory, n / fps, box_at(n / fps)).verdict))
        memory = MEMORY_FORMAT.restore(MEMORY_FORMAT.save(memory))
    return told


def test_who_settles_is_not_known_then_stands(condition: Evaluator) -> None:
    told = over_time(condition, lambda at_s: CAR, 4)
    assert {verdict for at_s, verdict in told if at_s < 2} == {UNKNOWN}
    assert {verdict for at_s, verdict in told if at_s >= 2} == {YES}


@pytest.mark.parametrize("fps", [1, 2, 5, 25])
def test_one_bad_box_moves_nothing(condition: Evaluator, fps: int) -> None:
    bad = {8.0: THERE, 12.0: HALF, 16.0: OUT}
    told = over_time(condition, lambda at_s: bad.get(at_s, CAR), 20, fps)
    assert {at_s for at_s, verdict in told if at_s >= 3 and verdict is not YES} == set(bad)
    assert all(verdict is UNKNOWN for at_s, verdict in told if at_s in bad)


def test_two_short_excursions_are_no_move(condition: Evaluator) -> None:
    """Whoever is back in place begins anew to be away."""

    def box_at(at_s: float) -> Box:
        return THERE if 10 <= at_s < 10.8 or 13 <= at_s < 13.8 else CAR

    told = over_time(condition, box_at, 20)
    assert NO not in {verdict for _, verdict in told}


@pytest.mark.parametrize("hidden_s", [0.4, 1.5, 6.0, 20.0])
def test_half_hidden_is_no_move(condition: Evaluator, hidden_s: float) -> None:
    told = over_time(condition, lambda at_s: HALF if 10 <= at_s < 10 + hidden_s else CAR, 40)
    assert NO not in {verdict for _, verdict in told}
    assert told[-1][1] is YES


def test_a_box_that_trembles_stands(condition: Evaluator) -> None:
    rng = np.random.default_rng(5)

    def trembling(at_s: float) -> Box:
        x1, y1, x2, y2 = (np.array(CAR) + rng.normal(0, 3, 4)).tolist()
        return x1, y1, x2, y2

    told = over_time(condition, trembling, 60)
    assert {verdict for at_s, verdict in told if at_s >= 3} == {YES}


def test_who_has_moved_on_is_told_so_and_stands_again_where_it_settles(
    condition: Evaluator,
) -> None:
    memory: Memory = {}
    for n in range(26):
        look(condition, memory, n / 5, CAR)
    moving = [
        look(condition, memory, 5.2 + n / 5, (100 + 16 * n, 100, 200 + 16 * n, 160))
        for n in range(16)
    ]
    assert [each.verdict for each in moving[:3]] == [YES, YES, UNKNOWN]
    assert (moving[-1].verdict, moving[-1].basis) == (NO, "moved")
    stood = [look(condition, memory, 8.4 + n / 5, (340, 100, 440, 160)) for n in range(16)]
    assert stood[0].verdict is NO and stood[-1].verdict is YES


def test_who_drives_out_of_the_zone_is_seen_outside(condition: Evaluator) -> None:
    memory: Memory = {}
    for n in range(26):
        look(condition, memory, n / 5, CAR)
    for n in range(16):
        out = look(condition, memory, 5.2 + n / 5, OUT)
    assert (out.verdict, out.basis) == (NO, "seen outside the zone")


def test_who_is_recognised_stands_where_it_stood(condition: Evaluator) -> None:
    memory: Memory = {}
    for n in range(26):
        look(condition, memory, n / 5, CAR)
    assert look(condition, memory, 7, CAR, number=2).verdict is UNKNOWN
    condition.renumber(
        SubjectLink(1, 2, SubjectMatch(1, "occlusion", 2.0, 0.9, 1.0, 0.005, True)), memory
    )
    assert list(memory) == ["1"]
    assert look(condition, memory, 7.2, CAR).verdict is YES


def test_what_an_older_version_remembered_begins_anew(condition: Evaluator) -> None:
    memory: Memory = {"1": (150.0, 130.0, 0.0, 0.0)}
    assert look(condition, memory, 1, CAR).verdict is UNKNOWN
    assert look(condition, memory, 3, CAR).verdict is YES


def test_what_is_not_seen_any_more_is_forgotten(condition: Evaluator) -> None:
    memory: Memory = {}
    look(condition, memory, 0, CAR, number=1)
    look(condition, memory, 31, CAR, number=2)
    assert list(memory) == ["2"]
