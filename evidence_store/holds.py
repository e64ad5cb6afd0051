"""Legal holds: what must not be erased, nor dropped from the recordings, until somebody lets it go.

The custody chain is the truth about holds. A small file for each standing one lets other processes
see it without reading the chain; where the two differ, whichever says "held" counts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from domain.data_dir import DataDir
from domain.errors import PutAside
from evidence_store.canonical_json import from_canonical, to_canonical
from evidence_store.check_custody import ChainReport, read_despite_faults
from evidence_store.custody import CustodyChain
from evidence_store.erasure import check_not_erased
from evidence_store.folder_lock import alone_with
from evidence_store.pins import Pin
from evidence_store.site_key import keys_of
from evidence_store.vault import saying_what_failed
from evidence_store.whole_files import put_in_place, sync_folder

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
        """What it keeps of the recordings."""
        return Pin(self.camera_id, self.from_at, self.to_at, f"hold {self.hold_id}: {self.reason}")

    def is_over(self, now: datetime) -> bool:
        """True once its own term has ended."""
        return self.until is not None and self.until <= now

    def to_json(self) -> dict[str, Any]:
        """As JSON values; the record's id is the custody entry's own."""
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
    def from_json(cls, evidence_id: str, told: dict[str, Any]) -> Self:
        """What `to_json` made; raises KeyError, TypeError and ValueError."""
        until = str(told["until"])
        return cls(
            hold_id=str(told["hold_id"]),
            evidence_id=evidence_id,
            camera_id=str(told["camera_id"]),
            from_at=datetime.fromisoformat(told["from_at"]),
            to_at=datetime.fromisoformat(told["to_at"]),
            reason=str(told["reason"]),
            owner=str(told["owner"]),
            until=datetime.fromisoformat(until) if until else None,
        )


def new_hold_id() -> str:
    """An id that nobody has yet: a hold is a person's act, not something that is done again."""
    return f"hld-{secrets.token_hex(8)}"


class Holds:
    """The holds of one data folder."""

    def __init__(self, folder: Path, chain: CustodyChain) -> None:
        self.folder = folder
        self.chain = chain

    def place(self, hold: Hold, who: str | None = None) -> None:
        """Hold; in force when it returns.

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
        with no_new_holds(self.folder):  # an erasure looks for holds and begins in one step
            if hold.evidence_id:
                check_not_erased(hold.evidence_id, self.chain)
            # the file first: a crash in between holds something that the chain is told of by `mend`
            self._write(hold)
            self.chain.append("held", hold.evidence_id, hold.to_json(), who)

    def release(self, hold: Hold, reason: str, who: str | None = None) -> None:
        """Let go; the chain says so before anything may be erased.

        Raises:
            PutAside: no reason was given.
            TryAgain: it cannot be written; then it stays held.
        """
        if not reason.strip():
            raise PutAside("letting go of a hold needs a reason; add --reason 'case 17 closed'")
        told = {"hold_id": hold.hold_id, "reason": reason.strip()}
        self.chain.append("released", hold.evidence_id, told, who)
        self._forget(hold.hold_id)

    def standing(self, report: ChainReport) -> list[Hold]:
        """Every hold in force, as the chain or the files say.

        Args:
            report: of the chain, freshly read.
        """
        found = {
            hold.hold_id: hold for hold in self.on_file() if hold.hold_id not in report.released
        }
        for hold_id, entry in report.held.items():
            try:
                told = Hold.from_json(str(entry["evidence_id"]), entry["details"])
            except (KeyError, TypeError, ValueError):
                continue
            found[hold_id] = told
        return sorted(found.values(), key=lambda hold: (hold.from_at, hold.hold_id))

    def mend(self, report: ChainReport, now: datetime | None = None) -> None:
        """Make files and chain agree again after a crash, and end the holds whose term is over."""
        now = now or datetime.now(UTC)
        for hold in self.on_file():
            if hold.hold_id in report.released:
                self._forget(hold.hold_id)
            elif hold.hold_id not in report.held and not report.problems:
                self.chain.append("held", hold.evidence_id, hold.to_json())
        there = {hold.hold_id for hold in self.on_file()}
        for hold in self.standing(report):
            if hold.is_over(now):
                self.release(hold, "its term is over")
            elif hold.hold_id not in there:
                self._write(hold)

    def on_file(self) -> list[Hold]:
        """Holds as their files tell them; what cannot be read is passed over, the chain has it."""
        return read_holds(self.folder)

    def _write(self, hold: Hold) -> None:
        path = self.folder / f"{hold.hold_id}.json"
        with saying_what_failed(f"hold {hold.hold_id}", path):
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".part")
            temporary.write_bytes(to_canonical({**hold.to_json(), "evidence_id": hold.evidence_id}))
            put_in_place(temporary, path)

    def _forget(self, hold_id: str) -> None:
        path = self.folder / f"{hold_id}.json"
        with saying_what_failed(f"hold {hold_id}", path):
            path.unlink(missing_ok=True)
            if self.folder.is_dir():
                sync_folder(self.folder)


@contextmanager
def no_new_holds(folder: Path) -> Iterator[None]:
    """Nobody places a hold meanwhile: what is looked at as not held stays so until it is on record.

    Args:
        folder: of the holds.
    Raises:
        TryAgain: it cannot be made or locked.
    """
    with ExitStack() as stack:
        with saying_what_failed("holds", folder):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(alone_with(folder))
        yield


def standing_holds(data: DataDir) -> list[Hold]:
    """Every hold in force in a data folder, to read."""
    chain = CustodyChain(data.custody)
    report = read_despite_faults(chain, keys_of(data))
    return Holds(data.holds, chain).standing(report)


def read_holds(folder: Path) -> list[Hold]:
    """Holds as the files of a folder tell them."""
    holds = []
    for path in sorted(folder.glob("hld-*.json")):
        try:
            told = dict(from_canonical(path.read_bytes()))
            holds.append(Hold.from_json(str(told.pop("evidence_id")), told))
        except (OSError, PutAside, KeyError, TypeError, ValueError):
            continue
    return holds


def find_hold(wanted: str, holds: Iterable[Hold]) -> Sequence[Hold]:
    """The hold of that id, or all holds of the record of that id."""
    return [hold for hold in holds if wanted in (hold.hold_id, hold.evidence_id)]
