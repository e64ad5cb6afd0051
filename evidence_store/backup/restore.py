"""Check a backup, and make a data folder out of it that verifies as the old one did."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.files import sync_file
from evidence_store.backup.create import PRIVATE_KEYS, PUBLIC_KEYS
from evidence_store.backup.newer_chain import NewerChain
from evidence_store.backup.store import (
    BackupContents,
    BackupStore,
    Listed,
    backup_errors,
)
from evidence_store.backup.whose_word import WhoseWord, word_of_backup, word_of_site
from evidence_store.files.hashed_copy import copy_hashed
from evidence_store.keys.encrypted_file import ENDING, key_id_of_file
from evidence_store.keys.encryption_keys import find_encryption_keys
from evidence_store.search.table import EvidenceTable
from evidence_store.table_of_vault import ROWS_AT_ONCE, Rebuilt, put_rows
from evidence_store.vault.open_vault import encryption_folder, open_vault
from evidence_store.vault.sealed_files import ADDED
from evidence_store.verify_data_folder import Verifier, fingerprints_outside

Progress = Callable[[str, int, int], None]  # what is being done, how much, of how much


@dataclass
class Restored:
    """What came of checking or restoring a backup."""

    snapshot: BackupContents
    files: int = 0
    records: int = 0
    pinned: bool = False  # a fingerprint from outside says whose signatures count
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def check_backup(
    store: BackupStore,
    name: str,
    progress: Progress,
    *,
    site: DataDir | None = None,
    anchors: Collection[str] = (),
) -> Restored:
    """Read every byte of a snapshot and compare it with the listing, and that with its signature.

    Whose signature counts, the custody chain says: that of the data folder `site`, else the copy in the
    backup; `anchors` are fingerprints from outside. Problems get a line for each file that is not as it was
    backed up.

    Raises:
        PutAside: the snapshot or its listing cannot be read.
    """
    snapshot = store.read(name)
    checked = Restored(snapshot, records=snapshot.records)
    files = list(store.listing(snapshot))
    word = word_of_site(site, anchors) if site else word_of_backup(store, files, anchors)
    _check_word(store, word, checked)
    seen: dict[str, str] = {}
    for number, file in enumerate(files, start=1):
        if file.sha256 not in seen:
            seen[file.sha256] = store.fault_of(file.sha256, file.size_bytes)
        if seen[file.sha256]:
            checked.problems.append(f"{file.name}: {seen[file.sha256]}")
        checked.files += 1
        progress("reading", number, len(files))
    checked.remarks += _missing_before(snapshot)
    return checked


def restore_backup(
    store: BackupStore,
    name: str,
    target: DataDir,
    key_folder: Path | None,
    progress: Progress,
    *,
    keep_damaged: bool = False,
    newer_chain: Path | None = None,
    anchors: Collection[str] = (),
) -> Restored:
    """Make a data folder out of a snapshot and verify all of it; it gets its name at the end.

    The target is empty, or not there. Rows and originals are read with the key in `key_folder`; None: what
    FOREWARN_KEYS says, else the backup's own. Whose signatures count, `anchors` say, and the public keys of a
    `key_folder` elsewhere. `newer_chain` is a custody.jsonl that goes on from the backup's;
    it takes its place, and records that were erased since stay erased. With `keep_damaged`, the folder gets
    its name also where something is wrong; else it is deleted.

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
    with backup_errors(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{root.name}.restoring-", dir=root.parent))
        try:
            data = DataDir(folder)
            files = list(store.listing(snapshot))
            pinned = {*anchors, *fingerprints_outside(target, key_folder)}
            _check_word(store, word_of_backup(store, files, pinned), done)
            newer = _newer_chain(store, files, data, newer_chain)
            files = [file for file in files if newer is None or not newer.is_gone(file.name)]
            # keys first: encrypted files are checked for theirs
            files.sort(key=lambda file: not file.name.startswith("keys/"))
            for number, file in enumerate(files, start=1):
                if not keep_damaged and file.name.endswith(ENDING):
                    _check_key(store, file, data, key_folder)
                _bring_back(store, file, folder, done)
                progress("copying", number, len(files))
            if newer is not None:
                data.custody.write_bytes(b"".join(newer.lines))
            _make_table(data, key_folder, done, progress)
            _verify(Verifier.open(data, key_folder, pinned), data, done, newer, progress)
            if done.problems and not keep_damaged:
                first = "; ".join(done.problems[:5])
                raise PutAside(
                    f"{store.folder}, backup {name}: {len(done.problems)} faults, nothing was "
                    f"restored (--keep-damaged restores what is there): {first}"
                )
            folder.chmod(0o755)
            folder.rename(root)
            sync_file(root.parent)
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
    try:
        with store.path_of(listed.sha256).open("rb") as source, target.open("wb") as out:
            target.chmod(_mode_of(listed.name))
            sha256, _ = copy_hashed(source, out)
            out.flush()
            os.fsync(out.fileno())
        if (modified_ns := int(listed.modified_ns)) > 0:
            os.utime(target, ns=(modified_ns, modified_ns))
    except FileNotFoundError:
        done.problems.append(f"{listed.name}: is missing in the backup")
        return
    if sha256 != listed.sha256:
        done.problems.append(f"{listed.name}: changed: its SHA-256 is not that of the backup")
    done.files += 1


def _check_key(store: BackupStore, listed: Listed, data: DataDir, key_folder: Path | None) -> None:
    """Raise EncryptionKeyMissing at the first file that needs the key, not after hours of copying."""
    keys = find_encryption_keys(encryption_folder(data, key_folder))
    # a damaged file is named in its turn
    with suppress(OSError, PutAside):
        keys.need(key_id_of_file(store.path_of(listed.sha256)), listed.name)


def _make_table(data: DataDir, key_folder: Path | None, done: Restored, progress: Progress) -> None:
    """Make the evidence table anew, out of the records' own numbers and vectors."""
    vault, table, listed = open_vault(data, key_folder), EvidenceTable.open(data.lancedb), Rebuilt()
    ids = vault.ids()
    for start in range(0, len(ids), ROWS_AT_ONCE):
        put_rows(vault, table, ids[start : start + ROWS_AT_ONCE], listed)
        progress("listing", min(start + ROWS_AT_ONCE, len(ids)), len(ids))
    done.problems += [f"{each}: gets no row: its numbers cannot be read" for each in listed.unread]
    done.problems += [
        f"{each}: gets a row without vectors: they cannot be read"
        for each in listed.without_vectors
    ]
    table.optimize()


def _newer_chain(
    store: BackupStore, files: Sequence[Listed], data: DataDir, path: Path | None
) -> NewerChain | None:
    if path is None:
        return None
    own = [file.sha256 for file in files if file.name == data.custody.name]
    return NewerChain(path, store.path_of(own[0]) if own else data.custody)


def _check_word(store: BackupStore, word: WhoseWord, found: Restored) -> None:
    """Name what is wrong with a snapshot's signature, or with the chain that says whose counts."""
    found.pinned = word.is_pinned
    if fault := store.fault_of_signature(found.snapshot, word.keys):
        found.problems.append(fault)
    found.problems += [
        f"{store.folder}: whose signatures count is not certain: {each}" for each in word.problems
    ]


def _verify(
    verifier: Verifier,
    data: DataDir,
    done: Restored,
    newer: NewerChain | None,
    progress: Progress,
) -> None:
    table = EvidenceTable.open(data.lancedb)
    done.problems += [each for each in verifier.problems if each not in "\n".join(done.problems)]
    ids = verifier.vault.ids()
    for number, evidence_id in enumerate(ids, start=1):
        record = table.get(evidence_id)
        # a record without a row was named before
        if record is not None:
            for line in verifier.problems_of(record):
                is_later = newer is not None and newer.added_since(evidence_id)
                if is_later and line.startswith(f"{evidence_id}/{ADDED}/"):
                    done.remarks.append(f"{line}; it was added after the backup")
                else:
                    done.problems.append(line)
        progress("verifying", number, len(ids))
    known_missing = {line.partition(":")[0] for line in done.snapshot.missing}
    for line in verifier.vanished(ids):
        evidence_id = line.partition(":")[0]
        if newer is not None and newer.sealed_since(evidence_id):
            done.remarks.append(f"{evidence_id}: was sealed after the backup, and is lost")
        elif evidence_id not in known_missing:
            done.problems.append(line)
    done.remarks += _missing_before(done.snapshot)
    done.records = len(ids)


def _missing_before(snapshot: BackupContents) -> list[str]:
    return [f"was missing already when it was backed up: {line}" for line in snapshot.missing]


def _mode_of(name: str) -> int:
    parts = name.split("/")
    if parts[0] == "evidence":
        return 0o444
    if parts[0] == "keys" and parts[1] in PRIVATE_KEYS:
        return 0o600
    return 0o644 if parts[0] == "keys" and parts[1] in PUBLIC_KEYS else 0o640
