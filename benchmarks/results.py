"""One benchmark's result, and the file that they are all appended to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from domain.errors import ForewarnError

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "var" / "bench" / "results.jsonl"


Tell = Callable[[str], None]


def quiet(words: str) -> None:
    """Say nothing; a Tell."""


def rounds_of(count: int, tell: Tell) -> Iterator[int]:
    """Yield 0, 1, .. count - 1, telling each."""
    for number in range(count):
        tell(f"round {number + 1} of {count}")
        yield number


class WrongOutputs(ForewarnError):
    """What was timed did not do its work, so its time says nothing."""


@dataclass(frozen=True, slots=True)
class Result:
    """A figure whose outputs were checked; one line of results.jsonl."""

    name: str
    value: float
    unit: str
    must: float
    aim: float
    better: Literal["lower", "higher"]
    conditions: Mapping[str, Any]  # what was run, on what, and what was switched off
    machine: Mapping[str, Any]
    commit: str
    also: Mapping[str, float] = field(default_factory=dict)  # further figures, without a must
    measured_at: str = field(
        default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds")
    )

    @property
    def reaches_must(self) -> bool:
        """Tell whether the value is as good as it must be."""
        return self._reaches(self.must)

    @property
    def reaches_aim(self) -> bool:
        """Tell whether it is as good as we want it."""
        return self._reaches(self.aim)

    def _reaches(self, bound: float) -> bool:
        return self.value <= bound if self.better == "lower" else self.value >= bound


def append(result: Result, path: Path = RESULTS) -> None:
    """Add one line; it is on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(result), ensure_ascii=False) + "\n"
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = "\n" + line  # an earlier run was killed in the middle of its line
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read_latest(path: Path = RESULTS) -> list[Result]:
    """Read the newest result of each benchmark, in the order of their names; unfinished lines are left
    out, and so are fields that a newer version added."""
    known = Result.__dataclass_fields__
    latest: dict[str, Result] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        lines = []
    for line in lines:
        try:
            given = json.loads(line)
            result = Result(**{name: value for name, value in given.items() if name in known})
        except (ValueError, TypeError, AttributeError):
            continue
        latest[result.name] = result
    return [latest[name] for name in sorted(latest)]
