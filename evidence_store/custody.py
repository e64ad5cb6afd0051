"""The custody chain: what was done with evidence, in lines that are only ever added.

Each line is one entry in canonical JSON, carries the SHA-256 of the line before, and is signed by
the site's key. Changing, removing or inserting a line breaks the link after it; whoever has not the
key cannot mend that. Several processes may append: a lock on the file puts them in order.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from domain.accounts import this_account
from domain.errors import PutAside, TryAgain
from evidence_store.canonical_json import from_canonical, to_canonical
from evidence_store.keys import Signer
from evidence_store.whole_files import sync_folder

FORMAT = "forewarn custody 1"
NOTHING_BEFORE = "0" * 64
Kind = Literal[
    "sealed",  # a record got its name; details: manifest_sha256
    "added",  # masked copies were put beside the sealed files; details: files, how
    "set aside",  # a record that did not verify was moved out of the way, to be sealed anew
    "viewed",  # somebody saw originals; details: reason, files
    "exported",  # a copy left; details: masked, reason, files
    "verified",  # everything was hashed again; details: records, problems
    "audited",
    "held",  # details: hold_id, reason, owner, until, which footage
    "released",  # details: hold_id, reason
    "erasing",  # about to be erased; details: what (hashes), why, marks to look for afterwards
    "footage erased",  # what an erasure had to leave and nobody needs now; details: recordings
    "erased",  # nothing of it was found any more; details: what was looked into, what could not be
    "key created",
    "key rotated",  # signed by the old key; details: new_key_id
    "encryption on",  # originals sealed from here on are encrypted; details: encryption_key_id
    "encryption off",  # somebody decided that they are not; details: reason
    "re-encrypted",  # originals came under the key in force; details: encryption_key_id, files
    "stamped",  # an authority vouches for the time of a sealing; details: of which entry, the stamp
    "backed up",  # a copy of all of it was made; details: backup, records
    "restored",  # from here on it is a copy out of a backup; details: backup, problems
    "people changed",  # who may do what; details: what, person, roles, accounts, sha256 of the file
    "refused",  # somebody may not; details: act, why, which record, person, account
    "mended",  # the line before was cut off by a crash; details: its sha256
]
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OnBehalf:
    """Whose doing an entry is, and by what right; every entry of theirs says so.

    No `authority`: the site has no list of people, and the name is an account's or was typed.
    """

    who: str
    authority: Mapping[str, str]


class CustodyChain:
    """The chain of one data folder; a missing file is a chain without entries."""

    def __init__(
        self, path: Path, signer: Signer | None = None, on_behalf: OnBehalf | None = None
    ) -> None:
        """Args:
        signer: signs what is added; None leaves entries visibly unsigned.
        on_behalf: of whom entries are added; None: of the program itself.
        """
        self.path = path
        self.signer = signer
        self.on_behalf = on_behalf

    def for_person(self, on_behalf: OnBehalf) -> CustodyChain:
        """The same chain, for what somebody is about to do."""
        return CustodyChain(self.path, self.signer, on_behalf)

    def append(
        self,
        kind: Kind,
        evidence_id: str,
        details: Mapping[str, Any],
        who: str | None = None,
    ) -> Entry:
        """Add one entry; on the disk when it returns.

        Args:
            evidence_id: which record; "" for what concerns all.
            who: the person, where that is not the user who runs this process.
        Raises:
            TryAgain: it cannot be written; then what it tells of may not be done.
        """
        with self._locked() as file:
            return self._add(file, kind, evidence_id, details, who)

    def append_once(self, kind: Kind, evidence_id: str, details: Mapping[str, Any]) -> bool:
        """Add an entry unless the last of that kind about that record says the same.

        Returns:
            True where it was added.
        """
        with self._locked() as file:
            last: Entry = {}
            for entry in self.about(evidence_id):
                if entry["kind"] == kind:
                    last = entry
            if last.get("details") == dict(details):
                return False
            self._add(file, kind, evidence_id, details, None)
            return True

    def lines(self, from_byte: int = 0) -> Iterator[bytes]:
        """All lines as they lie on the disk, each with its end.

        Args:
            from_byte: where to begin; a line's beginning.
        Raises:
            TryAgain: the file is there but cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                file.seek(from_byte)
                yield from file
        except FileNotFoundError:
            return
        except OSError as error:
            raise TryAgain(f"{self.path}: cannot be read: {error.strerror}") from error

    def about(self, evidence_id: str) -> list[Entry]:
        """Entries about one record, unchecked; lines that cannot be read are passed over."""
        wanted = f'"evidence_id":"{evidence_id}"'.encode()
        found = []
        for line in self.lines():
            if wanted in line:
                try:
                    found.append(from_canonical(line.rstrip(b"\n")))
                except PutAside:
                    continue
        return [each for each in found if each.get("evidence_id") == evidence_id]

    @contextmanager
    def _locked(self) -> Iterator[int]:
        try:
            is_new = not self.path.exists()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
                if is_new:
                    sync_folder(self.path.parent)
            finally:
                os.close(file)  # lets go of the lock, too
        except OSError as error:
            raise TryAgain(
                f"custody chain {self.path}: cannot be written: {error.strerror}; is the disk full?"
            ) from error

    def _add(
        self, file: int, kind: Kind, evidence_id: str, details: Mapping[str, Any], who: str | None
    ) -> Entry:
        number, last = _last_line(file)
        if last and not last.endswith(b"\n"):
            # an append that a power cut ended: its line stays, and the next one says what it was
            _write(file, b"\n")
            torn = {"sha256": hashlib.sha256(last).hexdigest(), "size_bytes": len(last)}
            number, last = self._write_entry(file, number, last, "mended", "", torn, None)[:2]
        return self._write_entry(file, number, last, kind, evidence_id, details, who)[2]

    def _write_entry(
        self,
        file: int,
        number: int,
        last: bytes,
        kind: Kind,
        evidence_id: str,
        details: Mapping[str, Any],
        who: str | None,
    ) -> tuple[int, bytes, Entry]:
        told = dict(details)
        if self.on_behalf is not None:
            who = who or self.on_behalf.who
            if self.on_behalf.authority:
                told["authority"] = dict(self.on_behalf.authority)
        entry: Entry = {
            "format": FORMAT,
            "number": number + 1,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": who or this_account(),
            "kind": kind,
            "evidence_id": evidence_id,
            "details": told,
            "previous": link_to(last),
            "key_id": self.signer.key_id if self.signer else "",
        }
        entry["signature"] = self.signer.sign(to_canonical(entry)) if self.signer else ""
        line = to_canonical(entry) + b"\n"
        _write(file, line)
        os.fsync(file)
        return number + 1, line, entry


