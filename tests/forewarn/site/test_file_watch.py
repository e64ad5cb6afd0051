"""An edited, broken or missing original is told of once for each change, and changes nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards.data.offence_projection import OffenceProjection
from domain.data_dir import DataDir
from domain.events.catalog import SiteFileChanged
from event_log.log import EventLog
from event_log.site_in_force import site_in_force
from forewarn.site import file_watch as module
from forewarn.site.file_watch import SiteFileWatch
from forewarn.site.put_in_force import apply_file


class Watched:
    """A site file in force, its original, and what is told of it."""

    def __init__(self, folder: Path, sample: Path) -> None:
        self.data, self.site_file = DataDir(folder / "data"), folder / "site.yaml"
        shutil.copy(sample, self.site_file)
        self.revision = apply_file(self.site_file, self.data).revision
        self.log = EventLog.open(self.data.events_db)
        self.lines: list[str] = []
        self.watch = SiteFileWatch(self.log, self.site_file, self.lines.append)
        self.text = self.site_file.read_text("utf-8")

    def look(self) -> list[str]:
        """Look until the file has come to rest; return what is told."""
        del self.lines[:]
        for _ in range(3):
            self.watch.look(self.revision)
        return list(self.lines)

    def events(self) -> list[SiteFileChanged]:
        read = self.log.read(types=[SiteFileChanged.event_type])
        return [each.event.data for each in read if isinstance(each.event.data, SiteFileChanged)]


@pytest.fixture
def watched(tmp_path: Path, sample_site_file: Path) -> Iterator[Watched]:
    it = Watched(tmp_path, sample_site_file)
    yield it
    it.log.close()


def test_a_file_that_nobody_edits_is_not_told_of(watched: Watched) -> None:
    assert watched.look() == []
    os.utime(watched.site_file)
    assert watched.look() == []
    assert watched.events() == []


def test_an_edit_is_told_once_and_is_not_in_force(watched: Watched) -> None:
    watched.look()
    watched.site_file.write_text(watched.text.replace("threshold_s: 5", "threshold_s: 9"), "utf-8")
    words = "site file changed, not in force: forewarn site apply; what runs is revision 1"
    assert watched.look() == [words]
    assert watched.look() == []
    os.utime(watched.site_file)
    assert watched.look() == []
    assert site_in_force(watched.data).site.rules[0].threshold_s == 5
    (event,) = watched.events()
    assert (event.standing, event.reason) == ("edited", words)
    assert "尚未生效" in event.reason_zh


def test_a_fault_is_told_with_its_line_and_not_with_what_stands_there(watched: Watched) -> None:
    watched.look()
    broken = watched.text.replace("threshold_s: 5", "threshold_s: secret123")
    watched.site_file.write_text(broken, "utf-8")
    line = broken[: broken.index("secret123")].count("\n") + 1
    (said,) = watched.look()
    assert said.startswith(f"site file has an error at line {line} ")
    assert "what runs is revision 1" in said
    watched.site_file.write_text("site: [broken", "utf-8")
    (said,) = watched.look()
    assert "error at line 1" in said
    assert "secret123" not in str(watched.events())
    assert [each.standing for each in watched.events()] == ["faulty", "faulty"]


def test_one_that_is_gone_and_comes_back_is_told_both_times(watched: Watched) -> None:
    watched.look()
    watched.site_file.unlink()
    assert watched.look() == ["site file cannot be read: what runs is revision 1"]
    watched.site_file.write_text(watched.text, "utf-8")
    assert watched.look() == ["site file is again the one in force, revision 1"]


def test_a_file_that_is_being_written_is_judged_when_it_has_come_to_rest(watched: Watched) -> None:
    watched.look()
    watched.site_file.write_text(watched.text[:200], "utf-8")
    watched.watch.look(watched.revision)
    watched.site_file.write_text(watched.text.replace("threshold_s: 5", "threshold_s: 9"), "utf-8")
    assert watched.look() == [
        "site file changed, not in force: forewarn site apply; what runs is revision 1"
    ]


def test_the_console_says_it_until_the_file_is_in_force(watched: Watched) -> None:
    from zoneinfo import ZoneInfo

    def shown() -> str | None:
        projection = OffenceProjection(ZoneInfo("UTC"))
        projection.take(each.event for each in watched.log.read())
        return projection.site_file and projection.site_file.standing

    assert shown() is None
    watched.look()
    watched.site_file.write_text(watched.text.replace("threshold_s: 5", "threshold_s: 9"), "utf-8")
    watched.look()
    assert shown() == "edited"
    apply_file(watched.site_file, watched.data)
    assert shown() is None


def test_a_run_that_begins_takes_back_what_the_one_before_told(watched: Watched) -> None:
    watched.look()
    watched.site_file.write_text(watched.text.replace("threshold_s: 5", "threshold_s: 9"), "utf-8")
    watched.look()
    watched.site_file.write_text(watched.text, "utf-8")
    watched.watch = SiteFileWatch(watched.log, watched.site_file, watched.lines.append)
    assert watched.look() == ["site file is again the one in force, revision 1"]


def test_a_fault_that_no_check_foresaw_is_told_and_ends_nothing(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise RuntimeError("geometry")

    watched.look()
    watched.site_file.write_text(watched.text + "# edited", "utf-8")
    monkeypatch.setattr(module, "read_checked_content", fail)
    assert watched.look() == [
        "site file has an error (forewarn check names it): what runs is revision 1"
    ]


def test_a_file_that_is_still_being_written_is_not_judged(watched: Watched) -> None:
    watched.look()
    del watched.lines[:]
    for half in ("site: [", "site: [broken", watched.text):
        watched.site_file.write_text(half, "utf-8")
        watched.watch.look(watched.revision)
    assert watched.lines == [] and watched.look() == []
