"""The docs that are printed from the code say what the code says, and staleness is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from domain.errors import Stop
from domain.offence_states import MOVES, State, Trigger
from domain.site.site import Site
from event_log import schema_files
from forewarn.generated_docs.commands_page import commands_page
from forewarn.generated_docs.ladder_page import STATES, TRIGGERS, ladder_page
from forewarn.generated_docs.pages import EVENT_TYPES, SETTINGS, check, schema_of, write
from forewarn.generated_docs.site_reference import site_reference

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Make a tree with the two pages that are only partly generated, and nothing else."""
    for page, first, last in (SETTINGS, EVENT_TYPES):
        path = tmp_path / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# By hand\n\n{first}\nold\n{last}\n\nAlso by hand.\n")
    return tmp_path


def test_what_was_written_is_up_to_date_and_stays_so(tree: Path) -> None:
    written = write(tree)
    assert {
        "docs/reference/ladder.md",
        "docs/reference/commands.md",
        "docs/reference/people.schema.json",
    } <= set(written)
    assert len(written) == 6 + len(schema_files.render())
    assert check(tree) == []
    assert write(tree) == []


def test_a_changed_a_missing_and_a_left_over_file_are_named_and_put_right(tree: Path) -> None:
    write(tree)
    ladder = tree / "docs" / "reference" / "ladder.md"
    ladder.write_text(ladder.read_text().replace("escalated", "arrested"))
    (tree / "docs" / "reference" / "commands.md").unlink()
    (tree / "event_log" / "schemas" / "gone.v1.schema.json").write_text("{}")
    stale = [
        "docs/reference/commands.md",
        "docs/reference/ladder.md",
        "event_log/schemas/gone.v1.schema.json",
    ]
    assert check(tree) == stale
    assert write(tree) == stale
    assert check(tree) == []


def test_what_was_written_by_hand_stays(tree: Path) -> None:
    write(tree)
    text = (tree / SETTINGS[0]).read_text()
    assert text.startswith("# By hand\n") and text.endswith("\nAlso by hand.\n")
    assert "threshold_s" in text and "\nold\n" not in text


@pytest.mark.parametrize("text", ["# No markers\n", f"{SETTINGS[1]}\nno end\n", None])
def test_a_page_that_lost_its_markers_is_named(tree: Path, text: str | None) -> None:
    page = tree / SETTINGS[0]
    page.unlink() if text is None else page.write_text(text)
    with pytest.raises(Stop, match=r"site-file\.md"):
        check(tree)


def test_check_ends_with_1_and_says_what_to_run(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for room in ("forewarn", "domain", "event_log", "evidence_store", "models", "docs"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("flows", "dashboards", "validation", "casework"):
        (copy / room).symlink_to(ROOT / room)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "forewarn.generated_docs", *arguments]
        return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)

    assert run().returncode == 0
    (copy / "docs" / "reference" / "ladder.md").unlink()
    checked = run("--check")
    assert checked.returncode == 1
    assert checked.stderr == "docs/reference/ladder.md is not what the code says; run `make docs`\n"
    assert not (copy / "docs" / "reference" / "ladder.md").exists()


def test_every_state_and_trigger_has_its_sentence_and_every_move_its_arrow_and_event() -> None:
    assert set(STATES) == set(State)
    assert set(TRIGGERS) == set(Trigger)
    page = ladder_page()
    arrows = [line for line in page.splitlines() if line.startswith("    ")]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    events = {row[0]: row[2].split(", ") for row in rows if len(row) == 3}
    for move in MOVES:
        (arrow,) = (a for a in arrows if a.startswith(f"    {move.before} --> {move.after}: "))
        assert move.trigger.value in arrow.split(": ", 1)[1].split(" / ")
        event = f"`{move.event_type}`" if move.event_type else "none"
        assert event in events[move.trigger.value]


def test_the_schema_takes_the_sample_site_and_refuses_a_wrong_one(sample_site_file: Path) -> None:
    schema = json.loads(schema_of(Site))
    jsonschema.Draft202012Validator.check_schema(schema)
    Site.model_validate(YAML(typ="safe", pure=True).load(sample_site_file.read_text()))
    as_json = json.loads(
        json.dumps(YAML(typ="safe").load(sample_site_file.read_text()), default=str)
    )
    jsonschema.validate(as_json, schema)
    as_json["rules"][0]["threshold"] = 4
    with pytest.raises(jsonschema.ValidationError, match="threshold"):
        jsonschema.validate(as_json, schema)


def test_every_setting_has_a_row_that_says_what_it_takes_and_means() -> None:
    schema = Site.model_json_schema()
    settings = [name for group in schema["$defs"].values() for name in group["properties"]]
    rows = [line for line in site_reference().splitlines() if line.startswith("| `")]
    assert len(rows) == len(settings) + len(schema["properties"])
    for row in rows:
        assert row.endswith(" |"), f"{row}: the table ends within a cell"
        assert all(cell.strip() for cell in row.strip("|").split("|")), row
    assert "| `analyse_fps` | number > 0, ≤ 60 | `5.0` | frames analysed a second |" in rows


def test_every_command_is_on_the_page_and_nothing_of_this_machine() -> None:
    page = commands_page()
    for command in ("check", "run", "up", "events", "events types", "console"):
        assert f" forewarn {command}\n" in page
    assert "| `--until-end` |" in page
    assert str(ROOT) not in page
