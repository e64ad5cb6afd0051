"""References of a site's parts have to lead to one thing each, where somebody can be seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_values import KERB, LAWN, camera, ladder, rule, rung

from domain.base import Fault
from domain.site.checks.references import reference_faults
from domain.site.operators import OperatorSettings
from domain.site.recipients import AlarmSettings, Recipient
from domain.site.speech.speakers import SpeakerSettings

RECIPIENT = Recipient(id="desk", url_env="DESK")
SPEAKER = SpeakerSettings(id="horn", kind="file")


def faults(**changes: Any) -> list[Fault]:
    parts = {
        "cameras": [camera()],
        "ladders": [ladder()],
        "rules": [rule()],
        "speakers": [SPEAKER],
        "recipients": [RECIPIENT],
        "operators": OperatorSettings(),
        "alarms": AlarmSettings(),
    }
    return reference_faults(**parts | changes)


def operator_texts(*ids: str) -> OperatorSettings:
    text = {"zh": "请离开", "en": "Please leave"}
    return OperatorSettings.model_validate({"texts": [{"id": each, "text": text} for each in ids]})


def test_parts_that_fit_have_no_fault() -> None:
    assert faults() == []
    assert faults(rules=[], ladders=[], speakers=[], recipients=[]) == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"cameras": [camera(), camera("south"), camera()]}, ("cameras", 2, "id")),
        ({"ladders": [ladder(), ladder()]}, ("ladders", 1, "id")),
        ({"rules": [rule(), rule()]}, ("rules", 1, "id")),
        ({"speakers": [SPEAKER, SPEAKER]}, ("speakers", 1, "id")),
        ({"recipients": [RECIPIENT, RECIPIENT]}, ("recipients", 1, "id")),
        ({"operators": operator_texts("go", "stop", "go")}, ("operators", "texts", 2, "id")),
        ({"cameras": [camera(zones=[LAWN, LAWN])]}, ("cameras", 0, "zones", 1, "id")),
        ({"cameras": [camera(lines=[KERB, KERB])]}, ("cameras", 0, "lines", 1, "id")),
        ({"cameras": [camera(lines=[KERB | {"id": "lawn"}])]}, ("cameras", 0, "lines", 0, "id")),
        ({"ladders": [ladder("calls", rung(), rung())]}, ("ladders", 0, "rungs", 1, "id")),
    ],
)
def test_an_id_that_stands_twice_is_named_at_its_second_place(
    changes: dict[str, Any], place: tuple[str | int, ...]
) -> None:
    ((found, words),) = faults(**changes)
    assert found == place
    assert "ids should be unique" in words and "before" in words


def test_two_cameras_may_show_the_same_zone() -> None:
    assert faults(cameras=[camera("north"), camera("south")]) == []


@given(st.lists(st.sampled_from("abcd"), max_size=8))
def test_each_repetition_is_one_fault(ids: list[str]) -> None:
    found = faults(cameras=[camera(), *(camera(each) for each in ids)])
    assert len(found) == len(ids) - len(set(ids))
    assert all(place[0] == "cameras" and place[2] == "id" for place, _ in found)


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        (
            {"rules": [rule(condition={"present": {"zones": ["pond"]}})]},
            ("rules", 0, "condition"),
            "names 'pond', which no camera has; zones and lines: kerb, lawn",
        ),
        (
            {"rules": [rule(condition={"any": [{"line_crossed": {"lines": ["wall"]}}]})]},
            ("rules", 0, "condition"),
            "names 'wall'",
        ),
        ({"rules": [rule(ladder="shouts")]}, ("rules", 0, "ladder"), "ladders: calls"),
        ({"ladders": []}, ("rules", 0, "ladder"), "ladders: none"),
        ({"cameras": [camera(speaker="bell")]}, ("cameras", 0, "speaker"), "speakers: horn"),
        (
            {"cameras": [camera(compliance={"allowed_rules": ["keep-off", "no-bikes"]})]},
            ("cameras", 0, "compliance", "allowed_rules", 1),
            "allows rule 'no-bikes', which is not defined; rules: keep-off",
        ),
        (
            {"ladders": [ladder("calls", rung(does=["announce", "notify"], notifies=["boss"]))]},
            ("ladders", 0, "rungs", 0, "notifies"),
            "names recipient 'boss', which is not defined; recipients: desk",
        ),
        (
            {"ladders": [ladder(escalation_does=["notify"], escalation_notifies=["boss"])]},
            ("ladders", 0, "escalation_notifies"),
            "recipients: desk",
        ),
        (
            {"ladders": [ladder(escalation_does=["notify"])], "recipients": []},
            ("ladders", 0, "escalation_does"),
            "the site has no recipients",
        ),
        (
            {
                "ladders": [ladder("calls", rung(does=["announce", "notify"], notifies=["boss"]))],
                "recipients": [],
            },
            ("ladders", 0, "rungs", 0, "does"),
            "the site has no recipients",
        ),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    changes: dict[str, Any], place: tuple[str | int, ...], words: str
) -> None:
    ((found, said),) = faults(**changes)
    assert found == place
    assert words in said


@pytest.mark.parametrize("part", ["zones", "lines"])
def test_what_lies_outside_of_every_view_is_named_with_its_corner(part: str) -> None:
    shape = {"zones": LAWN, "lines": KERB}[part]
    other = {"zones": "lines", "lines": "zones"}[part]
    narrow = camera(views=[[0, 0, 0.5, 1]], **{part: [shape], other: []})
    name = {"zones": "polygon", "lines": "points"}[part]
    ((place, words),) = faults(cameras=[narrow], rules=[])
    assert place == ("cameras", 0, part, 0, name)
    assert "is in none of them" in words
    wide = camera(views=[[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
    assert faults(cameras=[wide]) == []


def test_all_faults_are_found_at_once() -> None:
    found = faults(
        cameras=[camera(speaker="bell"), camera()],
        rules=[rule(ladder="shouts", condition={"present": {"zones": ["pond"]}})],
    )
    assert {place for place, _ in found} == {
        ("cameras", 0, "speaker"),
        ("cameras", 1, "id"),
        ("rules", 0, "ladder"),
        ("rules", 0, "condition"),
    }


def test_alarms_name_recipients_that_are_there() -> None:
    fine = AlarmSettings(tells=("desk",), supervisor="desk")
    assert faults(alarms=fine) == []
    strange = AlarmSettings(tells=("desk", "patrol"), supervisor="chief")
    places = [place for place, _ in faults(alarms=strange)]
    assert places == [("alarms", "tells", 1), ("alarms", "supervisor")]
