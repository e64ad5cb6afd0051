"""Every fault of a file is named with its line, what was needed and what came."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from domain.base import Fraction01, FrozenModel
from domain.checked_yaml import MAX_FILE_BYTES, YamlFileError, name_lines, read_checked
from domain.errors import Stop


class Box(FrozenModel):
    name: str
    polygon: tuple[tuple[Fraction01, Fraction01], ...] = ()
    size: int = Field(default=1, ge=1)


class Shelf(FrozenModel):
    boxes: tuple[Box, ...] = Field(min_length=1)
    depth: Fraction01 = 0.5

    @model_validator(mode="after")
    def _check(self) -> Self:
        faults = [
            (("boxes", row, "name"), f"{box.name!r} is taken")
            for row, box in enumerate(self.boxes)
            if box.name.startswith("taken")
        ]
        if faults:
            raise PydanticCustomError("references", "taken", {"faults": faults})
        return self


GOOD = """\
# a shelf
boxes:
  - name: apples
    size: 2

  - name: pears
    polygon: [[0, 0.5], [1, 1]]
depth: 0.25
"""


def read(path: Path, text: str) -> Shelf:
    path.write_text(text, encoding="utf-8")
    return read_checked(path, Shelf, "boxes", "samples/shelf.yaml", "docs/shelf.md")


def problems(path: Path, text: str) -> list[str]:
    with pytest.raises(YamlFileError) as caught:
        read(path, text)
    assert str(caught.value) == "\n".join(caught.value.problems)
    assert caught.value.path == path and isinstance(caught.value, Stop)
    return [problem.removeprefix(f"{path}:") for problem in caught.value.problems]


def test_a_good_file_becomes_its_values(tmp_path: Path) -> None:
    shelf = read(tmp_path / "shelf.yaml", GOOD)
    assert [(box.name, box.size) for box in shelf.boxes] == [("apples", 2), ("pears", 1)]
    assert shelf.boxes[1].polygon == ((0, 0.5), (1, 1)) and shelf.depth == 0.25


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("name: apples", "label: apples", ["3: boxes[0].name: is needed and missing", "3: boxes[0].label: is not a known setting; see docs/shelf.md for the names"]),
        ("size: 2", "size: 0", ["4: boxes[0].size: Input should be greater than or equal to 1, got 0"]),
        ("depth: 0.25", "depth: 25", ["8: depth: Input should be less than or equal to 1, got 25"]),
        ("[1, 1]", "[640, 1]", ["7: boxes[1].polygon[1][0]: Input should be less than or equal to 1, got 640; it is a share of the picture: pixels have to be divided by its width or height"]),
        ("name: pears", "name: taken-1", ["6: boxes[1].name: 'taken-1' is taken"]),
        ("depth: 0.25", "depth: " + "x" * 99, [f"8: depth: Input should be a valid number, unable to parse string as a number, got 'x{'x' * 55}..."]),
    ],
)  # fmt: skip
def test_a_fault_names_its_line_and_setting(
    tmp_path: Path, before: str, after: str, expected: list[str]
) -> None:
    assert before in GOOD
    assert problems(tmp_path / "shelf.yaml", GOOD.replace(before, after)) == expected


def test_faults_that_one_check_finds_are_named_each_with_its_line(tmp_path: Path) -> None:
    text = GOOD.replace("apples", "taken-a").replace("pears", "taken-b")
    assert problems(tmp_path / "shelf.yaml", text) == [
        "3: boxes[0].name: 'taken-a' is taken",
        "6: boxes[1].name: 'taken-b' is taken",
    ]


def test_a_list_is_not_blamed_for_what_is_wrong_within_it(tmp_path: Path) -> None:
    text = "boxes:\n  - size: 1\n"
    assert problems(tmp_path / "shelf.yaml", text) == ["2: boxes[0].name: is needed and missing"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: needs a mapping with boxes; got nothing"),
        ("- a\n", "1: needs a mapping with boxes; got seq"),
        ("just words\n", "1: needs a mapping with boxes; got str"),
        ("boxes:\n  - name: [\n", "3: not YAML: "),
        ("boxes: 1\nboxes: 2\n", "2: not YAML: "),
    ],
)
def test_what_is_no_mapping_is_said_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    (only,) = problems(tmp_path / "shelf.yaml", text)
    assert only.startswith(expected)


def test_a_file_that_is_missing_or_far_too_large_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "shelf.yaml"
    with pytest.raises(YamlFileError, match=r"No such file.*; samples/shelf\.yaml is an example"):
        read_checked(path, Shelf, "boxes", "samples/shelf.yaml")
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(YamlFileError, match="larger than 4 MiB"):
        read_checked(path, Shelf, "boxes", "samples/shelf.yaml")


def test_bytes_that_are_no_text_are_named_by_the_first_wrong_one(tmp_path: Path) -> None:
    path = tmp_path / "shelf.yaml"
    path.write_bytes(b"boxes: \xff")
    with pytest.raises(YamlFileError, match=r"not UTF-8 text \(byte 7\)"):
        read_checked(path, Shelf, "boxes", "samples/shelf.yaml")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("boxes",), 2),
        (("boxes", 1), 6),
        (("boxes", 1, "polygon", 0), 7),
        (("depth",), 8),
        (("boxes", 0, "colour"), 3),  # the deepest part that is there
        (("boxes", 9), 2),
        (("nothing",), 1),
    ],
)
def test_faults_found_later_get_the_line_of_their_place(
    tmp_path: Path, place: tuple[str | int, ...], line: int
) -> None:
    path = tmp_path / "shelf.yaml"
    path.write_text(GOOD, encoding="utf-8")
    (text,) = name_lines(path, [(place, "is odd")])
    assert text.startswith(f"{path}:{line}: ") and text.endswith(": is odd")


@given(blanks=st.integers(0, 30), comments=st.integers(0, 30))
def test_lines_are_counted_as_an_editor_counts_them(
    tmp_path_factory: pytest.TempPathFactory, blanks: int, comments: int
) -> None:
    path = tmp_path_factory.mktemp("lines") / "shelf.yaml"
    text = "\n" * blanks + "# note\n" * comments + "boxes:\n  - name: a\n    size: 0\n"
    (problem,) = problems(path, text)
    assert problem.startswith(f"{blanks + comments + 3}: boxes[0].size: ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name: {{ name }}\nplaces: 1\n", "1: not YAML: found unhashable key"),
        ("[" * 1000, " not YAML that can be read: nested too deeply"),
    ],
)
def test_what_only_one_of_the_two_loaders_refuses_is_a_fault_of_the_file(
    tmp_path: Path, text: str, expected: str
) -> None:
    """Before: ConstructorError and RecursionError, which ended a live run whose file was saved so."""
    assert problems(tmp_path / "shelf.yaml", text) == [expected]


def test_a_key_that_stands_twice_is_named_without_its_values(tmp_path: Path) -> None:
    path = tmp_path / "shelf.yaml"
    path.write_text("depth: rtsp://admin:s3cret@10.0.0.1\ndepth: rtsp://admin:s3cret@10.0.0.1\n")
    with pytest.raises(YamlFileError) as caught:
        read_checked(path, Shelf, "boxes", "shelf.yaml")
    assert caught.value.problems == [f'{path}:2: not YAML: found duplicate key "depth"']
