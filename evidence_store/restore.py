"""Check a backup, and make a data folder out of it that verifies as the old one did."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EMBEDDING_SIZE
from evidence_store.backup import PRIVATE_KEYS, PUBLIC_KEYS
from evidence_store.backup_store import BackupStore, Listed, Snapshot, saying_what_failed
from evidence_store.encrypted_file import ENDING, key_id_of_file
from evidence_store.encryption_keys import find_encryption_keys
from evidence_store.keys import KeyFolder, PublicKeys
from evidence_store.newer_chain import NewerChain
from evidence_store.open_vault import encryption_folder, open_vault
from evidence_store.sealed_files import ADDED
from evidence_store.table import EvidenceTable
from evidence_store.verifier import Verifier
from evidence_store.whole_files import sync_folder

ROWS_AT_ONCE = 200
_BLOCK = 1 << 20

Progress = Callable[[str, int, int], None]  # what is being done, how much, of how much


@dataclass
class Restored:
    """What came of it."""

    snapshot: Snapshot
    files: int = 0
    records: int = 0
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def check_backup(
    store: BackupStore, name: str, keys: PublicKeys | None, progress: Progress
) -> Restored:
    """Read every byte of a snapshot and compare it with the listing, and that with its signature.

    Args:
        keys: whose signature counts; None: the keys that are in the backup itself.
    Returns:
        a line for each file that is not as it was backed up.
    Raises:
        PutAside: the snapshot or its listing cannot be read.
    """
    snapshot = store.read(name)
    found = Restored(snapshot, records=snapshot.records)
    files = list(store.listing(snapshot))
    trusted = keys if keys is not None else _keys_inside(store, files)
    if fault := store.fault_of_signature(snapshot, trusted):
        found.problems.append(fault)
    seen: dict[str, str] = {}
    for number, each in enumerate(files, start=1):
        if each.sha256 not in seen:
            seen[each.sha256] = store.fault_of(each.sha256, each.size_bytes)
        if seen[each.sha256]:
            found.problems.append(f"{each.name}: {seen[each.sha256]}")
        found.files += 1
        progress("reading", number, len(files))
    found.remarks += [f"was missing already when it was backed up: {x}" for x in snapshot.missing]
    return found


def restore_backup(
    store: BackupStore,
    name: str,
    target: DataDir,
    key_folder: Path | None,
    progress: Progress,
    *,
    keep_damaged: bool = False,
    newer_chain: Path | None = None,
) -> Restored:
    """Make a data folder out of a snapshot and verify all of it; it gets its name at the end.

    Args:
        key_folder: where the encryption key lies: rows and originals are read with it; None: what
            FOREWARN_KEYS says, else the backup's own.
        newer_chain: a custody.jsonl that goes on from the backup's; it takes its place, and records
            that were erased since stay erased.
        keep_damaged: give the folder its name also where something is wrong; else it is deleted.
    Raises:
        PutAside: the target holds something, the snapshot cannot be read, or it is damaged and may
            not be kept; the first faults are named.
        EncryptionKeyMissing: it holds encrypted files whose key is not at hand; with keep_damaged
            their records get no row.
        TryAgain: the disk is full.
    """
    root = target.root
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise PutAside(f"{root}: holds something already; restore into a new or empty folder")
    snapshot = store.read(name)
    done = Restored(snapshot)
    with saying_what_failed(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{root.name}.restoring-", dir=root.parent))
        try:
            data = DataDir(folder)
            files = list(store.listing(snapshot))
            if fault := store.fault_of_signature(snapshot, _keys_inside(store, files)):
                done.problems.append(fault)
            newer = _newer_chain(store, files, data, newer_chain)
            files = [each for each in files if newer is None or not newer.is_gone(each.name)]
            files.sort(key=lambda each: not each.name.startswith("keys/"))  # those first
            for number, each in enumerate(files, start=1):
                if not keep_damaged and each.name.endswith(ENDING):
                    _check_key(store, each, data, key_folder)
                _bring_back(store, each, folder, done)
                progress("copying", number, len(files))
            if newer is not None:
                data.custody.write_bytes(b"".join(newer.lines))
            _make_table(data, key_folder, done, progress)
            _verify(data, key_folder, done, newer, progress)
            if done.problems and not keep_damaged:
                first = "; ".join(done.problems[:5])
                raise PutAside(
                    f"{store.folder}, backup {name}: {len(done.problems)} faults, nothing was "
                    f"restored (--keep-damaged restores what is there): {first}"
                )
            folder.chmod(0o755)
            folder.rename(root)
            sync_folder(root.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return done


def _bring_back(store: BackupStore, listed: Listed, folder: Path, done: Restored) -> None:
    """Copy one file, hashing it on the way."""
    target = folder / listed.name
    if not target.resolve().is_relative_to(folder.resolve()):
        done.problems.append(f"{listed.name}: no file of a data folder is called so")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    try:
        with store.path_of(listed.sha256).open("rb") as source, target.open("wb") as out:
            target.chmod(_mode_of(listed.name))
            while block := source.read(_BLOCK):
                sha256.update(block)
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if (modified_ns := int(listed.modified_ns)) > 0:
            os.utime(target, ns=(modified_ns, modified_ns))
    except FileNotFoundError:
        done.problems.append(f"{listed.name}: is missing in the backup")
        return
    if sha256.hexdigest() != listed.sha256:
        done.problems.append(f"{listed.name}: changed: its SHA-256 is not that of the backup")
    done.files += 1


def _check_key(store: BackupStore, listed: Listed, data: DataDir, key_folder: Path | None) -> None:
    """Hear of a missing key at the first file that needs it, not after hours of copying."""
    keys = find_encryption_keys(encryption_folder(data, key_folder))
    try:
        keys.need(key_id_of_file(store.path_of(listed.sha256)), listed.name)
    except (OSError, PutAside):
        return  # damaged, which is named in its turn


def _make_table(data: DataDir, key_folder: Path | None, done: Restored, progress: Progress) -> None:
    """The evidence table anew, out of the records' own numbers and vectors."""
    vault, table = open_vault(data, key_folder), EvidenceTable.open(data.lancedb)
    ids = vault.ids()
    for start in range(0, len(ids), ROWS_AT_ONCE):
        rows = []
        for evidence_id in ids[start : start + ROWS_AT_ONCE]:
            record = vault.read(evidence_id)
            if record is not None and len(record.embedding) == EMBEDDING_SIZE:
                rows.append(record)
            else:
                done.problems.append(
                    f"{evidence_id}: gets no row: numbers or vectors cannot be read"
                )
        table.put(rows)
        progress("listing", min(start + ROWS_AT_ONCE, len(ids)), len(ids))
    table.optimize()


