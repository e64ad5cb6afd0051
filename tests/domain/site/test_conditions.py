"""A condition is exactly one thing, and knows the places and classes of all its parts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from site_values import LAWN, camera

from domain.site.cameras import Camera
from domain.site.conditions import Condition

zones = st.lists(st.sampled_from(["lawn", "pond", "path"]), min_size=1, max_size=3)
classes = st.lists(st.sampled_from(["person", "car", "dog"]), min_size=1, max_size=2)
plain = st.one_of(
    st.builds(lambda z, c: {"present": {"zones": z, "classes": c}}, zones, classes),
    st.builds(lambda z, c: {"absent": {"zones": z, "classes": c}}, zones, classes),
    st.builds(lambda z, c: {"at_least": {"zones": z, "classes": c, "count": 2}}, zones, classes),
    st.builds(lambda z, c: {"stationary": {"zones": z, "classes": c}}, zones, classes),
    st.builds(lambda z, c: {"line_crossed": {"lines": z, "classes": c}}, zones, classes),
)
conditions = st.recursive(
    plain,
    lambda parts: st.builds(
        lambda how, several: {how: several},
        st.sampled_from(["all", "any"]),
        st.lists(parts, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


def leaves(values: dict[str, Any]) -> list[dict[str, Any]]:
    ((name, inner),) = values.items()
    return [leaf for part in inner for leaf in leaves(part)] if name in ("all", "any") else [inner]


@given(conditions)
def test_places_and_classes_are_those_of_all_parts(values: dict[str, Any]) -> None:
    condition = Condition.model_validate(values)
    inner = leaves(values)
    expected = [place for leaf in inner for place in leaf.get("zones") or leaf["lines"]]
    assert sorted(condition.places()) == sorted(expected)
    assert condition.class_names() == {name for leaf in inner for name in leaf["classes"]}
    assert bool(condition.parts()) == (next(iter(values)) in ("all", "any"))


@given(st.lists(plain, max_size=3, unique_by=lambda values: next(iter(values))))
def test_exactly_one_setting_is_taken(several: list[dict[str, Any]]) -> None:
    together = {name: inner for values in several for name, inner in values.items()}
    if len(together) == 1:
        assert (
            Condition.model_validate(together).model_dump(exclude_none=True).keys()
            == together.keys()
        )
        return
    got = ", ".join(name for name in Condition.model_fields if name in together) or "none"
    with pytest.raises(ValidationError, match=f"needs exactly one of present, .*; got {got}"):
        Condition.model_validate(together)


@pytest.mark.parametrize(
    "values",
    [
        {"present": {"zones": []}},
        {"present": {"zones": ["lawn"], "classes": []}},
        {"present": {"zones": ["lawn"], "classes": ["dragon"]}},
        {"at_least": {"zones": ["lawn"], "count": 0}},
        {"at_least": {"zones": ["lawn"]}},
        {"stationary": {"zones": ["lawn"], "max_shift": 0}},
        {"line_crossed": {"lines": ["kerb"], "direction": "up"}},
        {"any": []},
        {"all": [{"present": {"zones": ["lawn"]}, "absent": {"zones": ["lawn"]}}]},
    ],
)
def test_a_condition_that_could_never_hold_or_means_two_things_is_refused(
    values: dict[str, Any],
) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(values)


def shows(*places: str) -> Camera:
    zones = [LAWN | {"id": place} for place in places]
    return camera(zones=zones, lines=[])


def test_a_camera_judges_what_it_shows() -> None:
    lawn, pond = {"present": {"zones": ["lawn"]}}, {"absent": {"zones": ["pond"]}}
    line = {"line_crossed": {"lines": ["lawn"]}}  # a line, whatever zone has the same name
    for values, places, expected in (
        (lawn, ["lawn"], lawn),
        (lawn, ["pond"], None),
        (line, ["lawn"], None),
        ({"any": [lawn, pond]}, ["pond"], {"any": [pond]}),
        ({"any": [lawn, pond]}, ["path"], None),
        ({"all": [lawn, pond]}, ["lawn", "pond"], {"all": [lawn, pond]}),
        ({"all": [lawn, pond]}, ["lawn"], None),
        ({"any": [{"all": [lawn, pond]}, lawn]}, ["lawn"], {"any": [lawn]}),
    ):
        seen = Condition.model_validate(values).seen_by(shows(*places))
        assert seen == (expected and Condition.model_validate(expected)), (values, places)
