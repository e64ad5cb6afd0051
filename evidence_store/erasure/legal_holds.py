"""Place and release legal holds: what must not be erased, nor dropped from the recordings.

The custody chain is the truth about holds. A small file for each hold in force lets other processes see it
without reading the chain; where the two differ, whichever says "held" counts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.files import sync_file, write_atomically
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.chain_check import ChainReport, read_despite_faults
from evidence_store.custody.records_on_chain import check_not_erased
from evidence_store.custody.signing_key import keys_of
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.files.folder_lock import exclusive_lock
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.recordings.pins import Pin

HOLD_ID = re.compile(r"hld-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold: on a record with the footage around it, or on a camera's footage alone."""

    hold_id: str
    evidence_id: str  # "" where only footage is held
    camera_id: str
    from_at: datetime  # UTC, of the footage
    to_at: datetime
    reason: str
    owner: str  # who answers for it
    until: datetime | None = None  # UTC; None: until it is released

    @property
    def pin(self) -> Pin:
        """Return the footage that it keeps."""
        return Pin(self.camera_id, self.from_at, self.to_at, f"hold {self.hold_id}: {self.reason}")

    def is_over(self, now: datetime) -> bool:
        """Return True once its own term has ended."""
        return self.until is not None and self.until <= now

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; the record's id is the custody entry's own."""
        return {
            "hold_id": self.hold_id,
            "reason": self.reason,
            "owner": self.owner,
            "until": self.until.isoformat() if self.until else "",
            "camera_id": self.camera_id,
            "from_at": self.from_at.isoformat(),
            "to_at": self.to_at.isoformat(),
        }

    @classmethod
    def from_json(cls, evidence_id: str, details: dict[str, Any]) -> Self:
        """Read what `to_json` made; raises KeyError, TypeError and ValueError."""
        until = str(details["until"])
        return cls(
            hold_id=str(details["hold_id"]),
            evidence_id=evidence_id,
            camera_id=str(details["camera_id"]),
            from_at=datetime.fromisoformat(details["from_at"]),
            to_at=datetime.fromisoformat(details["to_at"]),
            reason=str(details["reason"]),
            owner=str(details["owner"]),
            until=datetime.fromisoformat(until) if until else None,
        )


def new_hold_id() -> str:
    """Make an id at random: a hold is a person's act, so a second one is another hold."""
    return f"hld-{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True)
