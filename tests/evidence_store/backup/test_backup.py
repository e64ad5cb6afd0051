"""Backups: what is in them fits together, damage is named, and what is restored verifies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sealed_record import a_record

from domain.data_dir import DataDir
from domain.errors import PutAside, TryAgain
from domain.events.catalog import CameraChanged, Event
from event_log.log import EventLog
from evidence_store.backup.create import create_backup
from evidence_store.backup.restore import check_backup, restore_backup
from evidence_store.backup.store import BackupContents, BackupStore
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.keys.encryption_keys import EncryptionKeyFolder, EncryptionKeyMissing
from evidence_store.keys.signing_keys import KeyFolder, new_signer
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.additions import add_files
from evidence_store.vault.open_vault import open_vault
from evidence_store.verify_data_folder import Verifier

ROOT = Path(__file__).resolve().parents[3]
SEALS_ON_AND_ON = """
import itertools, sys
sys.path.insert(0, "tests/evidence_store/backup")
from pathlib import Path
from test_backup import Site
site = Site(Path(sys.argv[1]))
for number in itertools.count(100):
    site.seal(number)
    print(number, flush=True)
"""


class Site:
    """A data folder with signed, encrypted records, their rows, and events."""

    def __init__(self, root: Path) -> None:
        self.data = DataDir(root)
        keys, encryption = KeyFolder(self.data.keys), EncryptionKeyFolder(self.data.keys)
        self.signer = keys.signer() if keys.has_key() else keys.create()
        if not encryption.has_key():
            encryption.create()
        self.chain = CustodyChain(self.data.custody, self.signer)
        self.vault = open_vault(self.data, self.data.keys)

    def seal(self, number: int) -> str:
        evidence_id = f"evd-{number:016x}"
        roles = {"clip.mp4": "clip", "first.masked.jpg": "masked snapshot"}
        with self.vault.draft(evidence_id) as draft:
            for name in roles:
                (draft / name).write_bytes(f"{name} of {number}".encode() * 50)
            record = self.vault.seal(draft, a_record(evidence_id), roles, {}, self.signer)
        note_sealed(self.chain, self.vault.folder_of(evidence_id), "ofc-1")
        EvidenceTable.open(self.data.lancedb).put([record])
        changed = CameraChanged(
            site_id="campus",
            camera_id="gate",
            status="up",
            reason="",
            frames_read=0,
            frames_put_aside=0,
        )
        event = Event(f"evt-{number}", "forewarn/campus/t", "gate", datetime.now(UTC), changed)
        with EventLog.open(self.data.events_db) as log:
            log.append([event])
        return evidence_id

    def back_up(self, store: BackupStore, **more: bool) -> BackupContents:
        return create_backup(self.data, store, self.chain, self.data.keys, quiet, **more)


def quiet(*_: object) -> None:
    """Nobody looks at the progress here."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "var")
    for number in range(3):
        made.seal(number)
    return made


@pytest.fixture
def store(tmp_path: Path) -> BackupStore:
    return BackupStore.open(tmp_path / "backup", create=True)


def restored(store: BackupStore, name: str, root: Path, keys: Path | None = None) -> DataDir:
    done = restore_backup(store, name, DataDir(root), keys, quiet)
    assert done.problems == []
    return DataDir(root)


def problems_in(data: DataDir, keys: Path | None = None) -> list[str]:
    """As `forewarn evidence verify` finds them."""
    verifier, table = Verifier.open(data, keys), EvidenceTable.open(data.lancedb)
    ids = table.facts().column("evidence_id").to_pylist()
    assert sorted(ids) == verifier.vault.ids()
    rows = [table.get(each) for each in ids]
    found = [problem for row in rows if row for problem in verifier.problems_of(row)]
    return [*verifier.problems, *found, *verifier.vanished(ids)]


