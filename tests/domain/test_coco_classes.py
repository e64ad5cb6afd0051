"""Class names are those of COCO, with its numbers; a misspelt one is answered with its neighbours."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from domain.coco_classes import COCO_IDS, ClassName

NAMES = {number: name for name, number in COCO_IDS.items()}
CLASS_NAME: TypeAdapter[str] = TypeAdapter(ClassName)


def test_names_and_numbers_belong_together() -> None:
    assert {NAMES[number]: number for number in NAMES} == COCO_IDS
    assert COCO_IDS["person"] == 1 and NAMES[3] == "car"
    assert all(1 <= number <= 90 for number in NAMES)


@pytest.mark.parametrize("name", COCO_IDS)
def test_every_name_is_taken_as_it_is(name: str) -> None:
    assert CLASS_NAME.validate_python(name) == name


@pytest.mark.parametrize(
    ("name", "words"),
    [("persn", "did you mean person?"), ("Car", "did you mean car"), ("dragon", "it knows person")],
)
def test_an_unknown_name_is_refused_with_what_may_be_meant(name: str, words: str) -> None:
    with pytest.raises(ValidationError, match="the detector knows no class") as caught:
        CLASS_NAME.validate_python(name)
    assert words in str(caught.value)
