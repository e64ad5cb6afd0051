"""An announcer killed while a speaker talks says nothing twice, and every warning is accounted for."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.chaos_speaker import WARNINGS_A_KILL, kill_while_talking
from domain.data_dir import DataDir


@pytest.mark.long
def test_what_the_speakers_heard_is_what_the_log_says_through_kills(tmp_path: Path) -> None:
    outcome = kill_while_talking(DataDir(tmp_path / "var"), kills=3, seed=3)
    assert (outcome.lost, outcome.doubled) == ([], [])
    assert outcome.results.total() == 4 * WARNINGS_A_KILL
    assert outcome.results.keys() <= {"played", "unknown whether played"}
    assert outcome.results["played"] >= WARNINGS_A_KILL
