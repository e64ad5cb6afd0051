"""A run whose whole data folder is full for some seconds goes on by itself, and loses nothing."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from domain.events.catalog import EvidenceSealed, OffenceOpened, OutcomeData, StorageChanged
from domain.ids import mint
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from tests.support.small_disk import MountRefused, SmallDisk, mounted

Run = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = [pytest.mark.slow, pytest.mark.triton, pytest.mark.timeout(900)]
FULL_FOR_S = 3.0


def logged(data: DataDir, kind: type | None = None) -> list[LoggedEvent]:
    try:
        with EventLog.open(data.events_db) as log:
            return [each for each in log.read() if isinstance(each.event.data, kind or object)]
    except ForewarnError:
        return []


def wait_for(data: DataDir, kind: type, at_most_s: float) -> None:
    until_s = time.monotonic() + at_most_s
    while not logged(data, kind) and time.monotonic() < until_s:
        time.sleep(0.2)


def fill_for_a_while(disk: SmallDisk, data: DataDir) -> None:
    """Fill it once somebody is watched, until that is told and some seconds longer."""
    until_s = time.monotonic() + 300
    while not data.events_db.exists() and time.monotonic() < until_s:
        time.sleep(0.1)
    wait_for(data, OffenceOpened, 300)
    disk.fill()
    wait_for(data, StorageChanged, 30)
    time.sleep(FULL_FOR_S)
    disk.free()


def test_a_full_data_folder_ends_no_run_and_costs_no_evidence(
    forewarn: Run, triton_address: str, one_offence: Path, tmp_path: Path
) -> None:
    """Before: a traceback out of the supervisor's own log line, and the run was over."""
    data = DataDir(tmp_path / "data")
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(mounted(data.root, size_mib=192))
        except MountRefused as error:
            pytest.skip(f"mounting is refused here: {error}")
        filling = threading.Thread(target=fill_for_a_while, args=(disk, data), daemon=True)
        filling.start()
        done = forewarn(
            *("run", one_offence, "--until-end", "--data", data.root, "--triton", triton_address)
        )
        filling.join(timeout=60)
        assert done.returncode == 0, done.stderr
        events = [each.event for each in logged(data)]
        states = [event.data.state for event in events if isinstance(event.data, StorageChanged)]
        assert "full" in states and states[-1] == "ok"
        assert ": full, " in done.stderr and ": well again, " in done.stderr
        ended = {mint("evd", each.subject) for each in events if isinstance(each.data, OutcomeData)}
        sealed = [event.data for event in events if isinstance(event.data, EvidenceSealed)]
        assert ended and {record.evidence_id for record in sealed} == ended
        assert all(record.complete for record in sealed)
