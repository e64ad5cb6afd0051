"""A backup folder: every file once, named by its hash, and a signed listing for each day.

    forewarn-backup          says that it is one
    objects/ab/abcd…         a file's bytes as they lay in the data folder, named by their SHA-256
    snapshots/<time>.json    what one backup holds: the hash of its listing, which is an object, too
    snapshots/<time>.json.sig

What is there already is not copied again, so a backup of every day costs what is new. A snapshot is
written last: one that was cut off is not there, and the next goes on from what it copied.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

from domain.errors import PutAside, TryAgain
from evidence_store.canonical_json import from_canonical, to_canonical
from evidence_store.keys import PublicKeys, Signer
from evidence_store.manifest import UNSIGNED
from evidence_store.signature_file import fault_of_signature_file, sign_file
from evidence_store.whole_files import put_in_place, put_private

MARK = "forewarn-backup"
FORMAT = "forewarn backup 1"
NAME = re.compile(r"\d{8}T\d{12}Z")
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a snapshot."""

    name: str  # relative to the data folder, with "/"
    sha256: str
    size_bytes: int
    modified_ns: str  # digits: JSON keeps no integers of that size


@dataclass(frozen=True, slots=True)
class Snapshot:
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


class BackupStore:
    """One backup folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def open(cls, folder: Path, *, create: bool = False) -> Self:
        """A backup folder; it may lie on another medium.

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
            with saying_what_failed(folder):
                (folder / "snapshots").mkdir(parents=True, exist_ok=True, mode=0o700)
                (folder / "objects").mkdir(exist_ok=True, mode=0o700)
                put_private(mark, f"{FORMAT}\n".encode())
        elif mark.read_text() != f"{FORMAT}\n":
            raise PutAside(f"{mark}: is a backup of another version, this one reads {FORMAT!r}")
        return cls(folder)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else adds or takes away meanwhile.

        Raises:
            TryAgain: somebody is at it.
        """
        with saying_what_failed(self.folder):
            lock = os.open(self.folder / MARK, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise TryAgain(f"{self.folder}: another backup is at work in it") from error
        finally:
            os.close(lock)

    def path_of(self, sha256: str) -> Path:
        """Where an object lies, or would lie."""
        return self.folder / "objects" / sha256[:2] / sha256

    def put(self, source: BinaryIO) -> tuple[str, int]:
        """Keep a file's bytes; (SHA-256, size). Raises OSError."""
        objects = self.folder / "objects"
        handle, temporary = tempfile.mkstemp(prefix=".", dir=objects)
        try:
            sha256, size = hashlib.sha256(), 0
            with os.fdopen(handle, "wb") as out:
                while block := source.read(_BLOCK):
                    sha256.update(block)
                    size += len(block)
                    out.write(block)
            target = self.path_of(sha256.hexdigest())
            if not (target.exists() and target.stat().st_size == size):
                target.parent.mkdir(exist_ok=True, mode=0o700)
                put_in_place(Path(temporary), target)
            return sha256.hexdigest(), size
        finally:
            Path(temporary).unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Names of the snapshots, oldest first."""
        found = [path.stem for path in (self.folder / "snapshots").glob("*.json")]
        return sorted(name for name in found if NAME.fullmatch(name))

    def write(
        self, name: str, files: Iterable[Listed], facts: dict[str, Any], signer: Signer | None
    ) -> Snapshot:
        """Write listing and snapshot; the backup is there when it returns. Raises OSError."""
        count = size = 0
        with tempfile.TemporaryFile(dir=self.folder) as listing:
            for each in files:
                listing.write(to_canonical(asdict(each)) + b"\n")
                count, size = count + 1, size + each.size_bytes
            listing.seek(0)
            sha256, _ = self.put(listing)
        told: dict[str, Any] = facts | {
            "name": name,
            "listing_sha256": sha256,
            "files": count,
            "size_bytes": size,
            "signed_by": signer.key_id if signer else UNSIGNED,
        }
        content = to_canonical({"format": FORMAT, **told})
        path = self._path(name)
        if signer:
            put_private(_signature_of(path), sign_file(signer, path.name, content))
        put_private(path, content)
        return Snapshot(**told | {"missing": tuple(told["missing"])})

    def read(self, name: str) -> Snapshot:
        """A snapshot as it tells of itself.

        Raises:
            PutAside: there is none of that name, or it cannot be read.
        """
        path = self._path(name)
        try:
            told = from_canonical(path.read_bytes())
            if told.pop("format") != FORMAT or told["name"] != name:
                raise PutAside("is of another kind")
            return Snapshot(**told | {"missing": tuple(told["missing"])})
        except FileNotFoundError as error:
            known = ", ".join(self.names()[-3:]) or "none"
            raise PutAside(f"{path}: there is no such snapshot; the latest: {known}") from error
        except (OSError, PutAside, KeyError, TypeError, AttributeError) as error:
            raise PutAside(f"{path}: changed: {error}") from error

    def fault_of_signature(self, snapshot: Snapshot, keys: PublicKeys) -> str:
        """What is wrong with a snapshot's signature, "" if nothing or where it was not signed."""
        path = self._path(snapshot.name)
        if snapshot.signed_by == UNSIGNED:
            return ""
        try:
            content, signature = path.read_bytes(), _signature_of(path).read_bytes()
        except OSError as error:
            return f"{path}: its signature cannot be read: {error.strerror}"
        fault = fault_of_signature_file(signature, path.name, content, snapshot.signed_by, keys)
        return f"{_signature_of(path)}: {fault}" if fault else ""

    def listing(self, snapshot: Snapshot) -> Iterator[Listed]:
        """The files of a snapshot, one after the other.

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
        """What is wrong with an object, "" if nothing; reads all of it."""
        path = self.path_of(sha256)
        try:
            if size_bytes is not None and path.stat().st_size != size_bytes:
                return f"changed: {path.stat().st_size} bytes, backed up with {size_bytes}"
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    return "changed: its SHA-256 is not that of the backup"
        except FileNotFoundError:
            return "is missing"
        except OSError as error:
            return f"cannot be read: {error.strerror}"
        return ""

    def drop(self, names: Iterable[str]) -> int:
        """Delete snapshots, and every object that no other snapshot needs; bytes freed.

        Raises:
            PutAside: a snapshot that stays cannot be read: then nothing is deleted.
        """
        gone = {*names}
        needed: set[str] = set()
        for name in self.names():
            if name not in gone:
                snapshot = self.read(name)
                needed |= {snapshot.listing_sha256}
                needed |= {each.sha256 for each in self.listing(snapshot)}
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


@contextmanager
def saying_what_failed(where: Path) -> Iterator[None]:
    """Turn errors of the disk into TryAgain."""
    try:
        yield
    except OSError as error:
        raise TryAgain(
            f"{where}: the backup cannot be written: {error.strerror or error}; is the disk full, "
            "or not mounted?"
        ) from error


def _signature_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sig")
