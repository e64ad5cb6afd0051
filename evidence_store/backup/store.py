"""Keep backups in a folder: every file once, named by its hash, and a signed listing for each backup.

    forewarn-backup          says that it is one
    objects/ab/abcd…         a file's bytes as they lay in the data folder, named by their SHA-256
    snapshots/<time>.json    what one backup holds: the hash of its listing, which is an object, too
    snapshots/<time>.json.sig

What is there already is not copied again, so a backup of every day costs what is new. A snapshot is
written last: one that was cut off is not there, and the next goes on from what it copied.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from domain.errors import PutAside, TryAgain
from domain.files import put_in_place, sha256_of, write_atomically
from domain.processes.file_lock import LockHeld, lock_handle
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.files.hashed_copy import copy_hashed
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.keys.signature_file import fault_of_signature_file, sign_file
from evidence_store.keys.signing_keys import PublicKeys, Signer
from evidence_store.vault.manifest import UNSIGNED

MARK = "forewarn-backup"
FORMAT = "forewarn backup 1"
NAME = re.compile(r"\d{8}T\d{12}Z")


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a snapshot."""

    name: str  # relative to the data folder, with "/"
    sha256: str
    size_bytes: int
    modified_ns: str  # digits: JSON keeps no integers of that size


@dataclass(frozen=True, slots=True)
class BackupContents:
    """What one backup holds."""

    name: str  # its time, UTC
    listing_sha256: str
    files: int
    size_bytes: int
    records: int
    custody_entries: int
    with_private_keys: bool
    missing: tuple[str, ...]  # what the custody chain tells of and was not there
    signed_by: str  # key id, "none"


