"""A live run takes what can be used of what is put in force, and goes on with what it has else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from dashboards.data.offence_projection import OffenceProjection
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.site.revisions import SiteRevision
from domain.site.site import Site
from event_log.log import EventLog
from event_log.site_in_force import site_in_force
from forewarn.programs.supervision.supervisor import Program, Supervisor
from forewarn.site import live_site as module
from forewarn.site.live_site import LiveSite
from forewarn.site.put_in_force import apply_file

RECIPIENT = "recipients:\n  - id: desk\n    url_env: FOREWARN_TEST_DESK\n"


class Run:
    """A live run of one program, which sleeps."""

    def __init__(self, folder: Path, sample: Path) -> None:
        self.data, self.site_file = DataDir(folder / "data"), folder / "site.yaml"
        shutil.copy(sample, self.site_file)
        self.text = self.site_file.read_text("utf-8")
        self.lines: list[str] = []
        self.sites: list[Site] = []
        self.is_stopping = False
        self.supervisor = Supervisor(self.lines.append)
        self.live = LiveSite(
            self.data,
            apply_file(self.site_file, self.data).revision,
            self.site_file,
            self.supervisor,
            self._programs,
            self.lines.append,
            lambda: self.is_stopping,
            [self.sites.append],
        )
        self.live.start()

    def _programs(self, revision: SiteRevision) -> list[Program]:
        argv = [sys.executable, "-c", "import time; time.sleep(600)", str(revision.number)]
        return [Program("it", argv, self.data.logs / "it.log", may_finish=False)]

    def apply(self, text: str) -> int:
        self.site_file.write_text(text, "utf-8")
        return apply_file(self.site_file, self.data).revision.number

    def look(self, times: int = 1) -> list[str]:
        """Look at what is in force; return what is told."""
        del self.lines[:]
        for _ in range(times):
            self.live._look_at_s = 0.0
            self.live()
        return list(self.lines)

    @property
    def runs_by(self) -> tuple[int, int]:
        """Tell which process runs, and by which revision."""
        process = self.supervisor.programs["it"].process
        assert process is not None and process.poll() is None
        return process.pid, int(str(process.args[-1]))  # type: ignore[index]

    def on_the_page(self) -> str | None:
        """Return what the live page says of the site file."""
        page = OffenceProjection(ZoneInfo("UTC"))
        with EventLog.open(self.data.events_db) as log:
            page.take(logged.event for logged in log.read())
        return page.site_file.reason if page.site_file else None


@pytest.fixture
def run(tmp_path: Path, sample_site_file: Path) -> Iterator[Run]:
    it = Run(tmp_path, sample_site_file)
    yield it
    it.supervisor.stop_all()


def test_a_revision_is_followed_by_all_programs_and_by_what_else_goes_by_the_site(run: Run) -> None:
    (first, _) = run.runs_by
    run.apply(run.text.replace("threshold_s: 5", "threshold_s: 7"))
    assert run.look() == ["site revision 2 is in force: the programs restart with it"]
    pid, revision = run.runs_by
    assert (pid != first, revision) == (True, 2)
    assert [site.rules[0].threshold_s for site in run.sites] == [7]
    assert run.look(2) == []


def test_a_revision_that_needs_a_secret_which_the_run_has_not_stops_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: all programs ended, notify's exit code 78 ended the run, and each start after it."""
    monkeypatch.delenv("FOREWARN_TEST_DESK", raising=False)
    before = run.runs_by
    run.look(2)
    assert run.apply(run.text + RECIPIENT) == 2
    (said,) = run.look(3)
    assert said.startswith(
        "site revision 2 cannot be used: recipient 'desk': needs an apprise address in "
        "FOREWARN_TEST_DESK, which is not set"
    )
    assert said.endswith("; what runs stays revision 1")
    assert run.runs_by == before and run.on_the_page() == said
    assert site_in_force(run.data).number == 1, "the log says what runs, for everybody who asks"

    monkeypatch.setenv("FOREWARN_TEST_DESK", "json://127.0.0.1:9")
    assert run.apply(run.text + RECIPIENT) == 2
    run.look()
    assert run.runs_by[1] == 2 and run.on_the_page() is None
    assert site_in_force(run.data).number == 2


def test_a_refused_file_that_is_taken_back_is_told_of_as_in_force_again(run: Run) -> None:
    run.apply(run.text + RECIPIENT)
    run.look(3)
    run.site_file.write_text(run.text, "utf-8")
    assert run.look(3) == ["site file is again the one in force, revision 1"]
    assert run.on_the_page() is None


def test_another_sites_file_is_refused(run: Run) -> None:
    before = run.runs_by
    run.apply(run.text.replace("  id: ", "  id: other-", 1))
    (said,) = run.look()
    assert "every site needs a data folder and a run of its own" in said
    assert run.runs_by == before


def test_what_nobody_foresaw_in_a_revision_ends_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    before = run.runs_by
    monkeypatch.setattr(module, "try_revision", fail)
    run.apply(run.text.replace("threshold_s: 5", "threshold_s: 7"))
    assert "it cannot be tried (RuntimeError)" in run.look()[0]
    assert run.runs_by == before


def test_a_program_that_restarts_reads_the_revision_of_its_run_and_no_newer_one(run: Run) -> None:
    """Before: one that crashed between the event and the supervisor's look ran beside older ones."""
    run.apply(run.text.replace("threshold_s: 5", "threshold_s: 7"))
    assert site_in_force(run.data).number == 2
    of_the_run = site_in_force(run.data, 1)
    assert (of_the_run.number, of_the_run.site.rules[0].threshold_s) == (1, 5)
    with pytest.raises(Stop, match="no site revision 9 is in force here"):
        site_in_force(run.data, 9)


@pytest.mark.parametrize("damage", ["removed", "changed", "facts"])
def test_a_revision_that_is_damaged_while_it_runs_is_written_again(run: Run, damage: str) -> None:
    """Before: the next restart of any program ended the run with exit code 78."""
    if damage == "removed":
        shutil.rmtree(run.data.site)
    else:
        path = run.data.site / ("000001.yaml" if damage == "changed" else "000001.json")
        path.write_text("half of", "utf-8")
    (said,) = run.look()
    assert "it is written again as the run has it" in said
    assert site_in_force(run.data).number == 1
    assert run.look() == []


def test_a_revision_that_cannot_be_written_again_is_told_once(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run.data.site / "000001.yaml").unlink()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(type(run.live._revisions), "freeze", full)
        (said,) = run.look(3)
    assert "No space left on device" in said
    assert "written again" in run.look()[0]


def test_a_revision_that_is_put_in_force_while_programs_end_is_followed_next(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_all = run.supervisor.replace_all

    def replace_meanwhile(programs: list[Program]) -> None:
        monkeypatch.undo()
        run.apply(run.text.replace("threshold_s: 5", "threshold_s: 9"))
        (run.data.site / "000002.json").unlink()  # of the one that is left; once the end of the run
        replace_all(programs)

    monkeypatch.setattr(run.supervisor, "replace_all", replace_meanwhile)
    run.apply(run.text.replace("threshold_s: 5", "threshold_s: 7"))
    run.look()
    assert run.runs_by[1] == 2
    run.look()
    assert run.runs_by[1] == 3


def test_nothing_is_started_for_a_run_that_is_about_to_end(run: Run) -> None:
    run.is_stopping = True
    run.apply(run.text.replace("threshold_s: 5", "threshold_s: 7"))
    run.look()
    assert run.supervisor.programs == {}
