"""A site file is frozen before it counts: edits, kills and damage leave one mind, or a clear error."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from casework.retention.evidence_events import EvidenceEvents
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.events.catalog import SiteApplied
from domain.site.loading import SHIPPED
from domain.site.revisions import SiteRevisions
from event_log.log import EventLog
from event_log.site_in_force import find_site_in_force, site_in_force
from evidence_store.custody.chain import CustodyChain
from forewarn.programs.start import run_site_program
from forewarn.site import put_in_force as module
from forewarn.site.put_in_force import InForce, apply_file


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "data")


@pytest.fixture
def site_file(sample_site_file: Path, tmp_path: Path) -> Path:
    """Copy the sample's site file; its footage need not be there."""
    folder = tmp_path / "site"
    folder.mkdir()
    shutil.copy(sample_site_file, folder / "site.yaml")
    return folder / "site.yaml"


def edit(site_file: Path, old: str = "threshold_s: 5", new: str = "threshold_s: 7") -> None:
    text = site_file.read_text("utf-8")
    assert old in text
    site_file.write_text(text.replace(old, new), "utf-8")


def applied(data: DataDir) -> list[SiteApplied]:
    with EventLog.open(data.events_db) as log:
        events = log.read(types=[SiteApplied.event_type])
    return [each.event.data for each in events if isinstance(each.event.data, SiteApplied)]


def numbers(done: InForce) -> tuple[int, int | None, bool]:
    return done.revision.number, done.before, done.was_restored


def test_the_same_file_is_frozen_once_and_another_one_gets_the_next_number(
    data: DataDir, site_file: Path
) -> None:
    assert numbers(apply_file(site_file, data)) == (1, None, False)
    assert numbers(apply_file(site_file, data)) == (1, 1, False)
    edit(site_file)
    assert numbers(apply_file(site_file, data)) == (2, 1, False)
    edit(site_file, "threshold_s: 7", "threshold_s: 5")
    assert numbers(apply_file(site_file, data)) == (3, 2, False)
    assert [each.revision for each in applied(data)] == [1, 2, 3]
    assert applied(data)[0].sha256 == applied(data)[2].sha256


def test_what_is_in_force_is_read_with_the_originals_folder_and_not_from_it(
    data: DataDir, site_file: Path
) -> None:
    shutil.copy(SHIPPED, site_file.parent / "city.yaml")
    edit(site_file, "cameras:\n", "taxonomy: city.yaml\n\ncameras:\n")
    before = apply_file(site_file, data).revision.site
    site_file.write_text("site: [broken", "utf-8")
    (site_file.parent / "city.yaml").unlink()
    revision = site_in_force(data)
    assert revision.site == before
    assert revision.base == site_file.parent
    assert revision.path_of("crossing.mp4") == site_file.parent / "crossing.mp4"
    assert revision.path_of("city.yaml").read_bytes() == SHIPPED.read_bytes()


