"""Caps count an hour, whatever the machine's clock says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from flows.speech.attempts import Attempt, AttemptNotes
from flows.speech.call_counter import BegunCall, CallCounter, Caps

AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Machine:
    """A machine whose clock is set."""

    def __init__(self, data: DataDir) -> None:
        self.steady_s = 0.0
        self.wall_at = AT
        self.counter = CallCounter(AttemptNotes(data), Caps(site=1), lambda: self.steady_s)

    def pass_time(self, minutes: float) -> None:
        self.steady_s += 60 * minutes
        self.wall_at += timedelta(minutes=minutes)

    def call(self) -> str:
        return self.counter.reserve(BegunCall(self.wall_at, "horn"), None)


@pytest.mark.parametrize("step_s", [-86400, -3600, -60, 60])
def test_a_cap_ends_after_an_hour_also_where_the_clock_was_set(
    step_s: float, tmp_path: Path
) -> None:
    machine = Machine(DataDir(tmp_path))
    assert machine.call() == ""
    machine.pass_time(10)
    machine.wall_at += timedelta(seconds=step_s)
    assert "1 calls within an hour" in machine.call()
    machine.pass_time(48)
    assert "1 calls within an hour" in machine.call()
    machine.pass_time(3)
    assert machine.call() == ""


def test_notes_that_are_dated_ahead_count_not(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    note = Attempt(
        speaker_id="horn",
        audio_file="a.wav",
        sha256="0" * 64,
        duration_s=1.0,
        started_at=now + timedelta(hours=1),
        result="played",
    )
    notes = AttemptNotes(DataDir(tmp_path))
    notes.write("gate", "evt-1", note)
    ahead = CallCounter(notes, Caps(site=1))
    assert ahead.why_not(BegunCall(now, "horn"), None) == ""
    notes.write("gate", "evt-2", note.model_copy(update={"started_at": now}))
    assert "1 calls" in CallCounter(notes, Caps(site=1)).why_not(BegunCall(now, "horn"), None)
