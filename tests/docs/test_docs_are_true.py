"""What the docs name exists: files they link to, paths, commands, options and make's targets."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from domain.data_dir import DataDir, DataPath
from forewarn.command_line import build_app
from forewarn.programs.supervision.plan import (
    ALARMS,
    ANNOUNCE,
    CARETAKER,
    CONSOLE,
    MASK,
    NOTIFY,
    PRESERVE,
    WATCH,
)

ROOT = Path(__file__).resolve().parents[2]


def _tracked() -> list[str]:
    """Files of the repository; what somebody else keeps in its folder is not asked about."""
    command = ["git", "ls-files"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()


TRACKED = [Path(each) for each in _tracked()]
ROOMS = {each.parts[0] for each in TRACKED if len(each.parts) > 1} - {".ci"}
PAGES = [ROOT / each for each in TRACKED if each.suffix == ".md"]
# a decision tells of its day, and is never rewritten; nor is what changed
UNDATED = [each for each in PAGES if each.parent.name != "decisions" and each.stem != "CHANGELOG"]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _prose(page: Path) -> str:
    return FENCED.sub("", page.read_text())


def _in_backticks(page: Path) -> list[str]:
    return re.findall(r"`([^`\n]+)`", _prose(page))


def _code(page: Path) -> Iterator[str]:
    """Lines of fenced blocks and what stands in backticks, one piece each."""
    for block in FENCED.findall(page.read_text()):
        yield from block.splitlines()
    yield from _in_backticks(page)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _anchors(page: Path) -> set[str]:
    """List the names by which a page's headings are linked to."""
    headings = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


def test_every_link_to_a_file_or_heading_leads_there() -> None:
    links = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)\s]+)\)", _prose(page))
        if "://" not in target
    ]
    assert len(links) > 100
    assert [f"{_name(page)}: {target}" for page, target in links if not _leads(page, target)] == []


def _leads(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = page.parent / name if name else page
    return path.exists() and (not anchor or path.suffix != ".md" or anchor in _anchors(path))


def test_every_path_in_a_room_exists() -> None:
    """From the root, or from the page's own folder as a room's README says it."""
    paths = [
        (page, piece)
        for page in UNDATED
        for piece in _in_backticks(page)
        if re.fullmatch(r"[\w-]+/[\w./*-]*", piece) and piece.partition("/")[0] in ROOMS
    ]
    assert len(paths) > 100
    gone = [
        f"{_name(page)}: {piece}"
        for page, piece in paths
        if not any(ROOT.glob(piece)) and not any(page.parent.glob(piece))
    ]
    assert gone == []


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [
        (page, found[1])
        for page in UNDATED
        for piece in _code(page)
        if (found := re.match(r"make (?:[A-Z]+=\S+ )?([a-z][\w-]*)", piece))
    ]
    assert len(named) > 20
    assert [f"{_name(page)}: make {each}" for page, each in named if each not in targets] == []


def test_every_command_and_option_exists() -> None:
    forewarn = typer.main.get_command(build_app())
    calls = [
        (page, piece, found[1].split())
        for page in UNDATED
        for piece in _code(page)
        if (found := re.search(r"(?:^|[ /])forewarn ((?:--)?[a-z][^#|&;>\"]*)", piece))
    ]
    assert len(calls) > 100
    faults = [
        f"{_name(page)}: {piece}: there is no {missing}"
        for page, piece, words in calls
        if (missing := _missing(forewarn, words))
    ]
    assert faults == []


def _missing(command: Any, words: list[str]) -> str:
    """Find the first word that is neither a command of the group before it nor an option; else ""."""
    has_option = False
    for word in words:
        inner = getattr(command, "commands", {})
        if word.startswith("--"):
            has_option = True  # so what follows may be its value
            if re.split(r"[=/,)\]]", word)[0] not in _options(command):
                return word
        elif inner and not has_option:
            if word not in inner:
                return word
            command = inner[word]
    return ""


def _options(command: Any) -> set[str]:
    names = (each for option in command.params for each in (*option.opts, *option.secondary_opts))
    return {"--help", *names}


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ("run site.yaml --until-end", ""),
        ("run site.yaml --until-dawn", "--until-dawn"),
        ("evidence lost", "lost"),
        ("events --follow --json", ""),
        ("events --folow", "--folow"),
    ],
)
def test_a_command_that_is_not_there_is_found_out(words: str, missing: str) -> None:
    assert _missing(typer.main.get_command(build_app()), words.split()) == missing


def test_every_module_that_a_rooms_readme_names_is_in_the_room() -> None:
    named = [
        (page, piece)
        for page in PAGES
        if page.name == "README.md" and page.parent != ROOT
        for piece in _in_backticks(page)
        if re.fullmatch(r"\w+\.(py|js|toml|typ)", piece)
    ]
    assert len(named) > 50
    gone = [f"{_name(page)}: {each}" for page, each in named if not any(page.parent.rglob(each))]
    assert gone == []


def test_the_architecture_names_every_room_and_every_program() -> None:
    page = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
    programs = {each.stem for each in (ROOT / "forewarn" / "programs").glob("*.py")}
    started = {WATCH, ANNOUNCE, PRESERVE, NOTIFY, MASK, ALARMS, CARETAKER, CONSOLE}
    assert started - {CONSOLE} <= programs
    assert [each for each in sorted(ROOMS) if f" {each}/" not in page] == []
    assert [each for each in sorted(started) if f"── {each}" not in page] == []
    flows = [each.name for each in (ROOT / "flows").glob("*.py") if each.stem in started]
    assert [each for each in flows if f"`flows/{each}`" not in page] == []


def test_the_data_folders_table_names_everything_in_it() -> None:
    page = (ROOT / "docs" / "how-to" / "running.md").read_text()
    kept = [name for name, each in vars(DataDir).items() if isinstance(each, DataPath)]
    assert len(kept) > 15
    paths = [getattr(DataDir(Path("data")), name).relative_to("data") for name in kept]
    names = sorted(f"`{each}`" if each.suffix else f"`{each}/`" for each in paths)
    assert [each for each in names if each not in page] == []


def test_the_readme_is_one_screen_and_each_kind_of_page_has_an_index() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 450
    kinds = ("tutorial", "how-to", "reference", "explanation", "decisions")
    for folder in (ROOT / "docs" / kind for kind in kinds):
        linked = {
            Path(name) for name in re.findall(r"\]\(([\w.-]+)\)", (folder / "index.md").read_text())
        }
        pages = {Path(each.name) for each in folder.glob("*.md")} - {Path("index.md")}
        assert pages and pages - linked == set(), folder.name
