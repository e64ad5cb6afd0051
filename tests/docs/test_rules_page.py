"""What docs/reference/rules.md shows can be used as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from domain.site.cameras import Line
from domain.site.conditions import Condition
from domain.site.loading import load_site, shipped_taxonomy
from domain.site.taxonomy import Taxonomy
from forewarn.terminal.checked_site import load_checked_site

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _yaml_of(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.S)


BLOCKS = _yaml_of("reference/rules.md")
# the page sends its reader there for a whole file
WHOLE = [block for block in _yaml_of("tutorial/first-warning.md") if block.startswith("site:")]
LADDERS = [block for block in BLOCKS if block.startswith("ladders:")]


def test_the_whole_file_is_one(tmp_path: Path) -> None:
    (text,) = WHOLE
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    assert [rule.id for rule in load_checked_site(path).rules] == ["no-lingering"]


@pytest.mark.parametrize("block", LADDERS)
def test_ladders_fit_into_the_whole_file(tmp_path: Path, block: str) -> None:
    ladder = re.search(r"- id: ([\w-]+)", block)
    assert ladder is not None
    head, _, _ = WHOLE[0].partition("ladders:")
    path = tmp_path / "site.yaml"
    path.write_text(head.replace("ladder: two-calls", f"ladder: {ladder[1]}") + block, "utf-8")
    assert load_site(path).ladders[0].id == ladder[1]


def test_the_rule_at_the_top_fits_into_the_whole_file(tmp_path: Path) -> None:
    head, _, rest = WHOLE[0].partition("rules:")
    rule = BLOCKS[0].replace("three-calls", "two-calls")
    path = tmp_path / "site.yaml"
    path.write_text(head + rule + rest[rest.index("ladders:") :], encoding="utf-8")
    assert load_checked_site(path).rules[0].severity == "slight"


def test_the_line_shown_is_one() -> None:
    (block,) = (block for block in BLOCKS if block.lstrip().startswith("lines:"))
    (line,) = YAML(typ="safe").load(block)["lines"]
    assert Line.model_validate(line).id == "doorstep"


def test_every_condition_shown_is_one() -> None:
    shown = [block for block in BLOCKS if block.lstrip().startswith("condition:")]
    assert len(shown) >= 4
    for block in shown:
        value = YAML(typ="safe").load(block)["condition"]
        assert TypeAdapter(Condition).validate_python(value).places()


def test_the_taxonomy_shown_is_one_and_part_of_ours() -> None:
    (block,) = (block for block in BLOCKS if block.startswith("classes:"))
    shown = Taxonomy.model_validate(YAML(typ="safe").load(block))
    ours = shipped_taxonomy().categories()
    assert all(ours[name] == title for name, title in shown.categories().items())
