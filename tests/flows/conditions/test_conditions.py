"""Conditions judge plain tracked frames as rules mean it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from people import stamp
from pydantic import ValidationError

from domain.coco_classes import COCO_IDS
from domain.errors import Stop
from domain.picture_digest import CLEAR, PictureTrust
from domain.saved_state import StateFormat
from domain.site.cameras import Camera
from domain.site.conditions import Condition as Settings
from domain.tracks import Place, SubjectLink, SubjectMatch, Track, TrackedFrame
from flows.conditions.build import build_condition
from flows.conditions.condition import Evaluator, Holding, Memory, Scene
from flows.conditions.verdict import Verdict

NAMES = {"zh": "名", "en": "Name"}
WIDTH_PX, HEIGHT_PX = 768, 576

Person = tuple[int, float, float]  # number, foot x and y as fractions of the picture


def camera(**more: Any) -> Camera:
    """Make a camera with a zone in the middle, one on the left, and a line down the middle."""
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


def build(settings: dict[str, Any], given: Camera | None = None) -> Evaluator:
    condition = build_condition(Settings.model_validate(settings), given or camera())
    assert condition is not None
    return condition


def scene(
    at_s: float,
    people: list[Person],
    names: tuple[str, ...] = (),
    sight: PictureTrust = CLEAR,
) -> Scene:
    """Return people of 30 x 80 px at these feet."""
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
            sight=sight,
        )
    )


def who_holds(said: list[Holding]) -> list[str]:
    return [str(each.subject) for each in said if each.holds]


def verdicts(condition: Evaluator, shown: Scene) -> list[Verdict]:
    return [each.verdict for each in condition.look(shown, {})]


MEMORY_FORMAT = StateFormat[Memory](Memory)


def over_time(condition: Evaluator, scenes: list[Scene]) -> list[list[str]]:
    """Return who holds in each frame; what is remembered is saved and read back in between."""
    memory: Memory = {}
    told = []
    for each in scenes:
        told.append(who_holds(condition.look(each, memory)))
        memory = MEMORY_FORMAT.restore(MEMORY_FORMAT.save(memory))
    return told


def test_present_is_decided_by_the_foot() -> None:
    condition = build({"present": {"zones": ["middle"]}})
    said = condition.look(scene(0, [(1, 0.5, 0.5), (2, 0.5, 0.65), (3, 0.1, 0.5)]), {})
    assert who_holds(said) == ["1"]
    assert [each.subject for each in said] == [Track(1), Track(2), Track(3)]


def test_present_by_share_needs_so_much_of_the_box() -> None:
    half_in = [(1, 0.5, 0.6 + 40 / HEIGHT_PX)]
    for share, expected in ((0.45, ["1"]), (0.55, [])):
        settings = {"zones": ["middle"], "by": "share", "min_share": share}
        condition = build({"present": settings})
        assert who_holds(condition.look(scene(0, half_in), {})) == expected


def test_present_in_either_of_two_zones_names_the_right_one() -> None:
    condition = build({"present": {"zones": ["middle", "left"]}})
    said = condition.look(scene(0, [(1, 0.5, 0.5), (2, 0.1, 0.5)]), {})
    assert [(each.subject, each.place_id) for each in said] == [
        (Track(1), "middle"),
        (Track(2), "left"),
    ]


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
    assert holding.subject == Place("middle")
    assert holding.box_xyxy[0] == pytest.approx(0.1 * WIDTH_PX - 15, abs=0.01)


def test_a_crowd_is_as_sure_as_the_least_sure_who_is_needed_for_it() -> None:
    condition = build({"at_least": {"zones": ["middle"], "count": 2}})
    shown = scene(0, [(1, 0.5, 0.5), (2, 0.45, 0.5), (3, 0.55, 0.5)]).tracked
    sure = replace(shown, scores=np.array([0.5, 0.9, 0.7], np.float32))
    (holding,) = condition.look(Scene(sure), {})
    assert holding.score == pytest.approx(0.7)


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


def test_a_zone_may_be_called_by_a_number() -> None:
    desk = {"id": "7", "title": NAMES, "polygon": [[0.8, 0.4], [0.9, 0.4], [0.9, 0.6], [0.8, 0.6]]}
    given = camera(zones=[*camera().model_dump()["zones"], desk])
    condition = build(
        {"all": [{"present": {"zones": ["left"]}}, {"absent": {"zones": ["7"]}}]}, given
    )
    one, two = (5, 0.1, 0.5), (7, 0.85, 0.5)
    assert over_time(condition, [scene(0, [one]), scene(1, [one, two])]) == [["5"], []]


def test_a_place_without_anybody_seen_is_not_known_where_the_picture_is_unfit() -> None:
    empty = build({"absent": {"zones": ["middle"]}})
    two = build({"at_least": {"zones": ["middle", "left"], "count": 2}})
    one, other = (1, 0.5, 0.5), (2, 0.1, 0.5)
    for sight in (
        PictureTrust(("picture-covered",), is_in_doubt=True),
        PictureTrust(is_in_doubt=True),
        PictureTrust(unfit_areas={"middle": "picture-covered"}),
    ):
        assert verdicts(empty, scene(0, [], sight=sight)) == [Verdict.NOT_KNOWN]
        assert verdicts(two, scene(0, [one], sight=sight)) == [Verdict.NOT_KNOWN]
        # who is seen is there, however bad the picture
        assert verdicts(empty, scene(0, [one], sight=sight)) == [Verdict.DOES_NOT_HOLD]
        assert verdicts(two, scene(0, [one, other], sight=sight)) == [Verdict.HOLDS]
    elsewhere = PictureTrust(unfit_areas={"gate": "picture-covered"})
    assert verdicts(empty, scene(0, [], sight=elsewhere)) == [Verdict.HOLDS]


def test_parts_are_joined_with_what_is_not_known() -> None:
    """Somebody stands at the desk, and whether anybody is at the gate nobody can see."""
    unfit = PictureTrust(unfit_areas={"middle": "picture-covered"})
    parts = [{"present": {"zones": ["left"]}}, {"absent": {"zones": ["middle"]}}]
    there, elsewhere = (
        scene(0, [(1, 0.1, 0.5)], sight=unfit),
        scene(0, [(1, 0.3, 0.5)], sight=unfit),
    )
    assert verdicts(build({"all": parts}), there) == [Verdict.NOT_KNOWN]
    assert verdicts(build({"all": parts}), elsewhere) == [Verdict.DOES_NOT_HOLD]
    assert verdicts(build({"any": parts}), there) == [Verdict.HOLDS]
    assert verdicts(build({"any": parts}), elsewhere) == [Verdict.NOT_KNOWN]


@pytest.mark.parametrize("direction", ["either", "left to right"])
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([0.4], [0.45, 0.6], True),  # crossed under the new number
        ([0.4, 0.6], [0.7, 0.8], True),  # crossed under the old one
        ([0.4], [0.6, 0.7], True),  # crossed unseen
        ([0.4, 0.6], [0.55, 0.45], False),  # and went back
        ([0.4, 0.6], [0.4, 0.3], False),  # unseen
        ([0.4], [0.3], False),
    ],
)
def test_who_is_recognised_is_on_the_side_to_which_both_numbers_went(
    direction: str, before: list[float], after: list[float], expected: bool
) -> None:
    condition = build({"line_crossed": {"lines": ["door"], "direction": direction}})
    memory: Memory = {}
    for n, x in enumerate(before):
        condition.look(scene(n / 5, [(1, x, 0.5)]), memory)
    for n, x in enumerate(after):
        condition.look(scene(5 + n / 5, [(2, x, 0.5)]), memory)
    memory = MEMORY_FORMAT.restore(MEMORY_FORMAT.save(memory))
    condition.renumber(
        SubjectLink(1, 2, SubjectMatch(1, "occlusion", 5.0, 0.9, 1.0, 0.005, True)), memory
    )
    assert list(memory) == ["1"]
    (now,) = condition.look(scene(6, [(1, after[-1], 0.5)]), memory)
    assert now.holds == expected


def test_who_is_recognised_after_long_is_still_beyond_the_line() -> None:
    condition = build({"all": [{"line_crossed": {"lines": ["door"]}}]})
    memory: Memory = {}
    condition.look(scene(0, [(1, 0.4, 0.5)]), memory)
    for at_s, x in ((40, 0.45), (41, 0.6)):
        condition.look(scene(at_s, [(2, x, 0.5)]), memory)
    condition.renumber(
        SubjectLink(1, 2, SubjectMatch(1, "return", 40.0, 0.9, 1.0, 0.005, True)), memory
    )
    (now,) = condition.look(scene(42, [(1, 0.6, 0.5)]), memory)
    assert (now.subject, now.verdict) == (Track(1), Verdict.HOLDS)


def test_where_somebody_was_by_an_older_version_is_gone_on_with() -> None:
    condition = build({"line_crossed": {"lines": ["door"]}})
    memory: Memory = {"1": ((0.4, 0.5), False, scene(0, []).tracked.frame.captured_at.timestamp())}
    (now,) = condition.look(scene(1, [(1, 0.6, 0.5)]), memory)
    assert now.holds
    (back,) = condition.look(scene(2, [(1, 0.4, 0.5)]), memory)
    assert (back.verdict, back.basis) == (Verdict.DOES_NOT_HOLD, "back across the line")


def half_hidden(shown: Scene, feet_y: float) -> Scene:
    """Let the feet be below the box, at this share of the picture."""
    count = len(shown.tracked)
    return Scene(replace(shown.tracked, feet_y=np.full(count, feet_y * HEIGHT_PX, np.float32)))


@pytest.mark.parametrize(
    ("ends_at", "feet_at", "verdict"),
    [
        (0.35, 0.5, Verdict.NOT_KNOWN),  # behind a car that stands above the zone
        (0.5, 0.7, Verdict.NOT_KNOWN),
        (0.5, 0.55, Verdict.HOLDS),
        (0.2, 0.3, Verdict.DOES_NOT_HOLD),
        (0.5, 0.5, Verdict.HOLDS),
    ],
)
def test_whose_feet_are_hidden_is_in_the_zone_only_where_it_makes_no_difference(
    ends_at: float, feet_at: float, verdict: Verdict
) -> None:
    shown = half_hidden(scene(0, [(1, 0.5, ends_at)]), feet_at)
    assert verdicts(build({"present": {"zones": ["middle"]}}), shown) == [verdict]


def test_feet_that_would_be_below_the_picture_are_at_its_border() -> None:
    """A zone up to the picture's edge has them; no zone reaches below it."""
    shown = half_hidden(scene(0, [(1, 0.5, 0.5)]), 1.4)
    assert 0.99 < shown.whole_boxes[0, 3] < 1.0


