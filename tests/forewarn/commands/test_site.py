"""`forewarn site`: what differs is listed, what is sound is put in force, what is not changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.data_dir import DataDir
from domain.errors import ForewarnError, Stop, TryAgain
from event_log.site_in_force import applied_in
from forewarn.commands.site import app
from forewarn.programs.supervision.run_lock import find_run, run_lock
from forewarn.site.put_in_force import apply_file


@pytest.fixture
def site_file(sample_site_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sample_site_file, tmp_path / "site.yaml"))


@pytest.fixture
def data(tmp_path: Path, site_file: Path) -> DataDir:
    """Make a data folder in which the sample's site file is in force."""
    folder = DataDir(tmp_path / "data")
    apply_file(site_file, folder)
    return folder


def site(data: DataDir, *argv: object) -> str:
    """Run a command in this process; return what it prints; raise what it raises."""
    done = CliRunner().invoke(app, [*map(str, argv), "--data", str(data.root)])
    if isinstance(done.exception, ForewarnError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def edit(site_file: Path) -> None:
    text = site_file.read_text("utf-8").replace("threshold_s: 5", "threshold_s: 7")
    site_file.write_text(text, "utf-8")


def test_a_dry_run_says_what_differs_and_changes_nothing(data: DataDir, site_file: Path) -> None:
    edit(site_file)
    said = json.loads(site(data, "apply", site_file, "--dry-run", "--json"))
    change = {"part": "rules", "name": "no-lingering", "change": "changed"}
    assert said == {"in_force": 1, "before": 1, "changes": [change | {"settings": ["threshold_s"]}]}
    assert sorted(path.name for path in data.site.iterdir()) == ["000001.json", "000001.yaml"]


def test_applying_without_a_file_takes_the_one_that_is_in_force_was_read_from(
    data: DataDir, site_file: Path
) -> None:
    edit(site_file)
    said = json.loads(site(data, "apply", "--reason", "winter", "--by", "Wang Fang", "--json"))
    assert (said["before"], said["in_force"]) == (1, 2)
    applied = applied_in(data)
    assert applied is not None
    assert (applied.by, applied.reason, applied.revision) == ("Wang Fang", "winter", 2)
    assert json.loads(site(data, "apply", "--json")) == {"in_force": 2, "before": 2, "changes": []}
    rows = [json.loads(line) for line in site(data, "list", "--json").splitlines()]
    assert [(row["revision"], row["in_force"], row["reason"]) for row in rows] == [
        (1, False, ""),
        (2, True, "winter"),
    ]
    assert "threshold_s: 5" in site(data, "show", "1")
    assert "threshold_s: 7" in site(data, "show")


def test_a_file_with_faults_is_not_put_in_force(data: DataDir, site_file: Path) -> None:
    site_file.write_text("site: [broken", "utf-8")
    with pytest.raises(ForewarnError, match=r"site\.yaml:1: not YAML") as refused:
        site(data, "apply")
    assert refused.value.exit_code == 78
    applied = applied_in(data)
    assert applied is not None and applied.revision == 1


def test_what_was_added_and_removed_is_named_and_no_value_is_shown(
    data: DataDir, site_file: Path
) -> None:
    text = site_file.read_text("utf-8").replace("gate-late", "gate-west")
    site_file.write_text(text.replace("url: crossing.mp4", "url: hidden-name.mp4"), "utf-8")
    said = site(data, "apply", "--dry-run", "--json")
    found = {(each["name"], each["change"]) for each in json.loads(said)["changes"]}
    assert {("gate-west", "added"), ("gate-late", "removed"), ("gate-early", "changed")} <= found
    assert "hidden-name" not in said


def test_while_footage_is_played_nothing_is_put_in_force(data: DataDir, site_file: Path) -> None:
    edit(site_file)
    assert find_run(data) is None
    with run_lock(data, plays_footage=True):
        assert find_run(data) == "footage"
        with pytest.raises(TryAgain, match="footage is being played"):
            site(data, "apply")
    with run_lock(data):
        assert find_run(data) == "live"
        assert json.loads(site(data, "apply", "--json"))["in_force"] == 2


def test_without_a_run_before_a_file_has_to_be_named(tmp_path: Path, site_file: Path) -> None:
    empty = DataDir(tmp_path / "empty")
    with pytest.raises(ForewarnError, match="name one: forewarn site apply SITE"):
        site(empty, "apply")
    assert json.loads(site(empty, "apply", site_file, "--json"))["in_force"] == 1


def test_a_damaged_revision_is_written_again_by_applying_its_file(
    data: DataDir, site_file: Path
) -> None:
    (data.site / "000001.yaml").unlink()
    assert json.loads(site(data, "apply", site_file, "--json"))["in_force"] == 1
    assert (data.site / "000001.yaml").read_bytes() == site_file.read_bytes()


def test_another_sites_file_is_refused_before_anything_is_frozen(
    data: DataDir, site_file: Path
) -> None:
    text = site_file.read_text("utf-8").replace("  id: ", "  id: other-", 1)
    site_file.write_text(text, "utf-8")
    for more in ([], ["--dry-run"]):
        with pytest.raises(Stop, match=r"is of site 'other-.* name that site's data folder"):
            site(data, "apply", site_file, *more)
    assert [path.name for path in data.site.glob("*.json")] == ["000001.json"]
