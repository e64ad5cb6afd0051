"""Changed code takes the place of what lives, and every bug that is planted has its place."""

from __future__ import annotations

from pathlib import Path
from types import CodeType, ModuleType

import pytest

from benchmarks.mutations.planted_bugs import PLANTED, PlantedBug
from benchmarks.mutations.swapped_code import changed_functions, swap

TEXT = """
from functools import cache, cached_property

LIMIT = 3

@cache
def is_many(count, least=2):
    return count > least

class Box:
    @cached_property
    def width(self):
        return max(wide for wide in (LIMIT, 4))

    def rename(self):
        return super().__str__()
"""


def compiled(text: str) -> CodeType:
    return compile(text, "made_up.py", "exec")


def test_whoever_holds_a_function_has_the_changed_one() -> None:
    module = ModuleType("made_up")
    exec(compiled(TEXT), module.__dict__)
    is_many, box = module.is_many, module.Box()
    changed = TEXT.replace("count > least", "count >= least").replace("(LIMIT, 4)", "(LIMIT, 5)")
    pairs = changed_functions(compiled(TEXT), compiled(changed))
    assert pairs is not None
    assert [one.co_qualname for one, _ in pairs] == ["is_many", "Box.width"]
    assert swap(pairs)
    assert is_many(2) and box.width == 5


def test_what_a_function_says_twice_is_not_changed_by_where_it_is_written() -> None:
    assert changed_functions(compiled(TEXT), compiled("\n\n" + TEXT)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("least=2", "least=1"),
        ("@cache\n", ""),
        ("super().__str__()", "None"),
    ],
)
def test_what_happens_at_the_import_is_more_than_functions_do(old: str, new: str) -> None:
    assert changed_functions(compiled(TEXT), compiled(TEXT.replace(old, new))) is None


def test_what_is_not_alive_cannot_be_swapped() -> None:
    old, new = (
        compile(text, "never imported.py", "exec") for text in (TEXT, TEXT.replace("max(", "min("))
    )
    pairs = changed_functions(old, new)
    assert pairs and not swap(pairs)


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.breaks)
def test_each_planted_bug_has_its_place_and_its_tests(bug: PlantedBug) -> None:
    bug.plant()
    assert Path(bug.tests).exists()