def test_a_place_may_hold_somebody_whose_feet_are_hidden() -> None:
    shown = half_hidden(scene(0, [(1, 0.5, 0.35)]), 0.5)
    assert verdicts(build({"absent": {"zones": ["middle"]}}), shown) == [Verdict.NOT_KNOWN]
    one = build({"at_least": {"zones": ["middle"], "count": 1}})
    two = build({"at_least": {"zones": ["middle"], "count": 2}})
    assert verdicts(one, shown) == [Verdict.NOT_KNOWN]
    assert verdicts(two, shown) == [Verdict.DOES_NOT_HOLD]


def test_whose_feet_are_hidden_crosses_no_line_until_they_are_seen() -> None:
    condition, memory = build({"line_crossed": {"lines": ["door"]}}), {}
    condition.look(scene(0, [(1, 0.4, 0.5)]), memory)
    (hidden,) = condition.look(half_hidden(scene(1, [(1, 0.6, 0.3)]), 0.5), memory)
    assert hidden.verdict is Verdict.NOT_KNOWN
    (seen,) = condition.look(scene(2, [(1, 0.6, 0.5)]), memory)
    assert seen.verdict is Verdict.HOLDS


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


def of_the_lawn(settings: dict[str, Any], scenes: list[Scene]) -> list[Verdict]:
    """Return what is said of the zone frame by frame; the memory is saved and read back in between."""
    condition, said = build(settings), []
    memory: Memory = {}
    for each in scenes:
        said.append(condition.look(each, memory)[0].verdict)
        memory = MEMORY_FORMAT.restore(MEMORY_FORMAT.save(memory))
    return said


