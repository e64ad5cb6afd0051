"""Open any record of the store by its id: what was sealed, and what became of it since."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboards.data.evidence_lookup import EvidenceLookup
from dashboards.data.offence_projection import OffenceProjection, OffenceView
from dashboards.selections import SearchSelection
from dashboards.settings import ConsoleSettings
from domain.errors import ForewarnError, PutAside
from domain.events.catalog import Event, EvidenceFile, parse_data
from domain.evidence import EvidenceRecord
from domain.ids import mint
from event_log.log import EventLog
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.erasure.legal_holds import Hold, holds_on_record
from evidence_store.search.similarity import Match
from evidence_store.vault.additions import added_files
from evidence_store.vault.manifest import read_seal
from evidence_store.vault.sealed_files import EVIDENCE_ID, SealedFiles

OFFENCE_ID = re.compile(r"ofc-[0-9a-f]{16}")
ALIKE, SAME_PLACE = 8, 8  # records shown beside one


class RecordFault(PutAside):
    """Say why a record cannot be shown: `key` and `facts` are of the catalogue's section `record`."""

    def __init__(self, key: str, offence_id: str = "", **facts: object) -> None:
        self.key, self.offence_id, self.facts = key, offence_id, facts
        super().__init__(f"{key} {facts}")


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record with all that is known of it."""

    record: EvidenceRecord
    story: Mapping[str, Any]  # what numbers.json holds beside it; {}: it cannot be read
    offence: OffenceView | None  # None: neither the story nor the log tells of it
    entries: tuple[Entry, ...]  # of the custody chain about it, unchecked
    checks: tuple[Entry, ...]  # when all records were verified, likewise
    masked_clips: tuple[EvidenceFile, ...]
    holds: tuple[Hold, ...]
    manifest_sha256: str = ""
    key_id: str = ""  # "": not signed

    @property
    def evidence_id(self) -> str:
        """Return the record's id."""
        return self.record.evidence_id


@dataclass(frozen=True, slots=True)
class RecordsBeside:
    """Records to go on to from one."""

    older: str = ""  # ids; "": there is none
    newer: str = ""
    alike: tuple[Match, ...] = ()
    same_place: tuple[EvidenceRecord, ...] = ()


class RecordLookup:
    """Opens records; every call blocks, so pages call from a thread."""

    def __init__(
        self, settings: ConsoleSettings, vault: SealedFiles, evidence: EvidenceLookup
    ) -> None:
        self._settings, self._vault, self._evidence = settings, vault, evidence
        site = settings.site
        self._timezone = ZoneInfo(site.site.timezone if site else "UTC")

    def open(self, wanted: str) -> StoredRecord:
        """Open a record by its own id or its offence's.

        Raises:
            RecordFault: there is none, not yet, or not any more; or it cannot be read.
            TryAgain, Stop: the store cannot be read.
        """
        offence_id = wanted if OFFENCE_ID.fullmatch(wanted) else ""
        evidence_id = mint("evd", offence_id) if offence_id else wanted
        if not EVIDENCE_ID.fullmatch(evidence_id):
            raise RecordFault("unknown", evidence=wanted[:60])
        chain = CustodyChain(self._settings.data.custody)
        entries = chain.about(evidence_id)
        _check_is_kept(evidence_id, entries)
        record = self._read(evidence_id, offence_id, entries)
        story = self._vault.story(evidence_id)
        seal = read_seal(self._vault.folder_of(evidence_id))
        return StoredRecord(
            record,
            story,
            self._offence(record, story),
            tuple(entries),
            tuple(entry for entry in chain.about("") if entry.get("kind") == "verified"),
            added_files(entries),
            tuple(holds_on_record(self._settings.data, evidence_id)),
            seal.manifest_sha256 if seal else "",
            seal.key_id if seal else "",
        )

    def beside(self, evidence_id: str) -> RecordsBeside:
        """Find the records before and after one, and those that look alike or were made at its place.

        Raises:
            TryAgain, Stop: the evidence table cannot be read.
        """
        record = self._evidence.record(evidence_id)
        if record is None:
            return RecordsBeside()
        older, newer = self._evidence.beside(record)
        there = SearchSelection(camera_id=record.camera_id)
        near = self._evidence.recent(there, SAME_PLACE + 1, zone_id=record.zone_id)
        alike: tuple[Match, ...] = ()
        # without a picture of its subject there is nothing to compare
        with suppress(PutAside):
            alike = self._evidence.similar(SearchSelection(evidence_id=evidence_id)).matches[:ALIKE]
        others = [each for each in near if each.evidence_id != evidence_id]
        return RecordsBeside(older, newer, alike, tuple(others[:SAME_PLACE]))

    def _read(self, evidence_id: str, offence_id: str, entries: list[Entry]) -> EvidenceRecord:
        """Read it from the vault, which needs no table; else, where the vault's is damaged, its row."""
        record = self._vault.read(evidence_id)
        if record is not None:
            return record
        is_known = bool(entries) or self._vault.folder_of(evidence_id).is_dir()
        try:
            row = self._evidence.record(evidence_id)
        except ForewarnError:
            if not is_known:
                raise
            row = None
        if row is not None:
            return row
        if is_known:
            raise RecordFault("damaged", evidence=evidence_id)
        if offence_id and self._logged(offence_id):
            raise RecordFault("not_sealed", offence_id, offence=offence_id)
        raise RecordFault("unknown", evidence=offence_id or evidence_id)

    def _offence(self, record: EvidenceRecord, story: Mapping[str, Any]) -> OffenceView | None:
        """Fold what was sealed of the offence, and what the log tells of it since."""
        events = {event.id: event for event in events_of_story(story)}
        # without its events the record is shown all the same
        with suppress(ForewarnError):
            events |= {
                event.id: event for event in self._logged(record.offence_id, record.evidence_id)
            }
        projection = OffenceProjection(self._timezone)
        projection.take(events.values())
        return projection.offences.get(record.offence_id)

    def _logged(self, *subjects: str) -> list[Event]:
        """Read what the log tells about these, in its order."""
        path = self._settings.data.events_db
        if not path.exists():  # opening would make one
            return []
        with EventLog.open(path) as log:
            about = [logged for subject in subjects for logged in log.about(subject)]
        return [each.event for each in sorted(about, key=lambda each: each.seq)]


def events_of_story(story: Mapping[str, Any]) -> Iterator[Event]:
    """Yield the events that a record's numbers tell; those of other versions are passed over."""
    for plain in [*(story.get("history") or ()), story.get("outcome") or {}]:
        with suppress(KeyError, TypeError, ValueError):
            data = parse_data(plain["type"], plain["data"])
            at = datetime.fromisoformat(plain["time"])
            yield Event(plain["id"], "", getattr(data, "offence_id", ""), at, data)


def _check_is_kept(evidence_id: str, entries: list[Entry]) -> None:
    """Raise RecordFault for a record that is erased or being erased: nothing of it is shown any more."""
    for entry in reversed(entries):
        if entry["kind"] in ("erasing", "erased"):
            number, at = entry["number"], datetime.fromisoformat(entry["at"])
            raise RecordFault(str(entry["kind"]), evidence=evidence_id, number=number, at=at)
        if entry["kind"] == "sealed":
            return
