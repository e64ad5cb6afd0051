"""Run tests against one changed module, in a fork that imports it in place of the file's.

Nothing on the disk is touched, and no library is imported twice.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    "numpy", "pydantic", "sqlalchemy.dialects.sqlite", "shapely", "structlog", "hypothesis", "pytest",
    "bytewax.dataflow", "bytewax.run", "cryptography.hazmat.primitives.asymmetric.ed25519", "cv2", "av",
    "trackers", "supervision", "pyarrow", "rfc8785", "ruamel.yaml",
)  # fmt: skip
QUICK = "not slow and not triton and not browser"
NOTHING_COLLECTED = 5  # exit code of pytest


def prepare(*rooms: str) -> None:
    """Import what every fork needs and none changes: libraries, and whole rooms of ours."""
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]
    for library in LIBRARIES:
        importlib.import_module(library)
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


@dataclass(frozen=True)
class ChangedModule(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Is imported in place of the module's file, whoever asks for it."""

    path: Path
    code: CodeType

    @property
    def name(self) -> str:
        """Name the module as it is imported."""
        return ".".join(self.path.relative_to(ROOT).with_suffix("").parts)

    def code_before(self) -> CodeType:
        """Return the code as it lies there."""
        return compile(self.get_source(self.name), str(self.path), "exec")

    def install(self) -> None:
        """Be found from now on, in this process."""
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """Answer for that module alone."""
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_source(self, fullname: str) -> str:
        """Return the source as it lies there."""
        return self.path.read_text(encoding="utf-8")

    def get_code(self, fullname: str) -> CodeType:
        """Return the changed code."""
        return self.code

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self.code, module.__dict__)


def run_in_fork(work: Callable[[], int], most_s: float) -> tuple[int, float]:
    """Return the exit code of a fork that does the work silently (-9: it hung), and the seconds."""
    began_s = time.monotonic()
    child = os.fork()
    if child == 0:
        os.setsid()
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        code = 70
        try:
            code = work()
        finally:
            os._exit(code)
    while time.monotonic() - began_s < most_s:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status), time.monotonic() - began_s
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -9, most_s


def run_tests(
    tests: Sequence[str], changed: ChangedModule | None, most_s: float
) -> tuple[int, float]:
    """Run quick tests in a fork; return its exit code (0: they notice nothing), and the seconds."""
    return run_in_fork(lambda: _run_pytest(tests, changed), most_s)


def _run_pytest(tests: Sequence[str], changed: ChangedModule | None) -> int:
    import pytest

    options = ["-x", "-q", "-m", QUICK, "-p", "no:cacheprovider"]
    options += ["--hypothesis-seed=0", "--timeout=60"]
    groups = [[*map(str, tests)]]
    if changed is not None:
        changed.install()
        groups = [[str(own)] for own in _own_tests(changed.path)] + groups
    for group in filter(None, groups):  # without any, pytest would run all there are
        code = int(pytest.main([*group, *options]))
        if code not in (0, NOTHING_COLLECTED):
            return code
    return 0


def _own_tests(path: Path) -> list[Path]:
    """Return the test file that bears the module's name, for it mostly notices first."""
    own = ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
    return [own] if own.exists() else []