STAND, THIRD = [(1, 0.45, 0.5), (2, 0.5, 0.5)], (3, 0.55, 0.5)


def three(third: Callable[[float], list[Person]], until_s: int = 60) -> list[Verdict]:
    """Return how it goes on, second by second, with a rule of three of whom two stand there."""
    scenes = [scene(t, [*STAND, *third(t)]) for t in range(until_s)]
    return of_the_lawn({"at_least": {"zones": ["middle"], "count": 3}}, scenes)


def test_a_third_who_is_hidden_may_be_there_still() -> None:
    """Before: they were "fewer", and a gathering had complied because one stood behind another."""
    said = three(lambda t: [THIRD] if t < 5 or t >= 20 else [])
    assert said[:5] == [Verdict.HOLDS] * 5 and said[5:20] == [Verdict.NOT_KNOWN] * 15
    assert said[20:] == [Verdict.HOLDS] * 40
    # nobody can say for ever
    assert three(lambda t: [THIRD] if t < 5 else [])[38:41] == [
        *(Verdict.NOT_KNOWN, Verdict.NOT_KNOWN, Verdict.DOES_NOT_HOLD)
    ]


def test_a_third_who_was_seen_outside_or_a_box_around_nobody_is_not_there() -> None:
    outside = (3, 0.9, 0.5)
    assert three(lambda t: [THIRD if t < 5 else outside] if t < 8 else [])[5:] == [
        *[Verdict.DOES_NOT_HOLD] * 55
    ]
    assert three(lambda t: [THIRD] if t == 5 else [])[6] is Verdict.DOES_NOT_HOLD


