"""Gets a time stamp for every sealing, beside the work: an authority that is away holds up nothing.

The stamp becomes a custody entry of its own, `stamped`, which names the entry that it is of. What could
not be stamped is tried again, after a restart as well; the difference between the two times stays in
plain sight.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import structlog

from domain.data_dir import DataDir
from domain.errors import ForewarnError, PutAside
from domain.time_stamping import TimeStamping
from evidence_store.canonical_json import from_canonical
from evidence_store.custody import CustodyChain, Entry
from evidence_store.time_stamps import (
    Stamp,
    TimeStampAuthority,
    publish_authority,
    read_certificates,
)

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
LONGEST_PAUSE_S = 300.0
LAST_ROUND_S = 10.0


class Stamps(Protocol):
    """Whoever vouches for a time."""

    def stamp(self, line: bytes) -> tuple[Stamp, bytes]:
        """A checked time stamp of a line, and its bytes. Raises TryAgain."""


@dataclass(frozen=True, slots=True)
class Unstamped:
    """A sealing that nobody else has vouched for yet."""

    evidence_id: str
    number: int
    line: bytes  # the entry as it lies in the chain, without its end


class StampBook:
    """Which sealings of a chain are stamped; reads on where it stopped."""

    def __init__(self, chain: CustodyChain) -> None:
        self.chain = chain
        self._read_bytes = 0
        self._waiting: dict[int, Unstamped] = {}  # by the entry's number

    def waiting(self) -> list[Unstamped]:
        """What is not stamped yet, oldest first.

        Raises:
            TryAgain: the chain cannot be read.
        """
        for line in self.chain.lines(self._read_bytes):
            if not line.endswith(b"\n"):
                break  # still being written
            self._read_bytes += len(line)
            if b'"kind":"sealed"' in line or b'"kind":"stamped"' in line:
                self._note(line[:-1])
        return list(self._waiting.values())

    def _note(self, line: bytes) -> None:
        try:
            entry: Entry = from_canonical(line)
            number = int(entry["number"])
            if entry["kind"] == "sealed":
                self._waiting[number] = Unstamped(str(entry["evidence_id"]), number, line)
            elif entry["kind"] == "stamped":
                self._waiting.pop(int(entry["details"]["entry"]), None)
        except (PutAside, KeyError, TypeError, ValueError):
            return  # `verify` names it


def stamp_told(entries: Sequence[Entry]) -> tuple[str, str] | None:
    """When (ISO 8601) and by whom a record's last sealing was stamped; None where it was not (yet).

    Args:
        entries: of the custody chain, about the record; they are taken at their word.
    """
    sealed = [each["number"] for each in entries if each["kind"] == "sealed"][-1:]
    for entry in reversed(entries):
        if entry["kind"] == "stamped" and entry["details"].get("entry") in sealed:
            return str(entry["details"]["stamped_at"]), str(entry["details"]["by"])
    return None


def stamp_waiting(
    book: StampBook,
    authority: Stamps,
    url: str,
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Stamp what waits, oldest first.

    Args:
        url: of the authority, for the entry.
        is_over: asked before each; True leaves the rest for another time.
    Returns:
        how many were stamped.
    Raises:
        TryAgain: the authority is away, or the chain cannot be written.
    """
    done = 0
    for each in book.waiting():
        if is_over():
            break
        stamp, response = authority.stamp(each.line)
        book.chain.append(
            "stamped",
            each.evidence_id,
            {
                "entry": each.number,
                "sha256": hashlib.sha256(each.line).hexdigest(),
                "authority": url,
                "by": stamp.by,
                "stamped_at": stamp.at.isoformat(timespec="milliseconds"),
                "response": base64.b64encode(response).decode("ascii"),
            },
        )
        done += 1
    return done


class Stamper:
    """A thread that stamps what is sealed, for as long as the `with` block lasts."""

    def __init__(self, chain: CustodyChain, authority: TimeStampAuthority) -> None:
        self._authority = authority
        self._book = StampBook(chain)
        self._over, self._late = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="time stamps", daemon=True)

    @classmethod
    def of_site(
        cls, settings: TimeStamping, folder: Path, data: DataDir, chain: CustodyChain
    ) -> Self:
        """For a site file's settings.

        Args:
            folder: the site file's; `ca_file` is relative to it.
        Raises:
            Stop: the authority's certificates cannot be read.
            TryAgain: the data folder cannot be written.
        """
        return cls(chain, open_authority(settings, folder, data))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """One more round for what was sealed last, but no long wait."""
        self._over.set()
        self._thread.join(LAST_ROUND_S)
        self._late.set()

    def _run(self) -> None:
        pause_s = LOOK_EVERY_S
        while True:
            is_last = self._over.is_set()
            pause_s = self._round(pause_s)
            if is_last:
                return
            self._over.wait(pause_s)

    def _round(self, pause_s: float) -> float:
        """Stamp what waits; returns how long to wait before the next look."""
        url = self._authority.settings.url
        try:
            if done := stamp_waiting(self._book, self._authority, url, self._late.is_set):
                log.info("time_stamped", records=done, authority=url)
        except ForewarnError as error:
            log.warning("time_stamp_waits", authority=url, retry_in_s=pause_s, reason=str(error))
            return min(2 * pause_s, LONGEST_PAUSE_S)
        except Exception:  # the thread must outlive one strange answer
            log.exception("time_stamping_failed", authority=url)
            return LONGEST_PAUSE_S
        return LOOK_EVERY_S


def open_authority(settings: TimeStamping, folder: Path, data: DataDir) -> TimeStampAuthority:
    """A site file's authority; its certificates are kept in the data folder, to check stamps there.

    Raises:
        Stop: its certificates cannot be read.
        TryAgain: the data folder cannot be written.
    """
    certificates = read_certificates(folder / settings.ca_file)
    publish_authority(data.keys, certificates)
    return TimeStampAuthority(settings, certificates)
