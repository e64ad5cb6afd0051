"""Back up a data folder while its programs run: what is in the backup fits together.

The order makes it so. First the event log, then the custody chain; then the folders of exactly those
records that the chain tells of by then. A record's folder is whole before the chain tells of it, and the
log tells of it last. The evidence table is not copied: each record's numbers.json holds its row.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from domain.data_dir import DataDir
from domain.errors import PutAside
from evidence_store.backup_store import BackupStore, Listed, Snapshot, saying_what_failed
from evidence_store.canonical_json import from_canonical
from evidence_store.custody import CustodyChain
from evidence_store.encryption_keys import KEY_NAME, RETIRED_FOLDER
from evidence_store.keys import PRIVATE_NAME, PUBLIC_FOLDER

TRIES = 3  # a record that is erased while it is copied makes the cut be taken again
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
        taking.records(chain, progress)
        for folder in (*plain_folders(data), *data.evidence.glob("set-aside-*")):
            taking.tree(folder, data.root)
        taking.key_files(key_folder, PUBLIC_KEYS)
        if with_private_keys:
            taking.key_files(key_folder, PRIVATE_KEYS)
        facts = {
            "records": taking.count,
            "custody_entries": taking.custody_entries,
            "with_private_keys": with_private_keys,
            "missing": taking.missing,
        }
        files = sorted(taking.files.values(), key=lambda each: each.name)
        snapshot = store.write(name, files, facts, chain.signer)
    chain.append("backed up", "", {"backup": name, "records": taking.count})
    return snapshot


@dataclass
class _Taking:
    """Files of a snapshot, as they come in."""

    data: DataDir
    store: BackupStore
    known: dict[str, Listed]  # of the snapshot before
    files: dict[str, Listed] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    count: int = 0
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
        """The chain, and every record that it tells of."""
        for _ in range(TRIES):
            standing = self._cut(chain)
            self.missing, self.count = [], len(standing)
            for number, evidence_id in enumerate(sorted(standing), start=1):
                if not self._record(evidence_id):
                    self.missing.append(f"{evidence_id}: the folder is gone")
                progress(number, len(standing))
            gone = {line.partition(":")[0] for line in self.missing}
            if not gone or gone <= standing_records(chain.lines()):
                break  # they were gone before, which `verify` names as well
        self.count -= len(self.missing)

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

    def _cut(self, chain: CustodyChain) -> set[str]:
        """Keep the chain as it is now; ids of the records that it tells of."""
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
        return standing_records(iter(lines))

    def _record(self, evidence_id: str) -> bool:
        """False where it is gone; a file that got another name meanwhile is looked for once more."""
        folder = self.data.evidence / evidence_id
        for _ in range(2):
            taken: dict[str, Listed] = {}
            try:
                # masked copies that were added lie one folder deeper
                for path in sorted((*folder.iterdir(), *folder.glob("added/*"))):
                    if not path.is_dir():
                        name = path.relative_to(self.data.root).as_posix()
                        taken[name] = self._listed(path, name)
                self.files |= taken
                return bool(taken)
            except FileNotFoundError:
                continue
        return False

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


def standing_records(lines: Iterator[bytes]) -> set[str]:
    """Ids of the records that a chain tells of, less those erased or set aside; nothing is checked."""
    standing: set[str] = set()
    for line in lines:
        if b'"kind":"erasing"' in line or (
            b'"kind":"sealed"' in line
            or b'"kind":"erased"' in line
            or b'"kind":"set aside"' in line
        ):
            try:
                entry = from_canonical(line.rstrip(b"\n"))
                if entry["kind"] == "sealed":
                    standing.add(str(entry["evidence_id"]))
                elif entry["kind"] in ("erasing", "erased", "set aside"):
                    standing.discard(str(entry["evidence_id"]))
            except (PutAside, KeyError, TypeError):
                continue
    return standing


def _known(store: BackupStore) -> dict[str, Listed]:
    """Files of the latest snapshot that can be read; what was not touched since is not read again."""
    for name in reversed(store.names()):
        try:
            return {each.name: each for each in store.listing(store.read(name))}
        except PutAside:
            continue
    return {}