def test_a_third_who_comes_out_under_a_new_number_is_not_counted_twice() -> None:
    four = (4, 0.56, 0.5)
    said = three(lambda t: [THIRD] if t < 5 else [four] if 8 <= t < 12 else [(4, 0.9, 0.5)])
    assert said[8:12] == [Verdict.HOLDS] * 4 and said[12:] == [Verdict.DOES_NOT_HOLD] * 48


@pytest.mark.parametrize(
    ("x", "goes_on"), [(0.55, Verdict.DOES_NOT_HOLD), (0.58, Verdict.NOT_KNOWN)]
)
def test_a_new_number_is_the_hidden_thirds_within_a_height_and_a_half_after_a_second(
    x: float, goes_on: Verdict
) -> None:
    left, four = (3, 0.41, 0.5), (4, x, 0.5)
    said = three(lambda t: [left] if t < 5 else [four] if t < 7 else [(4, 0.9, 0.5)], 9)
    assert said == [Verdict.HOLDS] * 7 + [goes_on] * 2


def test_a_third_on_the_way_out_has_left() -> None:
    def walking(t: int, third: list[Person]) -> Scene:
        tracked = scene(t, [*STAND, *third]).tracked
        speeds = np.zeros((len(tracked), 2), np.float32)
        speeds[2:] = (60, 0)  # a zone 154 px wide ends 38 px farther on
        return Scene(replace(tracked, speeds_px=speeds))

    scenes = [walking(t, [THIRD] if t < 5 else []) for t in range(7)]
    said = of_the_lawn({"at_least": {"zones": ["middle"], "count": 3}}, scenes)
    assert said[4:] == [Verdict.HOLDS, Verdict.DOES_NOT_HOLD, Verdict.DOES_NOT_HOLD]


def test_a_clerk_behind_the_desk_is_not_absent() -> None:
    scenes = [scene(t, STAND if t < 5 else []) for t in range(60)]
    said = of_the_lawn({"absent": {"zones": ["middle"]}}, scenes)
    assert said[4:7] == [Verdict.DOES_NOT_HOLD, Verdict.NOT_KNOWN, Verdict.NOT_KNOWN]
    assert said[-1] is Verdict.HOLDS
