"""Operators' commands to a whole run with a real Triton server, its watch program killed meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from domain.data_dir import DataDir
from domain.events.catalog import (
    CommandGiven,
    Event,
    EvidenceSealed,
    OffenceData,
    OffenceDismissed,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
    OutcomeData,
)
from event_log.log import EventLog
from tests.support.site_part import write_part

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 900.0

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# beside other test runs a run has taken four minutes and more
pytestmark = [pytest.mark.slow(file_takes_s=210), pytest.mark.triton, pytest.mark.timeout(2400)]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.fixture
def one_who_stays(sample_site_file: Path, tmp_path: Path) -> Path:
    """Return a site on seconds in which many pass and one person stays: each record costs seconds."""
    site_file = tmp_path / "site.yaml"
    return write_part(site_file, sample_site_file, "gate-early", (0, 17), threshold_s=9)


@pytest.fixture
def running(
    data: DataDir, triton_address: str, one_who_stays: Path, site_key: Path
) -> Iterator[subprocess.Popen[bytes]]:
    argv = ["run", one_who_stays, "--until-end", "--data", data.root, "--keys", site_key]
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


def open_offence(data: DataDir) -> str | None:
    events = events_of(data)
    ended = {event.subject for event in events if isinstance(event.data, OutcomeData)}
    opened = [event.subject for event in events if isinstance(event.data, OffenceOpened)]
    return next((each for each in opened if each not in ended), None)


def watch_program(run: subprocess.Popen[bytes]) -> psutil.Process | None:
    try:
        children = psutil.Process(run.pid).children(recursive=True)
        return next((c for c in children if "forewarn.programs.watch" in c.cmdline()), None)
    except psutil.NoSuchProcess:
        return None


def stopped_with_an_open_offence(
    run: subprocess.Popen[bytes], data: DataDir
) -> tuple[str, psutil.Process]:
    """Hold the watch program still in a moment in which an offence is open."""
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        watch = watch_program(run)
        if watch is not None and open_offence(data):
            watch.suspend()
            if found := open_offence(data):
                return found, watch
            watch.resume()
        time.sleep(0.02)
    raise AssertionError("no offence was open")


def test_commands_that_are_pending_when_the_watch_program_is_killed_are_carried_out_once(
    running: subprocess.Popen[bytes], data: DataDir, forewarn: Run
) -> None:
    offence_id, watch = stopped_with_an_open_offence(running, data)
    about = (offence_id, "--by", "Wang", "--data", data.root, "--json")
    take_over = ("offences", "take-over", *about)
    waiting = forewarn(*take_over, "--wait", 0)
    assert waiting.returncode == 75, waiting.stderr
    assert json.loads(waiting.stdout)["result"] == "waiting"
    dismiss = ("offences", "dismiss", *about, "--reason", "the gardener")
    assert forewarn(*dismiss, "--wait", 0).returncode == 75
    watch.kill()  # the supervisor starts it again
    again = forewarn(*take_over, "--wait", PATIENCE_S)
    assert running.wait(PATIENCE_S) == 0

    events = events_of(data)
    given = [event for event in events if isinstance(event.data, CommandGiven)]
    story = [e for e in events if isinstance(e.data, OffenceData) and e.subject == offence_id]
    (taken,) = [event for event in story if isinstance(event.data, OffenceTakenOver)]
    assert taken.data.by_hand.command_id == given[0].id  # type: ignore[union-attr]
    assert all(e.time <= taken.time for e in story if isinstance(e.data, OffenceWarned))
    (ended,) = [event.data for event in story if isinstance(event.data, OutcomeData)]
    assert isinstance(ended, OffenceDismissed)
    assert [each.command for each in ended.operators_did] == ["take over", "dismiss"]
    # the third came when it was over, or was the first once more
    assert again.returncode == (0 if len(given) == 2 else 65)
    ends = [event.subject for event in events if isinstance(event.data, OutcomeData)]
    sealed = [e.data.offence_id for e in events if isinstance(e.data, EvidenceSealed)]
    assert len(ends) == len(set(ends)) == len(sealed) == len(set(sealed))

    listed = forewarn("evidence", "list", "--outcome", "dismissed", "--data", data.root, "--json")
    (record,) = [json.loads(line) for line in listed.stdout.splitlines()]
    (numbers,) = data.evidence.glob(f"{record['evidence_id']}/numbers.json")
    outcome = json.loads(numbers.read_text("utf-8"))["story"]["outcome"]["data"]
    assert (outcome["by_hand"]["operator"], outcome["by_hand"]["reason"]) == (
        "Wang",
        "the gardener",
    )
    audited = forewarn("audit", "--data", data.root, "--json")
    assert audited.returncode == 0, audited.stdout
