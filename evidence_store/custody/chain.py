"""Append to and read the custody chain: a signed log of what was done with evidence.

Each line is one entry in canonical JSON, carries the SHA-256 of the line before, and is signed by
the site's key. Changing, removing or inserting a line breaks the link after it, and nobody without the
key can mend that. Several processes may append: a lock on the file puts them in order.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from domain.access.os_account import this_account
from domain.errors import PutAside, Stop, TryAgain
from domain.files import sync_file
from domain.processes.file_lock import lock_handle
from evidence_store.custody.chain_index import ChainIndex, index_of
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.files.plain_file import open_plain
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.keys.signing_keys import PublicKeys, Signer

FORMAT = "forewarn custody 1"
NOTHING_BEFORE = "0" * 64
LOG_HEAD = "log"  # member of details: head of the event log's own chain, which the entry signs
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
    "events forgotten",  # rows of the event log are about to be deleted; details: rows, reason
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


@dataclass(frozen=True, eq=False)
class CustodyChain:
    """The chain of one data folder; a missing file is a chain without entries."""

    path: Path
    signer: Signer | None = None  # None leaves entries visibly unsigned
    on_behalf: OnBehalf | None = None  # of whom entries are added; None: of the program itself
    # of the site, that signed before this one; none: they are not known, and not asked for
    earlier_keys: PublicKeys = field(default_factory=dict)

    def for_person(self, on_behalf: OnBehalf) -> CustodyChain:
        """Return the same chain, whose entries say on whose behalf they are added."""
        return replace(self, on_behalf=on_behalf)

    @property
    def own_keys(self) -> PublicKeys:
        """Return the keys whose signatures are the site's own."""
        if self.signer is None:
            return self.earlier_keys
        return {**self.earlier_keys, self.signer.key_id: self.signer.private.public_key()}

    def append(
        self, kind: Kind, evidence_id: str, details: Mapping[str, Any], who: str | None = None
    ) -> Entry:
        """Add one entry, on the disk when it returns; `evidence_id` is "" for what concerns all.

        `details` are JSON values; `who` is the person, where that is not the user who runs this process.

        Raises:
            TryAgain: it cannot be written; then what it tells of may not be done.
            Stop: somebody else's key signed the last entry.
        """
        with self._locked() as file:
            return self._add(file, kind, evidence_id, details, who)

    def append_once(self, kind: Kind, evidence_id: str, details: Mapping[str, Any]) -> bool:
        """Add an entry unless the last of that kind about that record says the same; True: added.

        The event log's head is of the moment, and not compared.

        Raises:
            PutAside: it is sealed already, otherwise: one seal has to be taken away before the next counts.
            TryAgain: it cannot be written.
        """
        with self._locked() as file:
            last = last_standing(self.about(evidence_id), kind)
            if last is not None and _says_of_itself(last["details"]) == _says_of_itself(details):
                return False
            if last is not None and kind == "sealed":
                raise PutAside(
                    f"{evidence_id}: custody entry {last.get('number')} sealed it already, with another "
                    "manifest; it has to be set aside before it can be sealed anew"
                )
            self._add(file, kind, evidence_id, details, None)
            return True

    def lines(self, from_byte: int = 0) -> Iterator[bytes]:
        """Read lines as they lie on the disk, each with its end; `from_byte` is a line's beginning.

        Raises:
            TryAgain: the file is there but cannot be read.
        """
        try:
            with open_plain(self.path) as file:
                file.seek(from_byte)
                yield from file
        except FileNotFoundError:
            return
        except OSError as error:
            raise TryAgain(f"{self.path}: cannot be read: {error.strerror}") from error

    def about(self, evidence_id: str) -> list[Entry]:
        """Return the entries about one record, unchecked; lines that cannot be read are passed over."""
        entries = readable_entries(self._indexed(lambda index: index.about(evidence_id)))
        return [entry for entry in entries if entry.get("evidence_id") == evidence_id]

    def about_keys(self) -> list[Entry]:
        """Return the entries at which another key signs than before, or one is named; likewise unchecked."""
        return [*readable_entries(self._indexed(ChainIndex.of_keys))]

    def _indexed(self, ask: Callable[[ChainIndex], list[bytes]]) -> list[bytes]:
        try:
            return ask(index_of(self.path.absolute()))
        except OSError as error:
            raise TryAgain(f"{self.path}: cannot be read: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        with reraise_as_try_again(f"custody chain {self.path}", advice="is the disk full?"):
            is_new = not self.path.exists()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
            try:
                lock_handle(file)
                yield file
                if is_new:
                    sync_file(self.path.parent)
            finally:
                os.close(file)

    def _add(
        self, file: int, kind: Kind, evidence_id: str, details: Mapping[str, Any], who: str | None
    ) -> Entry:
        number, last = _last_line(file)
        self._check_is_own(last)
        if last and not last.endswith(b"\n"):
            # an append that a power cut ended: its line stays, and the next one says what it was
            _write_whole(file, b"\n")
            torn = {"sha256": hashlib.sha256(last).hexdigest(), "size_bytes": len(last)}
            self._add(file, "mended", "", torn, None)
            number, last = _last_line(file)
        logged = dict(details)
        if self.on_behalf is not None:
            who = who or self.on_behalf.who
            if self.on_behalf.authority:
                logged["authority"] = dict(self.on_behalf.authority)
        entry: Entry = {
            "format": FORMAT,
            "number": number + 1,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "who": who or this_account(),
            "kind": kind,
            "evidence_id": evidence_id,
            "details": logged,
            "previous": link_to(last),
            "key_id": self.signer.key_id if self.signer else "",
        }
        # of the entry without its signature, as the verifier rebuilds it
        entry["signature"] = self.signer.sign(to_canonical(entry)) if self.signer else ""
        _write_whole(file, to_canonical(entry) + b"\n")
        os.fsync(file)
        return entry

    def _check_is_own(self, last: bytes) -> None:
        """Raise Stop where the last entry is a stranger's: the file was exchanged since it was opened."""
        for entry in readable_entries([last]):
            key_id = entry.get("key_id") if isinstance(entry, dict) else ""
            if self.earlier_keys and key_id and key_id not in self.own_keys:
                raise Stop(
                    f"{self.path}: its last entry is signed by {str(key_id)[:16]}…, which is none of this site's "
                    "keys: was another file put in its place? Put a sound copy back"
                )


def key_entries(chain: CustodyChain) -> list[Entry]:
    """Return the entries by which keys came into force, unchecked: an excerpt needs them to be checked."""
    return [
        entry for entry in chain.about("") if entry.get("kind") in ("key created", "key rotated")
    ]


def last_standing(entries: Iterable[Entry], kind: Kind) -> Entry | None:
    """Return the last entry of a kind that no setting aside or erasure took away; None where there is none."""
    last = None
    for entry in entries:
        if entry.get("kind") == kind:
            last = entry
        elif entry.get("kind") in ("erasing", "set aside"):
            last = None
    return last


def _says_of_itself(details: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in dict(details).items() if name != LOG_HEAD}


def note_sealed(
    chain: CustodyChain, folder: Path, offence_id: str, log_head: Mapping[str, Any] | None = None
) -> bool:
    """Log the sealing of the record in `folder`, once a manifest; True: not logged yet; raises TryAgain.

    `log_head` is the head of the event log's own chain at this moment, which the entry signs as well.
    """
    try:
        manifest = (folder / "manifest.json").read_bytes()
    except OSError as error:
        raise TryAgain(f"{folder}: its manifest cannot be read: {error.strerror}") from error
    details: dict[str, Any] = {
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "offence_id": offence_id,
    }
    if log_head:
        details[LOG_HEAD] = dict(log_head)
    return chain.append_once("sealed", folder.name, details)


def link_to(line: bytes) -> str:
    """Return the hash that the entry after a line has to carry; the line's end does not count."""
    return hashlib.sha256(line.rstrip(b"\n")).hexdigest() if line else NOTHING_BEFORE


def readable_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """Yield entries, unchecked; lines that cannot be read are passed over."""
    for line in lines:
        with suppress(PutAside):
            yield from_canonical(line.rstrip(b"\n"))


def _last_line(file: int) -> tuple[int, bytes]:
    """Read the last line of the locked file and its number, counted from 1; (0, b"") where there is none."""
    size = os.fstat(file).st_size
    end, block = size, b""
    while end > 0 and b"\n" not in block[:-1]:
        start = max(0, end - 65536)
        block = os.pread(file, end - start, start) + block
        end = start
    last = block[block[:-1].rfind(b"\n") + 1 :]
    return (_number_of(last) or _count_lines(file)) if last else 0, last


def _number_of(line: bytes) -> int:
    try:
        return int(from_canonical(line.removesuffix(b"\n"))["number"])
    except (PutAside, KeyError, TypeError, ValueError):
        return 0  # it cannot be read


def _count_lines(file: int) -> int:
    with os.fdopen(os.dup(file), "rb") as whole:
        whole.seek(0)
        return sum(1 for _ in whole)


def _write_whole(file: int, content: bytes) -> None:
    """Write all of it or nothing: half a line left by a full disk is taken back, under the lock."""
    size = os.fstat(file).st_size
    try:
        if os.write(file, content) != len(content):
            raise OSError(28, "No space left on device")
    except OSError:
        os.ftruncate(file, size)
        raise
