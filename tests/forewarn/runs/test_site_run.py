"""A whole live run whose site file is broken, edited and put in force meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from domain.data_dir import DataDir
from domain.events.catalog import Event, OffenceOpened, OutcomeData, SiteApplied
from event_log.log import EventLog

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 240.0

pytestmark = [pytest.mark.slow(file_takes_s=80), pytest.mark.triton]


class LiveRun:
    """A live run on a copy of the sample's site file."""

    def __init__(self, folder: Path, sample: Path, triton: str, keys: Path) -> None:
        self.data, self.site_file = DataDir(folder / "data"), folder / "site.yaml"
        self.text = sample.read_text("utf-8").replace(
            "crossing.mp4", f"{sample.parent}/crossing.mp4"
        )
        self.site_file.write_text(self.text, "utf-8")
        self.terminal = folder / "terminal"
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "FOREWARN_KEYS": str(keys)}
        argv = ["run", self.site_file, "--data", self.data.root, "--triton", triton]
        with self.terminal.open("wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "forewarn", *map(str, argv)],
                cwd=ROOT,
                env=self.environment,
                stdout=terminal,
                stderr=subprocess.STDOUT,
            )

    def shown(self) -> str:
        return " ".join(self.terminal.read_text("utf-8").split())

    def events(self) -> list[Event]:
        if not self.data.events_db.exists():
            return []
        with EventLog.open(self.data.events_db) as log:
            return [logged.event for logged in log.read(limit=10_000)]

    def opened(self) -> list[OffenceOpened]:
        return [each.data for each in self.events() if isinstance(each.data, OffenceOpened)]

    def pid_of(self, program: str) -> int | None:
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # one that has ended and is not collected yet
                if f"forewarn.programs.{program}" in child.cmdline():
                    return child.pid
        return None

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + PATIENCE_S
        while not is_so():
            assert self.process.poll() is None, f"the run ended:\n{self.shown()}"
            assert time.monotonic() < give_up_at, f"it did not come:\n{self.shown()}"
            time.sleep(0.1)

    def apply(self) -> subprocess.CompletedProcess[str]:
        argv = ["site", "apply", "--data", str(self.data.root), "--reason", "winter"]
        return subprocess.run(
            [sys.executable, "-m", "forewarn", *argv],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )


@pytest.fixture
def run(
    tmp_path: Path, sample_site_file: Path, triton_address: str, site_key: Path
) -> Iterator[LiveRun]:
    it = LiveRun(tmp_path, sample_site_file, triton_address, site_key)
    yield it
    it.process.terminate()
    it.process.wait(PATIENCE_S)


def test_a_broken_file_ends_nothing_and_an_edit_counts_once_it_is_applied(run: LiveRun) -> None:
    run.wait_until(lambda: bool(run.opened()))
    # killed while somebody saves a file with a mistake in it: once the end of the whole run
    run.site_file.write_text(run.text + "\n  rules: [", "utf-8")
    run.wait_until(lambda: "site file has an error at line" in run.shown())
    killed = run.pid_of("announce")
    assert killed is not None
    psutil.Process(killed).kill()
    run.wait_until(lambda: run.pid_of("announce") not in (killed, None))
    run.wait_until(lambda: (run.data.beats / "announce").exists())
    refused = run.apply()
    assert refused.returncode == 78 and "not YAML" in refused.stderr

    run.site_file.write_text(run.text.replace("threshold_s: 5", "threshold_s: 4"), "utf-8")
    run.wait_until(lambda: "site file changed, not in force" in run.shown())
    before = {name: run.pid_of(name) for name in ("watch", "announce", "preserve", "mask")}
    done = run.apply()
    assert done.returncode == 0, done.stderr
    assert "no-lingering changed threshold_s" in " ".join(done.stderr.split())
    assert "revision 2 is in force; the run restarts its programs" in " ".join(done.stderr.split())
    run.wait_until(lambda: all(run.pid_of(name) not in (pid, None) for name, pid in before.items()))
    run.wait_until(lambda: run.opened()[-1].threshold_s == 4)
    events = run.events()
    applied = [each.data.revision for each in events if isinstance(each.data, SiteApplied)]
    assert applied == [1, 2]
    ends = Counter(each.subject for each in events if isinstance(each.data, OutcomeData))
    openings = Counter(each.offence_id for each in run.opened())
    assert set(openings.values()) == {1} and set(ends.values()) <= {1}
    assert "ended unexpectedly (exit code -9)" in run.shown()
    assert "cannot start" not in run.shown()
