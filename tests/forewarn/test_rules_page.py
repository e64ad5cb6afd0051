"""What docs/rules.md shows can be used as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from domain.conditions import Condition
from domain.site_file import load_site
from domain.taxonomy import Taxonomy
from domain.taxonomy_file import shipped_taxonomy
from forewarn.checked_site import load_checked_site

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.S)
WHOLE = [block for block in BLOCKS if block.startswith("site:")]
LADDERS = [block for block in BLOCKS if block.startswith("ladders:")]


def test_the_whole_file_is_one(tmp_path: Path) -> None:
    (text,) = WHOLE
    path = tmp_path / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    assert [rule.id for rule in load_checked_site(path).rules] == ["no-lingering"]


@pytest.mark.parametrize("block", LADDERS)
def test_ladders_fit_into_the_whole_file(tmp_path: Path, block: str) -> None:
    ladder = re.search(r"- id: ([\w-]+)", block)
    assert ladder is not None
    head, _, _ = WHOLE[0].partition("ladders:")
    path = tmp_path / "shop.yaml"
    path.write_text(head.replace("ladder: two-calls", f"ladder: {ladder[1]}") + block, "utf-8")
    assert load_site(path).ladders[0].id == ladder[1]


def test_the_rule_at_the_top_fits_into_the_whole_file(tmp_path: Path) -> None:
    head, _, rest = WHOLE[0].partition("rules:")
    rule = BLOCKS[0].replace("forecourt", "table").replace("three-calls", "two-calls")
    path = tmp_path / "shop.yaml"
    path.write_text(head + rule + rest[rest.index("ladders:") :], encoding="utf-8")
    assert load_checked_site(path).rules[0].severity == "slight"


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