class Holds:
    """Place, release and read the holds of one data folder."""

    folder: Path  # of their files
    chain: CustodyChain

    def place(self, hold: Hold, who: str | None = None) -> None:
        """Place a new hold, in force when it returns; `who` is the person, if not this process's user.

        Raises:
            PutAside: it has no reason or owner, ends before it begins, or comes too late: the record
                is being erased.
            TryAgain: it cannot be written; then nothing is held.
        """
        if not hold.reason.strip() or not hold.owner.strip():
            raise PutAside("a hold needs a reason and an owner, who answers for it")
        if hold.from_at > hold.to_at:
            raise PutAside(
                f"a hold's footage should end after it begins, got {hold.from_at} to {hold.to_at}"
            )
        # an erasure looks for holds and begins in one step, under the same lock
        with no_new_holds(self.folder):
            if hold.evidence_id:
                check_not_erased(hold.evidence_id, self.chain)
            # the file first: after a crash in between it is held, and `mend` logs it to the chain
            self._write(hold)
            self.chain.append("held", hold.evidence_id, hold.to_json(), who)

    def release(self, hold: Hold, reason: str, who: str | None = None) -> None:
        """Release a hold; the chain says so before anything may be erased; `who` as in `place`.

        Raises:
            PutAside: no reason was given.
            TryAgain: it cannot be written; then it stays held.
        """
        if not reason.strip():
            raise PutAside("letting go of a hold needs a reason; add --reason 'case 17 closed'")
        details = {"hold_id": hold.hold_id, "reason": reason.strip()}
        self.chain.append("released", hold.evidence_id, details, who)
        self._forget(hold.hold_id)

    def standing(self, report: ChainReport) -> list[Hold]:
        """Return every hold in force, as the chain (freshly read) or the files say."""
        on_file = {hold.hold_id: hold for hold in read_holds(self.folder)}
        holds = {name: hold for name, hold in on_file.items() if name not in report.released}
        for hold_id, entry in report.held.items():
            with suppress(KeyError, TypeError, ValueError):
                holds[hold_id] = Hold.from_json(str(entry["evidence_id"]), entry["details"])
        return sorted(holds.values(), key=lambda hold: (hold.from_at, hold.hold_id))

    def mend(self, report: ChainReport, now: datetime | None = None) -> None:
        """Make files and chain agree after a crash, and end the holds whose term is over."""
        now = now or datetime.now(UTC)
        for hold in read_holds(self.folder):
            if hold.hold_id in report.released:
                self._forget(hold.hold_id)
            elif hold.hold_id not in report.held and not report.problems:
                self.chain.append("held", hold.evidence_id, hold.to_json())
        there = {hold.hold_id for hold in read_holds(self.folder)}
        for hold in self.standing(report):
            if hold.is_over(now):
                self.release(hold, "its term is over")
            elif hold.hold_id not in there:
                self._write(hold)

    def _write(self, hold: Hold) -> None:
        path = self.folder / f"{hold.hold_id}.json"
        with reraise_as_try_again(f"hold {hold.hold_id}", path):
            content = to_canonical({**hold.to_json(), "evidence_id": hold.evidence_id})
            write_atomically(path, content)

    def _forget(self, hold_id: str) -> None:
        path = self.folder / f"{hold_id}.json"
        with reraise_as_try_again(f"hold {hold_id}", path):
            path.unlink(missing_ok=True)
            if self.folder.is_dir():
                sync_file(self.folder)


@contextmanager
def no_new_holds(folder: Path) -> Iterator[None]:
    """Keep others from placing a hold meanwhile: what is seen as not held stays so until it is on record.

    Raises:
        TryAgain: the holds' folder cannot be made or locked.
    """
    with ExitStack() as stack:
        with reraise_as_try_again("holds", folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive_lock(folder))
        yield


def standing_holds(data: DataDir) -> list[Hold]:
    """Return every hold in force in a data folder, to read."""
    chain = CustodyChain(data.custody)
    return Holds(data.holds, chain).standing(read_despite_faults(chain, keys_of(data)))


def holds_on_record(data: DataDir, evidence_id: str) -> list[Hold]:
    """Return the holds in force on one record, to read; its entries of the chain are not checked.

    Raises:
        TryAgain: the chain cannot be read.
    """
    holds = {
        hold.hold_id: hold for hold in read_holds(data.holds) if hold.evidence_id == evidence_id
    }
    for entry in CustodyChain(data.custody).about(evidence_id):
        with suppress(KeyError, TypeError, ValueError):
            details = entry["details"]
            if entry["kind"] == "held":
                holds[str(details["hold_id"])] = Hold.from_json(evidence_id, details)
            elif entry["kind"] == "released":
                holds.pop(str(details["hold_id"]), None)
    return sorted(holds.values(), key=lambda hold: (hold.from_at, hold.hold_id))


def read_holds(folder: Path) -> list[Hold]:
    """Read the holds' files of a folder; one that cannot be read is passed over: the chain has it."""
    holds = []
    for path in sorted(folder.glob("hld-*.json")):
        with suppress(OSError, PutAside, KeyError, TypeError, ValueError):
            details = dict(from_canonical(path.read_bytes()))
            holds.append(Hold.from_json(str(details.pop("evidence_id")), details))
    return holds


def find_hold(wanted: str, holds: Iterable[Hold]) -> Sequence[Hold]:
    """Return the hold of that id, or all holds of the record of that id."""
    return [hold for hold in holds if wanted in (hold.hold_id, hold.evidence_id)]
