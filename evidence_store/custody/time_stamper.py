"""Get a time stamp for every sealing, in a thread: an authority that is away holds up nothing.

The stamp becomes a custody entry of its own, `stamped`, which names the entry that it is of. A sealing that
could not be stamped is tried again, after a restart as well; both times, of the sealing and of the stamp,
stay visible.
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
from domain.processes.backoff import Backoff
from domain.site.time_stamping import TimeStamping
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.time_stamps import (
    Stamp,
    TimeStampAuthority,
    publish_authority,
    read_certificates,
)
from evidence_store.files.canonical_json import from_canonical

log = structlog.get_logger()

LOOK_EVERY_S = 2.0
LONGEST_PAUSE_S = 300.0
LAST_ROUND_S = 10.0


class StampSource(Protocol):
    """An authority that vouches for a time."""

    def stamp(self, line: bytes) -> tuple[Stamp, bytes]:
        """Return a checked time stamp of a line, and its bytes; raises TryAgain."""


@dataclass(frozen=True, slots=True)
class Unstamped:
    """A sealing that nobody else has vouched for yet."""

    evidence_id: str
    number: int
    line: bytes  # the entry as it lies in the chain, without its end


class StampBook:
    """Follow which sealings of a chain are stamped; reads on where it stopped."""

    def __init__(self, chain: CustodyChain) -> None:
        """Begin at the chain's first entry."""
        self.chain = chain
        self._read_bytes = 0
        self._waiting: dict[int, Unstamped] = {}  # by the entry's number

    def waiting(self) -> list[Unstamped]:
        """Return the sealings not stamped yet, oldest first; raises TryAgain: the chain cannot be read."""
        for line in self.chain.lines(self._read_bytes):
            # still being written
            if not line.endswith(b"\n"):
                break
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


def stamp_on_record(entries: Sequence[Entry]) -> tuple[str, str] | None:
    """Return when (ISO 8601) and by whom a record's last sealing was stamped, unchecked; None: not (yet)."""
    sealed = [entry["number"] for entry in entries if entry["kind"] == "sealed"][-1:]
    for entry in reversed(entries):
        if entry["kind"] == "stamped" and entry["details"].get("entry") in sealed:
            return str(entry["details"]["stamped_at"]), str(entry["details"]["by"])
    return None


def stamp_waiting(
    book: StampBook, authority: StampSource, url: str, is_over: Callable[[], bool] = lambda: False
) -> int:
    """Stamp the sealings that wait, oldest first; return how many were stamped.

    `url` is the authority's, for the entry. `is_over` is asked before each; True leaves the rest for
    another time.

    Raises:
        TryAgain: the authority is away, or the chain cannot be written.
    """
    done = 0
    for sealing in book.waiting():
        if is_over():
            break
        stamp, response = authority.stamp(sealing.line)
        book.chain.append(
            "stamped",
            sealing.evidence_id,
            {
                "entry": sealing.number,
                "sha256": hashlib.sha256(sealing.line).hexdigest(),
                "authority": url,
                "by": stamp.by,
                "stamped_at": stamp.at.isoformat(timespec="milliseconds"),
                "response": base64.b64encode(response).decode("ascii"),
            },
        )
        done += 1
    return done


class Stamper:
    """Stamp what is sealed in a thread, for as long as the `with` block lasts."""

    def __init__(self, chain: CustodyChain, authority: TimeStampAuthority) -> None:
        """Prepare the thread; entering the `with` block starts it."""
        self._authority = authority
        self._book = StampBook(chain)
        self._backoff = Backoff(first_s=2 * LOOK_EVERY_S, longest_s=LONGEST_PAUSE_S)
        self._over, self._late = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="time stamps", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Make one more round for what was sealed last, without a long wait."""
        self._over.set()
        self._thread.join(LAST_ROUND_S)
        self._late.set()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._over.is_set()
            pause_s = self._round()
            if not is_last:
                self._over.wait(pause_s)

    def _round(self) -> float:
        """Stamp what waits; return how long to wait before the next look."""
        url = self._authority.settings.url
        try:
            if done := stamp_waiting(self._book, self._authority, url, self._late.is_set):
                log.info("time_stamped", records=done, authority=url)
        except ForewarnError as error:
            pause_s = self._backoff.next_s()
            log.warning("time_stamp_waits", authority=url, retry_in_s=pause_s, reason=str(error))
            return pause_s
        except Exception:  # the thread must outlive one strange answer
            log.exception("time_stamping_failed", authority=url)
            return LONGEST_PAUSE_S
        self._backoff.reset()
        return LOOK_EVERY_S


def open_authority(settings: TimeStamping, folder: Path, data: DataDir) -> TimeStampAuthority:
    """Open a site file's authority, and keep its certificates in the data folder to check stamps there.

    `folder` is the site file's; `ca_file` is relative to it.

    Raises:
        Stop: the authority's certificates cannot be read.
        TryAgain: the data folder cannot be written.
    """
    certificates = read_certificates(folder / settings.ca_file)
    publish_authority(data.keys, certificates)
    return TimeStampAuthority(settings, certificates)
