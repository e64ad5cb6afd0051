"""Back up a data folder while its programs run: what is in the backup fits together.

The order makes it so. First the event log, then the custody chain; then the folders of exactly those
records that the chain tells of by then. A record's folder is whole before the chain tells of it, and the
log tells of it last. The evidence table is not copied: each record's numbers.json holds its row.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from domain.data_dir import DataDir
from domain.errors import PutAside
from evidence_store.backup_store import BackupStore, Listed, Snapshot, saying_what_failed
from evidence_store.custody import CustodyChain
from evidence_store.encryption_keys import KEY_NAME, RETIRED_FOLDER
from evidence_store.folder_lock import as_it_is
from evidence_store.keys import PRIVATE_NAME, PUBLIC_FOLDER
from evidence_store.manifest import MANIFEST_NAME
from evidence_store.sealed_files import ADDED
from evidence_store.standing import ToldRecord, standing_records

TRIES = 10  # a record that changes while the others are copied makes the cut be taken again
# of the key folder: what may be seen by everybody, and what may not
PUBLIC_KEYS = (PUBLIC_FOLDER, "time-stamping", "content-credentials")
PRIVATE_KEYS = (PRIVATE_NAME, KEY_NAME, RETIRED_FOLDER)

Progress = Callable[[int, int], None]  # records done, of how many


def plain_folders(data: DataDir) -> tuple[Path, ...]:
    """What is copied as it lies there; a file that vanishes meanwhile was not meant to stay."""
    return data.announcements, data.notifications, data.audits, data.holds


def create_backup(
    data: DataDir,
    store: BackupStore,
    chain: CustodyChain,
    key_folder: Path,
    progress: Progress,
    *,
    with_private_keys: bool = False,
) -> Snapshot:
    """Add a snapshot of a data folder to a backup.

    Args:
        chain: signs the snapshot, and is told of it.
        key_folder: where the private keys lie.
        with_private_keys: take those, too; whoever has the backup can then open and forge.
    Returns:
        the snapshot; `missing` names records that the chain tells of and that were not there.
    Raises:
        TryAgain: the disk is full, or another backup is at work.
    """
    with store.locked(), saying_what_failed(store.folder):
        for leftover in (store.folder / "objects").glob(".*"):
            leftover.unlink()
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        taking = _Taking(data, store, _known(store))
        taking.events()
        if (
            with_private_keys
        ):  # also before: originals may come under another key while they are copied
            taking.key_files(key_folder, PRIVATE_KEYS)
        taking.records(chain, progress)
        for folder in (*plain_folders(data), *data.evidence.glob("set-aside-*")):
            taking.tree(folder, data.root)
        taking.key_files(key_folder, PUBLIC_KEYS)
        if with_private_keys:
            taking.key_files(key_folder, PRIVATE_KEYS)
        facts = {
            "records": sum(bool(each.files) for each in taking.by_record.values()),
            "custody_entries": taking.custody_entries,
            "with_private_keys": with_private_keys,
            "missing": taking.missing,
        }
        files = sorted(taking.files.values(), key=lambda each: each.name)
        snapshot = store.write(name, files, facts, chain.signer)
    chain.append("backed up", "", {"backup": name, "records": snapshot.records})
    return snapshot


@dataclass(frozen=True, slots=True)
class _TakenRecord:
    """A record that was copied."""

    told: ToldRecord  # by the chain, when it was copied
    files: Mapping[str, Listed]  # by name
    fault: str  # what of it is not there, or is not what the chain tells of; "": nothing


@dataclass
class _Taking:
    """Files of a snapshot, as they come in."""

    data: DataDir
    store: BackupStore
    known: dict[str, Listed]  # of the snapshot before
    files: dict[str, Listed] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    by_record: dict[str, _TakenRecord] = field(default_factory=dict)
    custody_entries: int = 0

    def events(self) -> None:
        """The event log, as it is between two writes."""
        if not self.data.events_db.exists():
            return
        with tempfile.TemporaryDirectory(prefix=".events-", dir=self.store.folder) as folder:
            copy = Path(folder) / "events.sqlite"
            address = f"{self.data.events_db.as_uri()}?mode=ro"
            try:
                with (
                    closing(sqlite3.connect(address, uri=True)) as source,
                    closing(sqlite3.connect(copy)) as target,
                ):
                    source.backup(target)
            except sqlite3.Error as error:
                raise OSError(5, f"{self.data.events_db}: {error}") from error
            self._take(copy, self.data.events_db.name)

    def records(self, chain: CustodyChain, progress: Progress) -> None:
        """The chain, and every record that it tells of, as it tells of it.

        What changed since the chain was copied makes both be looked at once more; what did not is
        not copied again, so that this ends also where much is going on.
        """
        for _ in range(TRIES):
            standing = self._cut(chain)
            self.by_record = {
                each: taken
                for each, taken in self.by_record.items()
                if taken.told == standing.get(each) and not taken.fault
            }
            for number, evidence_id in enumerate(sorted(standing), start=1):
                if evidence_id not in self.by_record:
                    taken = self._record(evidence_id, standing[evidence_id])
                    self.by_record[evidence_id] = taken
                progress(number, len(standing))
            faults = {each: taken.fault for each, taken in self.by_record.items() if taken.fault}
            if not faults or standing == standing_records(chain.lines()):
                break  # what is gone was gone before, which `verify` names as well
        self.missing = [f"{each}: {fault}" for each, fault in sorted(faults.items())]
        for taken in self.by_record.values():
            self.files |= taken.files

    def tree(self, folder: Path, root: Path) -> None:
        """All files beneath a folder."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                try:
                    self._take(path, path.relative_to(root).as_posix())
                except FileNotFoundError:
                    continue

    def key_files(self, folder: Path, names: tuple[str, ...]) -> None:
        """Files of the key folder, under keys/ wherever it lies."""
        for root in (self.data.keys, folder):
            for name in names:
                path = root / name
                for each in [path] if path.is_file() else sorted(path.rglob("*.*")):
                    self._take(each, f"keys/{each.relative_to(root).as_posix()}")

    def _cut(self, chain: CustodyChain) -> dict[str, ToldRecord]:
        """Keep the chain as it is now; what it tells of."""
        with tempfile.TemporaryFile(dir=self.store.folder) as copy:
            self.custody_entries, lines = 0, []
            for line in chain.lines():
                if not line.endswith(b"\n"):
                    break  # still being written
                copy.write(line)
                lines.append(line)
                self.custody_entries += 1
            copy.seek(0)
            sha256, size = self.store.put(cast(BinaryIO, copy))
        name = self.data.custody.name
        self.files[name] = Listed(name, sha256, size, "0")
        return standing_records(lines)

    def _record(self, evidence_id: str, told: ToldRecord) -> _TakenRecord:
        """Copy one record, of what was added to it only what the chain told of."""
        folder = self.data.evidence / evidence_id
        place = folder.relative_to(self.data.root).as_posix()
        files: dict[str, Listed] = {}
        with as_it_is(folder) as is_there:
            for path in sorted(folder.rglob("*")) if is_there else ():
                inside = path.relative_to(folder).as_posix()
                if path.is_dir() or (inside.startswith(f"{ADDED}/") and inside not in told.added):
                    continue
                listed = self._listed(path, f"{place}/{inside}")
                if listed.sha256 == told.added.get(inside, listed.sha256):
                    files[listed.name] = listed
        if not files:
            return _TakenRecord(told, {}, "the folder is gone")
        absent = {f"{place}/{each}" for each in told.added} - {*files}
        if absent:
            return _TakenRecord(told, files, f"{', '.join(sorted(absent))}: is gone or was changed")
        manifest = files.get(f"{place}/{MANIFEST_NAME}")
        if manifest is None or manifest.sha256 != told.manifest_sha256:
            return _TakenRecord(told, files, "its manifest is not the one that was sealed")
        return _TakenRecord(told, files, "")

    def _take(self, path: Path, name: str) -> None:
        self.files[name] = self._listed(path, name)

    def _listed(self, path: Path, name: str) -> Listed:
        """Copied, unless the snapshot before has it and it was not touched since."""
        before, stat = self.known.get(name), path.stat()
        if (
            before is not None
            and (before.size_bytes, before.modified_ns) == (stat.st_size, str(stat.st_mtime_ns))
            and self.store.path_of(before.sha256).exists()
        ):
            return before
        with path.open("rb") as file:
            sha256, size = self.store.put(file)
        return Listed(name, sha256, size, str(stat.st_mtime_ns))


def _known(store: BackupStore) -> dict[str, Listed]:
    """Files of the latest snapshot that can be read; what was not touched since is not read again."""
    for name in reversed(store.names()):
        try:
            return {each.name: each for each in store.listing(store.read(name))}
        except PutAside:
            continue
    return {}
