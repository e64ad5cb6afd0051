"""The tutorial works: its commands are run one by one, and what the page shows appears."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-warning.md"
BLOCK = re.compile(r"(`(?P<file>[\w/.-]+)`:\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.S)

pytestmark = [pytest.mark.slow(file_takes_s=230), pytest.mark.triton, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with what the page takes out of a checkout, and `forewarn` on the path."""
    root = tmp_path_factory.mktemp("tutorial")
    for name in ("samples/crossing.mp4", "evidence_store/export/verify_evidence.py"):
        (root / name).parent.mkdir(parents=True)
        shutil.copyfile(ROOT / name, root / name)
    (root / "bin").mkdir()
    for name, words in (("forewarn", "-m forewarn"), ("python", "")):
        program = root / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        program.chmod(0o755)
    return root


def _run(command: str, folder: Path) -> str:
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    mine = {"PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    left_out = ("FOREWARN_KEYS", "FOREWARN_TRITON")
    environment = {k: v for k, v in os.environ.items() if k not in left_out} | mine
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def _steps(page: str) -> Iterator[tuple[str, str, str]]:
    for block in BLOCK.finditer(page):
        yield block["kind"], block["text"], block["file"] or ""


def _shown(line: str, printed: str) -> bool:
    """Look for a line of the page in what was printed; `…` stands for anything on that line."""
    pieces = [r"\s+".join(map(re.escape, piece.split())) for piece in line.split("…")]
    return re.search(r"[^\n]*".join(pieces).replace(r"\s+", "[ \t]+"), printed) is not None


def test_every_command_of_the_page_works_and_prints_what_the_page_shows(folder: Path) -> None:
    printed, commands, shown = "", [], 0
    page = PAGE.read_text(encoding="utf-8")
    named, own = re.findall(r"evd-[0-9a-f]{16}", page)[0], ""
    for kind, told, file in _steps(page):
        # a processor that rounds otherwise may number people otherwise: the page says to take one's own
        if escalated := re.search(r"(evd-[0-9a-f]{16})[^\n]* escalated", printed):
            own = own or escalated[1]
        text = told.replace(named, own or named)
        if kind == "sh":
            printed = ""
            for command in text.splitlines():
                printed += _run(command, folder)
                commands.append(command)
        elif kind == "text":
            missing = [line for line in text.splitlines() if not _shown(line, printed)]
            assert missing == [], f"{commands[-1]} printed\n{printed}"
            shown += len(text.splitlines())
        else:
            assert (kind, file) == ("yaml", "first-site/site.yaml")
            (folder / file).write_text(text, encoding="utf-8")
    assert len(commands) >= 10 and shown >= 15
    assert (folder / "first-site" / "case-1.zip").is_file()


@pytest.mark.parametrize(
    ("line", "printed", "is_shown"),
    [
        ("gate … s 2/2 escalated", "x  gate   11.0 s    2/2  escalated  evd", True),
        ("gate … s 2/2 escalated", "gate 11.0 s\n2/2 escalated", False),
        ("evt-….wav", "evt-12.wav", True),
        ("4 records", "3 records", False),
    ],
)
def test_a_line_that_was_not_printed_is_found_out(line: str, printed: str, is_shown: bool) -> None:
    assert _shown(line, printed) is is_shown
