"""Several real processes on one log: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from event_log.log import EventLog
from tests.support.example_events import warned_event

ROOT = Path(__file__).resolve().parents[2]

# prints each number once it is acknowledged
WRITER = """
import sys
from pathlib import Path
from tests.support.example_events import warned_event
from event_log.log import EventLog
path, camera, first, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with EventLog.open(path) as log:
    for number in range(first, first + count):
        log.append([warned_event(number, camera)])
        print(number, flush=True)
"""

READER = """
import sys, time
from pathlib import Path
from event_log.log import EventLog
path, wanted = Path(sys.argv[1]), int(sys.argv[2])
seen = []
with EventLog.open(path) as log:
    while len(seen) < wanted:
        seen += [each.seq for each in log.read(seen[-1] if seen else 0, limit=7)]
print(*seen)
"""


@contextmanager
def python(program: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_writers_and_a_reader_share_a_log_from_its_first_moment(log_path: Path) -> None:
    with (
        python(WRITER, log_path, "gate", 0, 40) as first,
        python(WRITER, log_path, "yard", 0, 40) as second,
        python(WRITER, log_path, "yard", 20, 40) as overlapping,
        python(READER, log_path, 100) as reader,
    ):
        seen = reader.communicate(timeout=120)[0].split()
        assert [each.wait(60) for each in (first, second, overlapping)] == [0, 0, 0]
    # forty of the gate, sixty of the yard, each once, read in order while they were written
    assert [int(seq) for seq in seen] == list(range(1, 101))
    with EventLog.open(log_path) as log:
        assert log.last_seq() == 100


def test_what_a_killed_writer_had_acknowledged_is_there_and_a_replay_doubles_nothing(
    log_path: Path,
) -> None:
    acknowledged: set[int] = set()
    for kill_after in (1, 5, 12):
        with python(WRITER, log_path, "gate", 0, 100_000) as writer:
            assert writer.stdout is not None
            for _ in range(kill_after):
                acknowledged.add(int(writer.stdout.readline()))
            time.sleep(0.01 * kill_after)
            writer.kill()
            acknowledged.update(int(line) for line in writer.stdout if line.endswith("\n"))
    with EventLog.open(log_path) as log:
        ids = [each.event.id for each in log.read(limit=100_000)]
        assert len(acknowledged) >= 12
        assert len(ids) == len(set(ids))
        assert {warned_event(number, "gate").id for number in acknowledged} <= set(ids)
        # one may be written whose writer was killed before it could say so
        assert len(ids) <= len(acknowledged) + 1
