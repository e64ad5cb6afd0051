"""Print and hold the figures of the house that no linter holds; exit code 1 where one is missed.

ruff, mypy and import-linter hold the rest; docs/decisions/0037-rooms-within-rooms.md has the reasons.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

MOST_MODULES = 18  # in one folder, without __init__.py
MOST_TYPE_IGNORES = 8
LOCKS, BACKOFF = ("domain/processes/file_lock.py",), ("domain/processes/backoff.py",)
FILES = ("domain/files.py",)
SECTIONS = ("Args:", "Raises:", "Returns:", "Yields:")

Modules = dict[Path, ast.Module]  # by their path below the root


def main(root: Path) -> int:
    """Print each figure, with the places that miss it; return the exit code."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    packages = settings["tool"]["importlinter"]["root_packages"]
    files = [path for package in packages for path in sorted((root / package).rglob("*.py"))]
    texts = {path.relative_to(root): path.read_text(encoding="utf-8") for path in files}
    modules = {path: ast.parse(text) for path, text in texts.items()}
    is_held = True
    for figure, most, places in (
        (f"folders of more than {MOST_MODULES} modules", 0, crowded_folders(modules)),
        ("public class names defined twice", 0, doubled_classes(modules)),
        ("locks beside domain/processes/file_lock.py", 0, copies(modules, LOCKS, _is_lock)),
        ("atomic writes beside domain/files.py", 0, copies(modules, FILES, _is_atomic_write)),
        (
            "doubled pauses beside domain/processes/backoff.py",
            0,
            copies(modules, BACKOFF, _is_doubling),
        ),
        ("docstrings that begin with a section", 0, headless_docstrings(modules)),
        ("type: ignore", MOST_TYPE_IGNORES, type_ignores(texts)),
    ):
        print(f"{len(places):3} of at most {most}  {figure}")
        if len(places) > most:
            is_held = False
            print("\n".join(f"      {place}" for place in places))
    return 0 if is_held else 1


def crowded_folders(modules: Modules) -> list[str]:
    """Find folders with more modules than a reader can look over."""
    counts: dict[Path, int] = defaultdict(int)
    for path in modules:
        counts[path.parent] += path.name != "__init__.py"
    return [f"{path}: {count} modules" for path, count in counts.items() if count > MOST_MODULES]


def doubled_classes(modules: Modules) -> list[str]:
    """Find public classes of modules whose names other classes have, too."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path, module in modules.items():
        for node in module.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(f"{path}:{node.lineno}: class {node.name}")
    return [place for places in homes.values() if len(places) > 1 for place in places]


def copies(modules: Modules, homes: Sequence[str], is_copy: Callable[[ast.AST], bool]) -> list[str]:
    """Find code that does by itself what its one home, the first of `homes`, is for."""
    away = {path: module for path, module in modules.items() if path.as_posix() not in homes}
    return [f"{place}: use {homes[0]}" for place, node in _nodes(away) if is_copy(node)]


def headless_docstrings(modules: Modules) -> list[str]:
    """Find docstrings without a summary line."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return [
        f"{place}: a summary line first"
        for place, node in _nodes(modules)
        if isinstance(node, documented) and (ast.get_docstring(node) or "").startswith(SECTIONS)
    ]


def type_ignores(texts: dict[Path, str]) -> list[str]:
    """Find lines where the type checker is told to look away."""
    lines = [(path, *line) for path in texts for line in enumerate(texts[path].splitlines(), 1)]
    return [f"{path}:{n}: {line.strip()}" for path, n, line in lines if "# type: ignore" in line]


def _nodes(modules: Modules) -> Iterator[tuple[str, ast.AST]]:
    for path, module in modules.items():
        for node in ast.walk(module):
            yield f"{path}:{getattr(node, 'lineno', 1)}", node


def _is_lock(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node) in ("fcntl.flock", "fcntl.lockf")


def _is_atomic_write(node: ast.AST) -> bool:
    """Tell whether a function writes a file and then replaces another by it."""
    if not isinstance(node, ast.FunctionDef):
        return False
    called = [call for call in ast.walk(node) if isinstance(call, ast.Call) and not call.keywords]
    methods = {c.func.attr: len(c.args) for c in called if isinstance(c.func, ast.Attribute)}
    # Path.replace takes one argument, str.replace two
    return methods.get("replace") == 1 and bool({"fsync", "write_bytes"} & methods.keys())


def _is_doubling(node: ast.AST) -> bool:
    """Tell whether a pause is doubled up to a bound: `min(2 * pause_s, …)`."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "min"):
        return False
    return any(isinstance(arg, ast.BinOp) and ast.unparse(arg.left) == "2" for arg in node.args)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[1]))
