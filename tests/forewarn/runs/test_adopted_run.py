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
from old_recovery import unpack

from domain.data_dir import DataDir
from domain.events.catalog import (
    Event,
    EvidenceSealed,
    OffenceOpened,
    OffenceWarned,
    OutcomeData,
)
from event_log.log import EventLog

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 180.0

pytestmark = [pytest.mark.slow(file_takes_s=85), pytest.mark.triton]


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


def test_a_run_on_a_folder_of_the_version_before_says_what_it_sets_aside_and_ends_what_was_open(
    data: DataDir, triton_address: str, sample_site_file: Path, site_key: Path, tmp_path: Path
) -> None:
    unpack(data.root)
    ended = {each.subject for each in events_of(data) if isinstance(each.data, OutcomeData)}
    opened = {each.subject for each in events_of(data) if isinstance(each.data, OffenceOpened)}
    argv = ["run", sample_site_file, "--data", data.root, "--keys", site_key]
    argv += ["--triton", triton_address]
    programs = ("watch", "announce", "preserve")  # mask keeps its place in the log

    def shown() -> str:
        return " ".join((tmp_path / "terminal").read_text("utf-8").split())

    def all_ended() -> bool:
        return opened <= {e.subject for e in events_of(data) if isinstance(e.data, OutcomeData)}

    with (tmp_path / "terminal").open("wb") as terminal:
        run = subprocess.Popen(
            [sys.executable, "-m", "forewarn", *map(str, argv)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=terminal,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until(lambda: all_ended() and all(f"{each}: what" in shown() for each in programs))
        finally:
            run.terminate()
            assert run.wait(PATIENCE_S) == 0
    ends = Counter(e.subject for e in events_of(data) if isinstance(e.data, OutcomeData))
    assert opened - ended and {ends[each] for each in opened} == {1}
    for program in programs:
        assert shown().count(f"{program}: what it had saved cannot be used (") == 1
    assert "ended unexpectedly" not in shown()
    assert not (data.recovery / "mask").exists()
