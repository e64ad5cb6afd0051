"""The figures of the house: what misses one is named with its place, and what keeps them all passes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "deploy" / "house_figures.py"


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    """Load the script, which is in no package."""
    spec = importlib.util.spec_from_file_location("house_figures", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def house(root: Path, **texts: str) -> Path:
    """Build a house of one package, with a module of each name."""
    (root / "pyproject.toml").write_text('[tool.importlinter]\nroot_packages = ["room"]\n')
    (root / "room").mkdir()
    for name, text in texts.items():
        (root / "room" / f"{name}.py").write_text(text)
    return root


def test_a_house_that_keeps_them_all_passes(
    figures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "def f(text: str) -> str:\n    return text.replace('a', 'b')\n"
    assert figures.main(house(tmp_path, one=words, two="class _Own: ...\n")) == 0
    assert "room/" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("import fcntl\nfcntl.flock(1, 2)\n", "room/one.py:2: use domain/processes/file_lock.py"),
        ("\npause_s = min(2 * pause_s, 30)\n", "room/one.py:2: use domain/processes/backoff.py"),
        (
            "def f(a, b):\n    a.write_bytes(b'')\n    a.replace(b)\n",
            "room/one.py:1: use domain/files.py",
        ),
        ('def f():\n    """Args:\n    nothing.\n    """\n', "room/one.py:1: a summary line first"),
        ("class Twice: ...\nclass Twice: ...\n", "room/one.py:2: class Twice"),
        ("x = 1  # type: ignore\n" * 9, "room/one.py:9: x = 1"),
    ],
)
def test_what_misses_a_figure_is_named_with_its_place(
    figures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, place: str
) -> None:
    assert figures.main(house(tmp_path, one=text)) == 1
    assert place in capsys.readouterr().out


def test_a_crowded_folder_is_named(
    figures: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {f"m{number}": "" for number in range(21)}
    assert figures.main(house(tmp_path, **texts)) == 1
    assert "room: 21 modules" in capsys.readouterr().out
