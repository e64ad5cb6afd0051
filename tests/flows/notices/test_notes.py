"""What went out is counted within an hour, whatever the machine's clock did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.data_dir import DataDir
from flows.notices.notes import MessageNote, MessageNotes

NOW = datetime(2026, 11, 30, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_messages_dated_ahead_of_a_clock_that_was_set_back_silence_nobody(tmp_path: Path) -> None:
    notes = MessageNotes(DataDir(tmp_path))
    for number, before in enumerate((-1800, -1, 0, 10, 3500, 3700)):
        started_at = NOW - timedelta(seconds=before)
        note = MessageNote(service="mailto", result="sent", started_at=started_at)
        notes.write("desk", f"evt-{number}", note)
    assert notes.count_between("desk", NOW - HOUR, NOW) == 3
    assert notes.count_between("somebody else", NOW - HOUR, NOW) == 0