def note_sealed(chain: CustodyChain, folder: Path, offence_id: str) -> bool:
    """Tell the chain of a record's sealing, once for each manifest; True where it was news.

    Args:
        folder: the sealed record's, named for its id.
    Raises:
        TryAgain: folder or chain cannot be read or written.
    """
    try:
        manifest = (folder / "manifest.json").read_bytes()
    except OSError as error:
        raise TryAgain(f"{folder}: its manifest cannot be read: {error.strerror}") from error
    told = {"manifest_sha256": hashlib.sha256(manifest).hexdigest(), "offence_id": offence_id}
    return chain.append_once("sealed", folder.name, told)


def link_to(line: bytes) -> str:
    """What the entry after a line has to carry; the line's end does not count."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest() if line else NOTHING_BEFORE


def _last_line(file: int) -> tuple[int, bytes]:
    """The last line and its number, counted from 1; (0, b"") where there is none."""
    size = os.fstat(file).st_size
    end, block = size, b""
    while end > 0 and b"\n" not in block[:-1]:
        start = max(0, end - 65536)
        block = os.pread(file, end - start, start) + block
        end = start
    last = block[block[:-1].rfind(b"\n") + 1 :]
    return (_number_of(last) or _count_lines(file)) if last else 0, last


def _number_of(line: bytes) -> int:
    """The number that a line gives itself; 0 where it cannot be read."""
    try:
        return int(from_canonical(line.removesuffix(b"\n"))["number"])
    except (PutAside, KeyError, TypeError, ValueError):
        return 0


def _count_lines(file: int) -> int:
    with os.fdopen(os.dup(file), "rb") as whole:
        whole.seek(0)
        return sum(1 for _ in whole)


def _write(file: int, content: bytes) -> None:
    """All of it or nothing: half a line left by a full disk is taken back, under the lock."""
    size = os.fstat(file).st_size
    try:
        if os.write(file, content) != len(content):
            raise OSError(28, "No space left on device")
    except OSError:
        os.ftruncate(file, size)
        raise
