"""What rules look for, on plain tracked frames."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from people import stamp
from pydantic import ValidationError

from domain.classes import COCO_IDS
from domain.conditions import Condition as Settings
from domain.errors import Stop
from domain.site import Camera
from domain.tracks import TrackedFrame
from flows.conditions.build import build_condition
from flows.conditions.condition import Condition, Holding, Memory, Scene

NAMES = {"zh": "名", "en": "Name"}
WIDTH_PX, HEIGHT_PX = 768, 576

Person = tuple[int, float, float]  # number, foot x and y as fractions of the picture


def camera(**more: Any) -> Camera:
    """A camera with a zone in the middle, one on the left, and a line down the middle."""
    middle = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
    left = [[0.0, 0.4], [0.2, 0.4], [0.2, 0.6], [0.0, 0.6]]
    return Camera.model_validate(
        {
            "id": "north",
            "title": NAMES,
            "url": "clip.mp4",
            "zones": [
                {"id": "middle", "title": NAMES, "polygon": middle},
                {"id": "left", "title": NAMES, "polygon": left},
            ],
            "lines": [{"id": "door", "title": NAMES, "points": [[0.5, 0.9], [0.5, 0.1]]}],
            **more,
        }
    )


def build(settings: dict[str, Any], given: Camera | None = None) -> Condition:
    condition = build_condition(Settings.model_validate(settings), given or camera())
    assert condition is not None
    return condition


def scene(at_s: float, people: list[Person], names: tuple[str, ...] = ()) -> Scene:
    """People of 30 x 80 px at these feet."""
    boxes = [
        [x * WIDTH_PX - 15, y * HEIGHT_PX - 80, x * WIDTH_PX + 15, y * HEIGHT_PX]
        for _, x, y in people
    ]
    n = len(people)
    return Scene(
        TrackedFrame(
            frame=stamp(at_s),
            boxes_xyxy=np.array(boxes, np.float32).reshape(n, 4),
            scores=np.full(n, 0.8, np.float32),
            class_ids=np.array([COCO_IDS[name] for name in names or ["person"] * n], np.int64),
            track_ids=np.array([number for number, _, _ in people], np.int64),
        )
    )


def who_holds(said: list[Holding]) -> list[str]:
    return [each.subject for each in said if each.holds]


def over_time(condition: Condition, scenes: list[Scene]) -> list[list[str]]:
    """Who holds in each frame; what is remembered is saved and read back in between."""
    memory: Memory = {}
    told = []
    for each in scenes:
        told.append(who_holds(condition.look(each, memory)))
        memory = pickle.loads(pickle.dumps(memory))
    return told


def test_present_is_decided_by_the_foot() -> None:
    condition = build({"present": {"zones": ["middle"]}})
    said = condition.look(scene(0, [(1, 0.5, 0.5), (2, 0.5, 0.65), (3, 0.1, 0.5)]), {})
    assert who_holds(said) == ["1"]
    assert [each.subject for each in said] == ["1", "2", "3"]


def test_present_by_share_needs_so_much_of_the_box() -> None:
    half_in = [(1, 0.5, 0.6 + 40 / HEIGHT_PX)]
    for share, expected in ((0.45, ["1"]), (0.55, [])):
        settings = {"zones": ["middle"], "by": "share", "min_share": share}
        condition = build({"present": settings})
        assert who_holds(condition.look(scene(0, half_in), {})) == expected


def test_present_in_either_of_two_zones_names_the_right_one() -> None:
    condition = build({"present": {"zones": ["middle", "left"]}})
    said = condition.look(scene(0, [(1, 0.5, 0.5), (2, 0.1, 0.5)]), {})
    assert [(each.subject, each.place_id) for each in said] == [("1", "middle"), ("2", "left")]


def test_only_the_wanted_classes_count() -> None:
    condition = build({"present": {"zones": ["middle"], "classes": ["car", "truck"]}})
    said = condition.look(scene(0, [(1, 0.5, 0.5), (2, 0.5, 0.5)], ("person", "car")), {})
    assert who_holds(said) == ["2"]


def test_absent_holds_for_the_place_while_nobody_is_there() -> None:
    condition = build({"absent": {"zones": ["middle"]}})
    assert over_time(
        condition,
        [scene(0, []), scene(1, [(1, 0.1, 0.5)]), scene(2, [(1, 0.5, 0.5)]), scene(3, [])],
    ) == [["middle"], ["middle"], [], ["middle"]]


def test_at_least_counts_everybody_in_the_zones() -> None:
    condition = build({"at_least": {"zones": ["middle", "left"], "count": 3}})
    three = [(1, 0.5, 0.5), (2, 0.45, 0.5), (3, 0.1, 0.5)]
    assert who_holds(condition.look(scene(0, three[:2]), {})) == []
    (holding,) = condition.look(scene(1, three), {})
    assert holding.holds
    assert holding.subject == "middle"
    assert holding.box_xyxy[0] == pytest.approx(0.1 * WIDTH_PX - 15, abs=0.01)


def test_stationary_is_somebody_who_stands_and_nobody_who_strolls() -> None:
    condition = build({"stationary": {"zones": ["middle"]}})
    times = [n / 5 for n in range(30)]
    told = over_time(
        condition,
        [
            scene(t, [(1, 0.5 + 0.002 * (-1) ** n, 0.5), (2, 0.42 + 0.03 * t, 0.5)])
            for n, t in enumerate(times)
        ],
    )
    assert told[9] == []
    assert set(map(tuple, told[11:])) == {("1",)}


def test_somebody_who_moves_on_stands_no_more() -> None:
    condition = build({"stationary": {"zones": ["middle"]}})
    stood = [scene(n / 5, [(1, 0.45, 0.5)]) for n in range(16)]
    moved = [scene(3.2 + n / 5, [(1, 0.55, 0.5)]) for n in range(16)]
    told = over_time(condition, stood + moved)
    assert told[15] == ["1"]
    assert told[16] == []
    assert told[-1] == ["1"]


@pytest.mark.parametrize(
    ("direction", "path", "expected"),
    [
        ("either", [0.4, 0.6], [False, True]),
        ("left to right", [0.4, 0.6], [False, True]),
        ("left to right", [0.6, 0.4], [False, False]),
        ("right to left", [0.6, 0.4], [False, True]),
        ("right to left", [0.4, 0.6], [False, False]),
        ("left to right", [0.4, 0.6, 0.7, 0.4], [False, True, True, False]),
        ("either", [0.4, 0.45, 0.49], [False, False, False]),
    ],
)
def test_a_line_is_crossed_in_its_direction(
    direction: str, path: list[float], expected: list[bool]
) -> None:
    condition = build({"line_crossed": {"lines": ["door"], "direction": direction}})
    told = over_time(condition, [scene(n / 5, [(7, x, 0.5)]) for n, x in enumerate(path)])
    assert [who == ["7"] for who in told] == expected


def test_walking_round_the_end_of_a_line_is_no_crossing() -> None:
    condition = build({"line_crossed": {"lines": ["door"]}})
    path = [(0.4, 0.5), (0.4, 0.95), (0.6, 0.95), (0.6, 0.5)]
    told = over_time(condition, [scene(n / 5, [(7, x, y)]) for n, (x, y) in enumerate(path)])
    assert told == [[]] * 4


def test_all_joins_a_subject_with_a_place() -> None:
    """A car stands in the left zone while nobody is in the middle one."""
    car = {"present": {"zones": ["left"], "classes": ["car"]}}
    condition = build({"all": [car, {"absent": {"zones": ["middle"]}}]})
    alone = scene(0, [(5, 0.1, 0.5)], ("car",))
    watched = scene(1, [(5, 0.1, 0.5), (6, 0.5, 0.5)], ("car", "person"))
    assert over_time(condition, [alone, watched]) == [["5"], []]


def test_any_holds_where_one_part_does() -> None:
    condition = build(
        {"any": [{"present": {"zones": ["left"]}}, {"line_crossed": {"lines": ["door"]}}]}
    )
    path = [(1, 0.1, 0.5), (1, 0.3, 0.5), (1, 0.7, 0.5)]
    assert over_time(condition, [scene(n, [each]) for n, each in enumerate(path)]) == [
        ["1"],
        [],
        ["1"],
    ]


def test_a_camera_without_the_places_has_no_condition() -> None:
    bare = camera(zones=[], lines=[])
    for settings in (
        {"present": {"zones": ["middle"]}},
        {"line_crossed": {"lines": ["door"]}},
        {"all": [{"present": {"zones": ["middle"]}}]},
    ):
        assert build_condition(Settings.model_validate(settings), bare) is None


def test_an_area_that_crosses_itself_is_refused() -> None:
    bow = [{"id": "bow", "title": NAMES, "polygon": [[0, 0], [1, 1], [1, 0], [0, 1]]}]
    with pytest.raises(Stop, match="does not cross itself"):
        build({"present": {"zones": ["bow"]}}, camera(zones=bow))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "needs exactly one of"),
        ({"present": {"zones": ["a"]}, "absent": {"zones": ["a"]}}, "got present, absent"),
        ({"present": {"zones": ["a"], "classes": ["unicorn"]}}, "knows no class 'unicorn'"),
        ({"present": {"zones": []}}, "at least 1 item"),
        ({"at_least": {"zones": ["a"], "count": 0}}, "greater than or equal to 1"),
        ({"line_crossed": {"lines": ["a"], "direction": "up"}}, "left to right"),
        ({"all": []}, "at least 1 item"),
    ],
)
def test_settings_that_make_no_condition_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate(settings)