def test_a_program_that_starts_after_the_file_broke_reads_what_is_in_force(
    data: DataDir, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_file(site_file, data)
    site_file.write_text("site: [broken", "utf-8")
    argv = ["announce", "--data", str(data.root), "--triton", "127.0.0.1:1"]
    monkeypatch.setattr("sys.argv", argv)
    seen: list[float] = []
    run_site_program(
        "announce", lambda _, in_force: seen.append(in_force.site.rules[0].threshold_s)
    )
    assert seen == [5]


def test_a_file_that_changes_beside_the_site_file_is_a_change_too(
    data: DataDir, site_file: Path
) -> None:
    taxonomy = site_file.parent / "city.yaml"
    shutil.copy(SHIPPED, taxonomy)
    edit(site_file, "cameras:\n", "taxonomy: city.yaml\n\ncameras:\n")
    apply_file(site_file, data)
    taxonomy.write_text(taxonomy.read_text("utf-8") + "\n# winter\n", "utf-8")
    assert numbers(apply_file(site_file, data)) == (2, 1, False)


def test_the_same_content_in_another_folder_is_another_revision(
    data: DataDir, site_file: Path, tmp_path: Path
) -> None:
    apply_file(site_file, data)
    moved = tmp_path / "elsewhere"
    site_file.parent.rename(moved)
    done = apply_file(moved / "site.yaml", data)
    assert numbers(done) == (2, 1, False)
    assert done.revision.base == moved


@pytest.mark.parametrize("name", ["000001.yaml", "000001.json"])
@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_a_damaged_revision_is_named_with_the_cure_and_the_cure_works(
    data: DataDir, site_file: Path, name: str, damage: str
) -> None:
    apply_file(site_file, data)
    before = site_in_force(data).site
    path = data.site / name
    path.unlink() if damage == "gone" else path.write_text("{}", "utf-8")
    with pytest.raises(Stop, match=rf"{name}: .*forewarn site apply"):
        site_in_force(data)
    assert numbers(apply_file(site_file, data)) == (1, 1, True)
    assert site_in_force(data).site == before
    assert len(applied(data)) == 1


def test_a_damaged_revision_is_no_reason_to_use_the_one_before(
    data: DataDir, site_file: Path
) -> None:
    apply_file(site_file, data)
    edit(site_file)
    apply_file(site_file, data)
    (data.site / "000002.yaml").unlink()
    with pytest.raises(Stop, match="site revision 2, cannot be read: No such file"):
        site_in_force(data)


def test_a_call_that_was_killed_between_freezing_and_its_event_is_taken_up(
    data: DataDir, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_file(site_file, data)
    edit(site_file)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(EventLog, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        apply_file(site_file, data)
    assert SiteRevisions(data.site).numbers() == [1, 2]
    assert site_in_force(data).number == 1
    assert numbers(apply_file(site_file, data)) == (2, 1, False)
    assert [each.revision for each in applied(data)] == [1, 2]


def test_a_call_that_was_killed_while_it_froze_leaves_nothing_that_counts(
    data: DataDir, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_file(site_file, data)
    (data.site / "000002.yaml").write_text("half of", "utf-8")
    assert site_in_force(data).number == 1
    edit(site_file)
    assert numbers(apply_file(site_file, data)) == (2, 1, False)
    assert site_in_force(data).site.rules[0].threshold_s == 7


def test_two_at_once_give_two_revisions_and_the_last_word_is_in_force(
    data: DataDir, site_file: Path, tmp_path: Path
) -> None:
    apply_file(site_file, data)
    files = []
    for threshold_s in range(10, 16):
        other = site_file.with_name(f"site-{threshold_s}.yaml")
        shutil.copy(site_file, other)
        edit(other, "threshold_s: 5", f"threshold_s: {threshold_s}")
        files.append(other)
    with ThreadPoolExecutor(len(files)) as pool:
        list(pool.map(lambda path: apply_file(path, data), files))
    assert [each.revision for each in applied(data)] == list(range(1, 8))
    last = SiteRevisions(data.site).facts(7)
    threshold_s = int(Path(last.source).stem.removeprefix("site-"))
    assert site_in_force(data).site.rules[0].threshold_s == threshold_s


def test_a_file_that_is_saved_while_it_is_read_is_not_frozen(
    data: DataDir, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = module.load_checked_site

    def check_while_it_is_saved(path: Path) -> object:
        site = check(path)
        edit(site_file)
        return site

    monkeypatch.setattr(module, "load_checked_site", check_while_it_is_saved)
    with pytest.raises(module.TryAgain, match="was changed while it was read"):
        apply_file(site_file, data)
    assert find_site_in_force(data) is None


def test_what_is_in_force_outlives_the_terms_of_events(data: DataDir, site_file: Path) -> None:
    from datetime import UTC, datetime

    apply_file(site_file, data)
    EvidenceEvents(data.events_db).forget_recorded_before(
        datetime(2999, 1, 1, tzinfo=UTC), (), CustodyChain(data.custody)
    )
    assert site_in_force(data).number == 1


def test_a_frozen_file_that_the_site_file_names_is_checked_as_well(
    data: DataDir, site_file: Path
) -> None:
    shutil.copy(SHIPPED, site_file.parent / "city.yaml")
    edit(site_file, "cameras:\n", "taxonomy: city.yaml\n\ncameras:\n")
    apply_file(site_file, data)
    (frozen,) = (data.site / "files").iterdir()
    frozen.write_text(frozen.read_text("utf-8") + "\n# winter\n", "utf-8")
    with pytest.raises(Stop, match=r"revision 1 \(city.yaml\), was changed"):
        site_in_force(data)
