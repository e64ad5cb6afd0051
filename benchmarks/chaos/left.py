"""Read once what a run left behind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from domain.data_dir import DataDir
from domain.events.catalog import Event, EventData
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.chain_check import ChainReport
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.open_vault import open_vault
from evidence_store.verify_data_folder import Verifier

PAGE = 5000
# names that only an unfinished write has: .name.part, .name.x4_k2, .evd-….x4_k2
UNFINISHED = re.compile(r"^\..+\.(part|[a-z0-9_]{8})$")
_Data = TypeVar("_Data", bound=EventData)


@dataclass(frozen=True)
class Left:
    """The log, the vault, the table and the chain of one data folder."""

    data: DataDir
    events: list[Event]  # in the order of the log
    rows: list[str]  # evidence ids in the table, one for each row
    folders: list[str]  # evidence ids in the vault
    entries: list[Entry]  # of the custody chain
    chain: ChainReport
    problems: dict[str, list[str]]  # evidence id -> what does not verify; "": keys and chain
    unfinished: list[str]  # files and folders that a killed write left, relative to the data folder

    @classmethod
    def look(cls, data: DataDir) -> Left:
        """Read and verify everything."""
        with EventLog.open(data.events_db) as log:
            events = [logged.event for logged in read_all(log)]
        table = EvidenceTable.open(data.lancedb)
        rows = table.facts().column("evidence_id").to_pylist()
        verifier = Verifier.open(data)
        vault = open_vault(data)
        problems = {"": [*verifier.problems, *verifier.vanished(rows)]}
        for record in table.get_many(sorted(set(rows))):
            problems[record.evidence_id] = verifier.problems_of(record)
        return cls(
            data=data,
            events=events,
            rows=rows,
            folders=list(vault.ids()),
            entries=list(_entries(data)),
            chain=verifier.chain,
            problems=problems,
            unfinished=sorted(unfinished(data.root)),
        )

    def of(self, kind: type[_Data]) -> list[tuple[Event, _Data]]:
        """Return events of one kind, with their data."""
        return [(event, event.data) for event in self.events if isinstance(event.data, kind)]

    def told(self, kind: str) -> Counter[str]:
        """Count how often the chain has that entry of which record."""
        return Counter(entry["evidence_id"] for entry in self.entries if entry["kind"] == kind)


def read_all(log: EventLog, after: int = 0) -> Iterator[LoggedEvent]:
    """Read every event of a log."""
    while page := log.read(after_seq=after, limit=PAGE):
        yield from page
        after = page[-1].seq


def unfinished(folder: Path) -> Iterator[str]:
    """List what a killed write left under a folder; the table's own files are its upkeep's matter."""
    for path in folder.rglob(".*"):
        if UNFINISHED.fullmatch(path.name) and "lancedb" not in path.parts:
            yield path.relative_to(folder).as_posix()


def _entries(data: DataDir) -> Iterator[Entry]:
    import json

    for line in CustodyChain(data.custody).lines():
        try:
            yield json.loads(line)
        except ValueError:  # cut off, and mended by the next
            continue
