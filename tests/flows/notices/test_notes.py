"""What went out is counted within an hour, whatever the machine's clock did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.data_dir import DataDir
from flows.notices.notes import MessageNote, MessageNotes, NoteResult

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


def test_what_is_written_after_the_first_count_is_counted_and_the_disk_is_not_read_again(
    tmp_path: Path,
) -> None:
    """Before: all notes of a week were read for each message."""
    notes = MessageNotes(DataDir(tmp_path))

    def write(key: str, result: NoteResult) -> None:
        notes.write("desk", key, MessageNote(service="mailto", result=result, started_at=NOW))

    write("evt-0", "sent")
    counted = [notes.count_between("desk", NOW - HOUR, NOW)]
    (tmp_path / "notifications" / "desk" / "evt-0.json").unlink()
    changes: tuple[NoteResult, ...] = ("being sent", "sent", "failed")
    for result in changes:
        write("evt-1", result)
        counted.append(notes.count_between("desk", NOW - HOUR, NOW))
    assert counted == [1, 2, 2, 1]
    again = MessageNotes(DataDir(tmp_path))
    assert again.count_between("desk", NOW - HOUR, NOW) == 0
