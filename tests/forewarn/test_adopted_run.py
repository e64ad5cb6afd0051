"""A whole live run whose watch program is killed while an offence is open: it ends once, and is sealed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from domain.data_dir import DataDir
from domain.events import (
    Event,
    EvidenceSealed,
    OffenceOpened,
    OffenceWarned,
    OutcomeData,
)
from event_log.log import EventLog

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 180.0

pytestmark = [pytest.mark.slow, pytest.mark.triton]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.fixture
def live_run(
    data: DataDir, triton_address: str, sample_site_file: Path, site_key: Path
) -> Iterator[subprocess.Popen[bytes]]:
    argv = ["run", sample_site_file, "--data", data.root, "--keys", site_key]
    argv += ["--triton", triton_address]
    process = subprocess.Popen(
        [sys.executable, "-m", "forewarn", *map(str, argv)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    yield process
    process.terminate()
    process.wait(PATIENCE_S)


def events_of(data: DataDir) -> list[Event]:
    if not data.events_db.exists():
        return []
    with EventLog.open(data.events_db) as log:
        return [logged.event for logged in log.read(limit=10_000)]


def wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come"
        time.sleep(0.05)


def kill_the_watch_program(run: subprocess.Popen[bytes]) -> None:
    for child in psutil.Process(run.pid).children(recursive=True):
        if "forewarn.programs.watch" in child.cmdline():
            child.kill()


def test_an_offence_that_is_open_at_the_kill_ends_once_and_its_evidence_is_sealed_once(
    live_run: subprocess.Popen[bytes], data: DataDir
) -> None:
    def opened() -> list[str]:
        return [each.subject for each in events_of(data) if isinstance(each.data, OffenceOpened)]

    wait_until(lambda: bool(opened()))
    kill_the_watch_program(live_run)
    first = opened()[0]
    wait_until(
        lambda: any(
            isinstance(event.data, EvidenceSealed) and event.data.offence_id == first
            for event in events_of(data)
        )
    )
    events = events_of(data)
    ends = Counter(event.subject for event in events if isinstance(event.data, OutcomeData))
    assert ends[first] == 1
    assert set(ends.values()) == {1}
    sealed = Counter(e.data.offence_id for e in events if isinstance(e.data, EvidenceSealed))
    assert set(sealed.values()) == {1}
    assert set(Counter(opened()).values()) == {1}
    calls = Counter(
        (event.subject, event.data.rung_id)
        for event in events
        if isinstance(event.data, OffenceWarned)
    )
    assert set(calls.values()) <= {1}
    (end,) = [e.data for e in events if isinstance(e.data, OutcomeData) and e.subject == first]
    assert len(end.rung_sightings) == sum(offence_id == first for offence_id, _ in calls)