def test_a_restored_folder_verifies_and_holds_what_the_old_one_did(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    snapshot = site.back_up(store)
    assert (snapshot.records, snapshot.custody_entries, snapshot.missing) == (3, 3, ())
    assert check_backup(store, snapshot.name, quiet).problems == []
    data = restored(store, snapshot.name, tmp_path / "new", site.data.keys)
    assert problems_in(data, site.data.keys) == []
    for path in (path for path in site.data.evidence.rglob("*") if path.is_file()):
        copy = data.evidence / path.relative_to(site.data.evidence)
        assert copy.read_bytes() == path.read_bytes() and copy.stat().st_mode & 0o777 == 0o444
    old, new = EventLog.open(site.data.events_db), EventLog.open(data.events_db)
    with old, new:
        assert [each.event for each in new.read()] == [each.event for each in old.read()]
    assert not (data.keys / "site-key.pem").exists()
    assert site.chain.about("")[-1]["kind"] == "backed up"


def test_a_backup_of_the_next_day_costs_what_is_new(site: Site, store: BackupStore) -> None:
    site.back_up(store)
    before = objects(store)
    written = {path: path.stat().st_mtime_ns for path in before}
    site.seal(7)
    second = site.back_up(store)
    # the new record's six files, the chain, the event log and the listing
    assert len(objects(store) - before) == 9 and second.records == 4
    assert all(path.stat().st_mtime_ns == at for path, at in written.items())


def test_private_keys_come_along_only_when_asked_for(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    without = site.back_up(store)
    with pytest.raises(EncryptionKeyMissing, match="which is not at hand"):
        restore_backup(store, without.name, DataDir(tmp_path / "closed"), None, quiet)
    assert not (tmp_path / "closed").exists()
    closed = restore_backup(
        store, without.name, DataDir(tmp_path / "closed"), None, quiet, keep_damaged=True
    )
    assert sum("a row without vectors" in each for each in closed.problems) == 3
    whole = site.back_up(store, with_private_keys=True)
    data = restored(store, whole.name, tmp_path / "open")
    for name in ("site-key.pem", "encryption.key"):
        assert (data.keys / name).stat().st_mode & 0o777 == 0o600
    assert problems_in(data) == []


def test_every_object_that_is_changed_cut_off_or_gone_is_named(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    snapshot = site.back_up(store)
    names: dict[str, set[str]] = {}
    for each in store.listing(snapshot):
        names.setdefault(each.sha256, set()).add(each.name)
    assert len(names) >= 17
    for sha256, wanted in names.items():
        path = store.path_of(sha256)
        sound = path.read_bytes()
        flipped = bytearray(sound)
        flipped[len(sound) // 2] ^= 4
        for content in (bytes(flipped), sound[:-1], None):
            path.unlink()
            if content is not None:
                path.write_bytes(content)
            found = check_backup(store, snapshot.name, quiet).problems
            named = {each.partition(":")[0] for each in found if not each.startswith("/")}
            assert named == wanted, (wanted, found)
            path.write_bytes(sound)
    some = next(path for path in objects(store) if path.name != snapshot.listing_sha256)
    some.write_bytes(b"damaged")
    new, keys = DataDir(tmp_path / "new"), site.data.keys
    with pytest.raises(PutAside, match="nothing was restored"):
        restore_backup(store, snapshot.name, new, keys, quiet)
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []
    kept = restore_backup(store, snapshot.name, new, keys, quiet, keep_damaged=True)
    assert kept.problems and new.custody.exists()


def test_every_byte_of_snapshot_signature_and_listing(site: Site, store: BackupStore) -> None:
    snapshot = site.back_up(store)
    head = store.folder / "snapshots" / f"{snapshot.name}.json"
    signature, listing = head.with_name(f"{head.name}.sig"), store.path_of(snapshot.listing_sha256)
    for path, step in ((head, 1), (signature, 1), (listing, 37)):
        sound = path.read_bytes()
        for position in range(0, len(sound), step):
            changed = bytearray(sound)
            changed[position] ^= 1 << position % 8
            path.write_bytes(changed)
            assert faults(store, snapshot.name), (path.name, position)
        path.write_bytes(sound)
    assert faults(store, snapshot.name) == []


def test_a_backup_by_somebody_else_does_not_pass_for_this_site_s(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    forger = Site(tmp_path / "forger")
    forger.seal(0)
    forged = forger.back_up(store)
    whole = check_backup(store, forged.name, quiet)
    assert (whole.problems, whole.pinned) == ([], False), "it is whole in itself"
    pinned = check_backup(store, forged.name, quiet, anchors=[site.signer.key_id])
    assert pinned.pinned and any("not this site's" in each for each in pinned.problems)
    assert "unknown key" in check_backup(store, forged.name, quiet, site=site.data).problems[0]
    new = DataDir(tmp_path / "new")
    anchors = [site.signer.key_id]
    done = restore_backup(store, forged.name, new, None, quiet, keep_damaged=True, anchors=anchors)
    assert any("not this site's" in each for each in done.problems)


@pytest.mark.parametrize("is_signed", [True, False])
def test_a_backup_that_the_chain_s_keys_did_not_sign_is_named(
    site: Site, store: BackupStore, is_signed: bool
) -> None:
    """A key that lies among the public ones proves nothing, in a backup as little as in a data folder."""
    strangers = new_signer() if is_signed else None
    if strangers:
        KeyFolder(site.data.keys).publish(strangers)
    chain = CustodyChain(site.data.custody, strangers)
    snapshot = create_backup(site.data, store, chain, site.data.keys, quiet)
    (problem,) = check_backup(store, snapshot.name, quiet).problems
    assert ("unknown key" if is_signed else "is not signed, though") in problem


def test_a_record_that_is_gone_is_named_and_the_rest_is_kept(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    lost = site.vault.folder_of("evd-0000000000000001")
    shutil.rmtree(lost)
    snapshot = site.back_up(store)
    assert snapshot.missing == (f"{lost.name}: the folder is gone",) and snapshot.records == 2
    keys = site.data.keys
    done = restore_backup(store, snapshot.name, DataDir(tmp_path / "new"), keys, quiet)
    assert done.problems == [] and lost.name in done.remarks[0]
    site.chain.append("erased", lost.name, {})
    assert site.back_up(store).missing == ()


def test_backups_made_while_evidence_is_sealed_fit_together(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    with sealing(site) as child:
        snapshots = []
        for _ in range(3):
            child.next()
            snapshots.append(site.back_up(store))
    assert snapshots[0].records < snapshots[-1].records
    for number, snapshot in enumerate(snapshots):
        assert snapshot.missing == ()
        data = restored(store, snapshot.name, tmp_path / f"new-{number}", site.data.keys)
        assert problems_in(data, site.data.keys) == []


def test_a_kill_while_a_backup_is_made_leaves_no_half_one(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    first = site.back_up(store)
    (site.data.announcements).mkdir()
    for number in range(300):
        (site.data.announcements / f"{number}.wav").write_bytes(os.urandom(20_000))
    script = (
        "import sys; sys.path.insert(0, 'tests/evidence_store/backup')\n"
        "from pathlib import Path; from test_backup import *\n"
        f"Site(Path({str(site.data.root)!r})).back_up(BackupStore(Path({str(store.folder)!r})))\n"
    )
    before = len(objects(store))
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment()) as child:
        wait_for(lambda: len(objects(store)) > before + 20 or child.poll() is not None)
        child.send_signal(signal.SIGKILL)
    if store.names() == [first.name]:  # the kill came in time
        assert len(objects(store)) > before
    last = site.back_up(store)
    assert check_backup(store, last.name, quiet).problems == []
    assert not list((store.folder / "objects").glob(".*"))
    restored(store, last.name, tmp_path / "new", site.data.keys)


def test_pruning_frees_what_no_other_backup_needs(site: Site, store: BackupStore) -> None:
    site.back_up(store)
    erased = site.vault.folder_of("evd-0000000000000000")
    clip = (erased / "clip.mp4.enc").read_bytes()
    shutil.rmtree(erased)
    site.chain.append("erased", erased.name, {})
    last = site.back_up(store)
    assert any(path.read_bytes() == clip for path in objects(store)), "the older backup has it"
    assert store.drop(store.names()[:-1]) > 0
    assert store.names() == [last.name] and faults(store, last.name) == []
    assert not any(path.read_bytes() == clip for path in objects(store))


def test_what_was_erased_since_stays_erased_where_the_chain_was_saved(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    snapshot = site.back_up(store)
    erased, later = "evd-0000000000000000", site.seal(9)
    shutil.rmtree(site.vault.folder_of(erased))
    site.chain.append("erasing", erased, {})
    site.chain.append("erased", erased, {})
    new, keys = DataDir(tmp_path / "new"), site.data.keys
    saved = site.data.custody
    done = restore_backup(store, snapshot.name, new, keys, quiet, newer_chain=saved)
    assert done.problems == [] and done.remarks == [
        f"{later}: was sealed after the backup, and is lost"
    ]
    assert sorted(path.name for path in new.evidence.iterdir()) == [
        "evd-0000000000000001",
        "evd-0000000000000002",
    ]
    assert new.custody.read_bytes() == saved.read_bytes()
    assert problems_in(new, keys) == [each for each in problems_in(new, keys) if later in each]
    other = Site(tmp_path / "other")
    other.seal(1)
    with pytest.raises(PutAside, match="does not go on from"):
        restore_backup(
            store,
            snapshot.name,
            DataDir(tmp_path / "n2"),
            keys,
            quiet,
            newer_chain=other.data.custody,
        )


def test_copies_added_later_are_taken_once_the_chain_tells_of_them(
    site: Site, store: BackupStore, tmp_path: Path
) -> None:
    logged, unlogged = "evd-0000000000000000", "evd-0000000000000001"
    with site.vault.draft(logged) as draft:
        (draft / "clip.masked.mp4").write_bytes(b"masked")
        add_files(site.vault, site.chain, logged, draft, {"clip.masked.mp4": "masked clip"}, {})
    (site.vault.folder_of(unlogged) / "added").mkdir()  # as between the two steps of adding
    (site.vault.folder_of(unlogged) / "added" / "clip.masked.mp4").write_bytes(b"not yet logged")
    first = site.back_up(store)
    assert first.missing == ()
    data = restored(store, first.name, tmp_path / "new", site.data.keys)
    assert problems_in(data, site.data.keys) == []
    assert (data.evidence / logged / "added" / "clip.masked.mp4").read_bytes() == b"masked"
    assert not (data.evidence / unlogged / "added").exists()
    with site.vault.draft(unlogged) as draft:
        (draft / "clip.masked.mp4").write_bytes(b"masked, too")
        add_files(site.vault, site.chain, unlogged, draft, {"clip.masked.mp4": "masked clip"}, {})
    saved, again = site.data.custody, DataDir(tmp_path / "again")
    done = restore_backup(store, first.name, again, site.data.keys, quiet, newer_chain=saved)
    assert done.problems == [] and "was added after the backup" in done.remarks[0]
    copy = site.vault.folder_of(logged) / "added" / "clip.masked.mp4"
    copy.unlink()
    assert site.back_up(store).missing == (
        f"{logged}: evidence/{logged}/added/clip.masked.mp4: is gone or was changed",
    )


def test_nothing_is_written_over(site: Site, store: BackupStore, tmp_path: Path) -> None:
    snapshot = site.back_up(store)
    with pytest.raises(PutAside, match="holds something already"):
        restore_backup(store, snapshot.name, site.data, None, quiet)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(PutAside, match="holds other things"):
        BackupStore.open(tmp_path / "photos", create=True)
    with pytest.raises(PutAside, match="is no backup"):
        BackupStore.open(tmp_path / "photos")
    with pytest.raises(PutAside, match="no such snapshot"):
        store.read("20200101T000000000000Z")
    with store.locked(), pytest.raises(TryAgain, match="another backup is at work"):
        site.back_up(store)


def objects(store: BackupStore) -> set[Path]:
    return {path for path in (store.folder / "objects").rglob("*") if path.is_file()}


def faults(store: BackupStore, name: str) -> list[str]:
    try:
        return check_backup(store, name, quiet).problems
    except PutAside as error:
        return [str(error)]


def environment() -> dict[str, str]:
    paths = [ROOT, ROOT / "tests" / "support"]
    return os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}


class sealing:  # noqa: N801  # used as a word of the with statement
    """A process that seals record after record."""

    def __init__(self, site: Site) -> None:
        argv = [sys.executable, "-c", SEALS_ON_AND_ON, str(site.data.root)]
        self.child = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, env=environment())

    def next(self) -> None:
        """Wait until one more is sealed."""
        assert self.child.stdout and self.child.stdout.readline()

    def __enter__(self) -> sealing:
        return self

    def __exit__(self, *exception: Any) -> None:
        self.child.kill()
        self.child.communicate()


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)
