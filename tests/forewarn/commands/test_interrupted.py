"""A command that is asked to end while it still starts ends at once, in order."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 240.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("words", "code"), [(("run",), 0), (("up",), 0), (("check",), None), (("audit",), None)]
)
def test_a_command_that_is_interrupted_in_its_first_second_ends_without_a_traceback(
    words: tuple[str, ...], code: int | None, number: int, tmp_path: Path, sample_site_file: Path
) -> None:
    more = {"run": [sample_site_file, "--unsealed"], "up": [sample_site_file, "--unsealed"]}
    argv = [*words, *map(str, more.get(words[0], []))]
    argv += [] if words[0] == "check" else ["--data", str(tmp_path)]
    script = f"""
import runpy, signal, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            sys.meta_path.remove(self)
            for _ in range(3):
                signal.raise_signal({int(number)})
sys.meta_path.insert(0, Interrupts())
sys.argv = ["forewarn", *{argv!r}]
runpy.run_module("forewarn", run_name="__main__", alter_sys=True)
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert "Traceback" not in ended.stderr
    assert ended.returncode == (128 + number if code is None else code), ended.stderr
    assert not (tmp_path / "triton").exists()
