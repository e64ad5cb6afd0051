"""Back up a data folder while its programs run; what is in the backup fits together.

The order makes it so. First the event log, then the custody chain; then the folders of exactly those
records that the chain names by then. A record's folder is whole before the chain names it, and the log
names it last. The evidence table is not copied: each record's numbers.json holds its row.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from domain.data_dir import DataDir
from domain.errors import PutAside
from evidence_store.backup.store import BackupContents, BackupStore, Listed, backup_errors
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.records_on_chain import RecordOnChain, standing_records
from evidence_store.files.folder_lock import shared_lock
from evidence_store.keys.encryption_keys import KEY_NAME, RETIRED_FOLDER
from evidence_store.keys.signing_keys import PRIVATE_NAME, PUBLIC_FOLDER
from evidence_store.vault.manifest import MANIFEST_NAME
from evidence_store.vault.sealed_files import ADDED

# a record that changes while others are copied makes chain and records be looked at again
TRIES = 10
# of the key folder: what may be seen by everybody, and what may not
PUBLIC_KEYS = (PUBLIC_FOLDER, "time-stamping", "content-credentials")
PRIVATE_KEYS = (PRIVATE_NAME, KEY_NAME, RETIRED_FOLDER)

Progress = Callable[[int, int], None]  # records done, of how many


def create_backup(
    data: DataDir,
    store: BackupStore,
    chain: CustodyChain,
    key_folder: Path,
    progress: Progress,
    *,
    with_private_keys: bool = False,
) -> BackupContents:
    """Add a snapshot of a data folder to a backup; the chain signs and logs it.

    The private keys lie in `key_folder`; with them, whoever has the backup can open and forge. The snapshot's
    `missing` names records that the chain names and that were not there.

    Raises:
        TryAgain: the disk is full, or another backup is at work.
    """
    with store.locked(), backup_errors(store.folder):
        for leftover in (store.folder / "objects").glob(".*"):
            leftover.unlink()
        name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        taking = _Taking(data, store, _known(store))
        taking.events()
        # also before the records: originals may come under another key while they are copied
        if with_private_keys:
            taking.key_files(key_folder, PRIVATE_KEYS)
        taking.records(chain, progress)
        # copied as it lies there: a file that vanishes meanwhile was not meant to stay
        plain_folders = (data.announcements, data.notifications, data.audits, data.holds, data.site)
        for folder in (*plain_folders, *data.evidence.glob("set-aside-*")):
            taking.tree(folder, data.root)
        taking.key_files(key_folder, PUBLIC_KEYS)
        if with_private_keys:
            taking.key_files(key_folder, PRIVATE_KEYS)
        facts = {
            "records": sum(bool(record.files) for record in taking.by_record.values()),
            "custody_entries": taking.custody_entries,
            "with_private_keys": with_private_keys,
            "missing": taking.missing,
        }
        files = sorted(taking.files.values(), key=lambda listed: listed.name)
        snapshot = store.write(name, files, facts, chain.signer)
    chain.append("backed up", "", {"backup": name, "records": snapshot.records})
    return snapshot


@dataclass(frozen=True, slots=True)
class _TakenRecord:
    """A record that was copied."""

    on_chain: RecordOnChain  # when it was copied
    files: Mapping[str, Listed]  # by name
    fault: str  # what of it is not there, or is not what the chain names; "": nothing


@dataclass
class _Taking:
    """Collect the files of a snapshot."""

    data: DataDir
    store: BackupStore
    known: dict[str, Listed]  # of the snapshot before
    files: dict[str, Listed] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    by_record: dict[str, _TakenRecord] = field(default_factory=dict)
    custody_entries: int = 0

    def events(self) -> None:
        """Take the event log, as it is between two writes."""
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
        """Take the chain, and every record that it names, as it names it.

        What changed since the chain was copied makes both be looked at once more; what did not is
        not copied again, so that this ends also where much is going on.
        """
        for _ in range(TRIES):
            standing = self._cut(chain)
            self.by_record = {
                evidence_id: taken
                for evidence_id, taken in self.by_record.items()
                if taken.on_chain == standing.get(evidence_id) and not taken.fault
            }
            for number, evidence_id in enumerate(sorted(standing), start=1):
                if evidence_id not in self.by_record:
                    taken = self._record(evidence_id, standing[evidence_id])
                    self.by_record[evidence_id] = taken
                progress(number, len(standing))
            faults = {
                evidence_id: taken.fault
                for evidence_id, taken in self.by_record.items()
                if taken.fault
            }
            # where the chain stayed the same, what is gone was gone before, which `verify` names as well
            if not faults or standing == standing_records(chain.lines()):
                break
        self.missing = [f"{evidence_id}: {fault}" for evidence_id, fault in sorted(faults.items())]
        for taken in self.by_record.values():
            self.files |= taken.files

    def tree(self, folder: Path, root: Path) -> None:
        """Take all files beneath a folder."""
        for path in sorted(folder.rglob("*")):
            # a link within the folder is a name of a file there, as of a sound that was spoken often
            if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
                with suppress(FileNotFoundError):
                    self._take(path, path.relative_to(root).as_posix())

    def key_files(self, folder: Path, names: tuple[str, ...]) -> None:
        """Take files of the key folder, under keys/ wherever it lies."""
        for root in (self.data.keys, folder):
            for name in names:
                path = root / name
                for file in [path] if path.is_file() else sorted(path.rglob("*.*")):
                    self._take(file, f"keys/{file.relative_to(root).as_posix()}")

    def _cut(self, chain: CustodyChain) -> dict[str, RecordOnChain]:
        """Copy the chain as it is now; return the records that it names."""
        with tempfile.TemporaryFile(dir=self.store.folder) as copy:
            lines = []
            for line in chain.lines():
                # still being written
                if not line.endswith(b"\n"):
                    break
                lines.append(line)
            copy.writelines(lines)
            self.custody_entries = len(lines)
            copy.seek(0)
            sha256, size = self.store.put(cast(BinaryIO, copy))
        name = self.data.custody.name
        self.files[name] = Listed(name, sha256, size, "0")
        return standing_records(lines)

    def _record(self, evidence_id: str, on_chain: RecordOnChain) -> _TakenRecord:
        """Copy one record; of what was added to it, only what the chain names."""
        folder = self.data.evidence / evidence_id
        place = folder.relative_to(self.data.root).as_posix()
        files: dict[str, Listed] = {}
        with shared_lock(folder) as is_there:
            for path in sorted(folder.rglob("*")) if is_there else ():
                inside = path.relative_to(folder).as_posix()
                if path.is_dir() or (
                    inside.startswith(f"{ADDED}/") and inside not in on_chain.added
                ):
                    continue
                listed = self._listed(path, f"{place}/{inside}")
                if listed.sha256 == on_chain.added.get(inside, listed.sha256):
                    files[listed.name] = listed
        if not files:
            return _TakenRecord(on_chain, {}, "the folder is gone")
        absent = {f"{place}/{name}" for name in on_chain.added} - {*files}
        if absent:
            fault = f"{', '.join(sorted(absent))}: is gone or was changed"
            return _TakenRecord(on_chain, files, fault)
        manifest = files.get(f"{place}/{MANIFEST_NAME}")
        if manifest is None or manifest.sha256 != on_chain.manifest_sha256:
            return _TakenRecord(on_chain, files, "its manifest is not the one that was sealed")
        return _TakenRecord(on_chain, files, "")

    def _take(self, path: Path, name: str) -> None:
        self.files[name] = self._listed(path, name)

    def _listed(self, path: Path, name: str) -> Listed:
        """Copy a file, unless the snapshot before has it and it was not touched since."""
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
    """Return the files of the latest readable snapshot; what was not touched since is not read again."""
    for name in reversed(store.names()):
        with suppress(PutAside):
            return {listed.name: listed for listed in store.listing(store.read(name))}
    return {}