def _newer_chain(
    store: BackupStore, files: Sequence[Listed], data: DataDir, path: Path | None
) -> NewerChain | None:
    if path is None:
        return None
    own = [each.sha256 for each in files if each.name == data.custody.name]
    return NewerChain(path, store.path_of(own[0]) if own else data.custody)


def _verify(
    data: DataDir,
    key_folder: Path | None,
    done: Restored,
    newer: NewerChain | None,
    progress: Progress,
) -> None:
    verifier, table = Verifier.open(data, key_folder), EvidenceTable.open(data.lancedb)
    done.problems += verifier.problems
    ids = verifier.vault.ids()
    for number, evidence_id in enumerate(ids, start=1):
        record = table.get(evidence_id)
        if record is not None:  # else it was named before
            for line in verifier.problems_of(record):
                is_later = newer is not None and newer.added_since(evidence_id)
                if is_later and line.startswith(f"{evidence_id}/{ADDED}/"):
                    done.remarks.append(f"{line}; it was added after the backup")
                else:
                    done.problems.append(line)
        progress("verifying", number, len(ids))
    known_missing = {each.partition(":")[0] for each in done.snapshot.missing}
    for line in verifier.vanished(ids):
        evidence_id = line.partition(":")[0]
        if newer is not None and newer.sealed_since(evidence_id):
            done.remarks.append(f"{evidence_id}: was sealed after the backup, and is lost")
        elif evidence_id not in known_missing:
            done.problems.append(line)
    done.remarks += [
        f"was missing already when it was backed up: {each}" for each in done.snapshot.missing
    ]
    done.records = len(ids)


def _keys_inside(store: BackupStore, files: Sequence[Listed]) -> PublicKeys:
    """The public keys that are in the backup, as far as they are sound."""
    with tempfile.TemporaryDirectory(prefix="forewarn-keys-") as name:
        public = Path(name) / "public"
        public.mkdir()
        for each in _of_folder(files, "keys/public/"):
            try:
                shutil.copyfile(store.path_of(each.sha256), public / Path(each.name).name)
            except OSError:
                continue
        return KeyFolder(Path(name)).sound_public_keys()[0]


def _of_folder(files: Sequence[Listed], folder: str) -> Iterator[Listed]:
    return (each for each in files if each.name.startswith(folder))


def _mode_of(name: str) -> int:
    """What a file may be used for, by its place."""
    parts = name.split("/")
    if parts[0] == "evidence":
        return 0o444
    if parts[0] == "keys" and parts[1] in PRIVATE_KEYS:
        return 0o600
    return 0o644 if parts[0] == "keys" and parts[1] in PUBLIC_KEYS else 0o640