@dataclass(frozen=True)
class BackupStore:
    """Read and write one backup folder; see `open`."""

    folder: Path

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Self:
        """Open a backup folder, which may lie on another medium; `create` one where there is none.

        Raises:
            PutAside: there is none, or something else is in the folder.
            TryAgain: it cannot be made.
        """
        mark = folder / MARK
        if not mark.is_file():
            if not create:
                raise PutAside(f"{folder}: is no backup; `forewarn backup create` makes one")
            if folder.exists() and any(folder.iterdir()):
                raise PutAside(f"{folder}: holds other things; name an empty or a new folder")
            with backup_errors(folder):
                (folder / "snapshots").mkdir(parents=True, exist_ok=True, mode=0o700)
                (folder / "objects").mkdir(exist_ok=True, mode=0o700)
                write_atomically(mark, f"{FORMAT}\n".encode(), mode=0o600)
        elif mark.read_text() != f"{FORMAT}\n":
            raise PutAside(f"{mark}: is a backup of another version, this one reads {FORMAT!r}")
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from adding or dropping snapshots meanwhile; raises TryAgain where another does so."""
        with backup_errors(self.folder):
            lock = os.open(self.folder / MARK, os.O_RDONLY)
        try:
            lock_handle(lock, wait_s=0)
            yield
        except LockHeld as error:
            raise TryAgain(f"{self.folder}: another backup is at work in it") from error
        finally:
            os.close(lock)

    def path_of(self, sha256: str) -> Path:
        """Return where an object lies, or would lie."""
        return self.folder / "objects" / sha256[:2] / sha256

    def put(self, source: BinaryIO) -> tuple[str, int]:
        """Keep a file's bytes; return (SHA-256, size in bytes); raises OSError."""
        handle, temporary = tempfile.mkstemp(prefix=".", dir=self.folder / "objects")
        try:
            with os.fdopen(handle, "wb") as out:
                sha256, size = copy_hashed(source, out)
            target = self.path_of(sha256)
            if not (target.exists() and target.stat().st_size == size):
                target.parent.mkdir(exist_ok=True, mode=0o700)
                put_in_place(Path(temporary), target)
            return sha256, size
        finally:
            Path(temporary).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Return the names of the snapshots, oldest first."""
        stems = [path.stem for path in (self.folder / "snapshots").glob("*.json")]
        return sorted(stem for stem in stems if NAME.fullmatch(stem))

    def write(
        self, name: str, files: Iterable[Listed], facts: dict[str, Any], signer: Signer | None
    ) -> BackupContents:
        """Write listing and snapshot; the backup is there when it returns; raises OSError.

        The files' bytes were `put` before. `facts` are the other fields of BackupContents.
        """
        count = size = 0
        with tempfile.TemporaryFile(dir=self.folder) as listing:
            for file in files:
                listing.write(to_canonical(asdict(file)) + b"\n")
                count, size = count + 1, size + file.size_bytes
            listing.seek(0)
            sha256, _ = self.put(listing)
        contents: dict[str, Any] = facts | {
            "name": name,
            "listing_sha256": sha256,
            "files": count,
            "size_bytes": size,
            "signed_by": signer.key_id if signer else UNSIGNED,
        }
        content = to_canonical({"format": FORMAT, **contents})
        path = self._path(name)
        if signer:
            signature = sign_file(signer, path.name, content)
            write_atomically(_signature_of(path), signature, mode=0o600)
        # last: a snapshot that is there is complete
        write_atomically(path, content, mode=0o600)
        return BackupContents(**contents | {"missing": tuple(contents["missing"])})

    def read(self, name: str) -> BackupContents:
        """Read what a snapshot says of itself; raises PutAside where there is none, or it cannot be read."""
        path = self._path(name)
        try:
            contents = from_canonical(path.read_bytes())
            if contents.pop("format") != FORMAT or contents["name"] != name:
                raise PutAside("is of another kind")
            return BackupContents(**contents | {"missing": tuple(contents["missing"])})
        except FileNotFoundError as error:
            known = ", ".join(self.names()[-3:]) or "none"
            raise PutAside(f"{path}: there is no such snapshot; the latest: {known}") from error
        except (OSError, PutAside, KeyError, TypeError, AttributeError) as error:
            raise PutAside(f"{path}: changed: {error}") from error

    def fault_of_signature(self, snapshot: BackupContents, keys: PublicKeys) -> str:
        """Return what is wrong with a snapshot's signature, "" if nothing; without `keys` it may go unsigned."""
        path = self._path(snapshot.name)
        if snapshot.signed_by == UNSIGNED:
            return f"{path}: is not signed, though this site has a key" if keys else ""
        try:
            content, signature = path.read_bytes(), _signature_of(path).read_bytes()
        except OSError as error:
            return f"{path}: its signature cannot be read: {error.strerror}"
        fault = fault_of_signature_file(signature, path.name, content, snapshot.signed_by, keys)
        return f"{_signature_of(path)}: {fault}" if fault else ""

    def listing(self, snapshot: BackupContents) -> Iterator[Listed]:
        """Yield the files of a snapshot, one after the other.

        Raises:
            PutAside: the listing is gone or was changed; nothing of it is given then.
        """
        path = self.path_of(snapshot.listing_sha256)
        if fault := self.fault_of(snapshot.listing_sha256, None):
            raise PutAside(f"{path}: the listing of backup {snapshot.name} {fault}")
        with path.open("rb") as file:
            for line in file:
                yield Listed(**json.loads(line))

    def fault_of(self, sha256: str, size_bytes: int | None) -> str:
        """Return what is wrong with an object, "" if nothing; reads all of it; no size: it is not known."""
        path = self.path_of(sha256)
        try:
            if size_bytes is not None and path.stat().st_size != size_bytes:
                return f"changed: {path.stat().st_size} bytes, backed up with {size_bytes}"
            if sha256_of(path) != sha256:
                return "changed: its SHA-256 is not that of the backup"
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        return ""

    def drop(self, names: Iterable[str]) -> int:
        """Delete snapshots, and every object that no other snapshot needs; return the bytes freed.

        Raises:
            PutAside: a snapshot that stays cannot be read: then nothing is deleted.
        """
        gone = {*names}
        needed: set[str] = set()
        for name in self.names():
            if name not in gone:
                snapshot = self.read(name)
                needed |= {snapshot.listing_sha256}
                needed |= {file.sha256 for file in self.listing(snapshot)}
        for name in gone:
            self._path(name).unlink(missing_ok=True)
            _signature_of(self._path(name)).unlink(missing_ok=True)
        freed = 0
        for path in (self.folder / "objects").rglob("*"):
            if path.is_file() and path.name not in needed:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise PutAside(f"a backup is called by its time, 20260302T080000000000Z, got {name!r}")
        return self.folder / "snapshots" / f"{name}.json"


def backup_errors(where: Path) -> AbstractContextManager[None]:
    """Return what turns errors of the disk into TryAgain where a backup is read or written."""
    return reraise_as_try_again(f"{where}: the backup", advice="is the disk full, or not mounted?")


def _signature_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sig")
