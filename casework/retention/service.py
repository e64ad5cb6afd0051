"""Hold and erase evidence of one data folder, for commands and the retention program alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from casework.retention.announcements import forget_announcements
from casework.retention.evidence_events import EvidenceEvents
from domain.cameras.believed_clock import BelievedClock
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.evidence import EvidenceRecord
from domain.files import plain_name
from domain.site.retention import start_before
from domain.site.site import Site
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.chain_check import ChainReport, check_chain, read_despite_faults
from evidence_store.custody.signing_key import keys_of, open_chain
from evidence_store.erasure.erase_footage import erase_released
from evidence_store.erasure.erase_rows import vectors_of
from evidence_store.erasure.eraser import Erased, Eraser, unfinished
from evidence_store.erasure.erasure_request import Request, begin_erasure
from evidence_store.erasure.legal_holds import Hold, Holds, no_new_holds
from evidence_store.erasure.retention_schedule import RecordTerm, standings
from evidence_store.recordings.pins import Pin
from evidence_store.recordings.segment_files import SegmentFiles
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.open_vault import open_vault
from evidence_store.vault.vault import Vault

# they share the slow steps: writing the table's files anew, and searching all files
AT_ONCE = 200

Beat = Callable[[str], None]


def discard(words: str) -> None:
    """Discard what is reported, where nobody wants to hear of progress."""


@dataclass
class RetentionService:
    """Hold and erase one data folder's evidence, with the key that signs what is done to it."""

    data: DataDir
    chain: CustodyChain
    vault: Vault
    report: ChainReport

    @classmethod
    def open(cls, data: DataDir, keys: Path | None, *, despite_broken_chain: bool = False) -> Self:
        """Read the chain and see what is held; `keys`: the private key's folder, None: the data folder's own.

        With `despite_broken_chain`, somebody says that what comes after a broken entry tells of no hold.

        Raises:
            Stop: the key is not at hand, or the chain does not hold: a hold could have been taken
                out of it.
        """
        chain = open_chain(data, keys)
        service = cls(data, chain, open_vault(data, keys), ChainReport())
        service.reread()
        if service.report.problems and not despite_broken_chain:
            raise Stop(
                f"nothing is erased while the custody chain does not hold, for it tells what is held: "
                f"{'; '.join(service.report.problems)}. Look into it with `forewarn evidence verify`; "
                "where no hold can be missing, say --despite-broken-chain"
            )
        return service

    def reread(self) -> None:
        """Read and check the chain again."""
        self.report = read_despite_faults(self.chain, keys_of(self.data))

    @property
    def events(self) -> EvidenceEvents:
        """Return what reads and writes the folder's event log."""
        return EvidenceEvents(self.data.events_db)

    @property
    def holds(self) -> Holds:
        """Return what places and releases holds."""
        return Holds(self.data.holds, self.chain)

    def standing_holds(self) -> list[Hold]:
        """Return every hold in force."""
        return self.holds.standing(self.report)

    def mend(self, now: datetime | None = None) -> None:
        """Make holds agree with the chain, and end those whose term is over; `now`: None: by the clock."""
        before = {hold.hold_id: hold for hold in self.standing_holds()}
        self.holds.mend(self.report, now)
        self.reread()
        after = {hold.hold_id for hold in self.standing_holds()}
        for hold_id in before.keys() - after:
            self.log_hold(before[hold_id], "its term is over", is_held=False)

    def record(self, evidence_id: str) -> EvidenceRecord | None:
        """Return the table's row, else what the vault reads; None where there is neither."""
        table = EvidenceTable.open(self.data.lancedb, create=False)
        return table.get(evidence_id) or self.vault.read(evidence_id)

    def standings(self, site: Site) -> list[RecordTerm]:
        """Return every record's term, those due first."""
        table = EvidenceTable.open(self.data.lancedb, create=False)
        rules = {rule.id: rule.category for rule in site.rules}

        def category_of(rule_id: str, evidence_id: str) -> str | None:
            if rule_id in rules:
                return rules[rule_id]
            sealed = self.vault.story(evidence_id).get("rule") or {}
            return sealed.get("category")

        holds = self.standing_holds()
        return standings(site.retention, category_of, table, self.vault, self.report, holds)

    def erase(self, requests: Sequence[Request], beat: Beat = discard) -> list[Erased]:
        """Erase some records, and what an earlier process began and did not end.

        Raises:
            PutAside: one of them is held, or is not there; nothing was begun then.
            TryAgain: it cannot be done now; what was begun goes on with the next call.
        """
        with no_new_holds(self.data.holds):
            self._begin(requests)
        return self.finish(beat)

    def _begin(self, requests: Sequence[Request]) -> None:
        """Check that nothing of it is held, and log to the chain that it goes."""
        # a hold may have been placed meanwhile
        self.reread()
        held = {hold.evidence_id: hold for hold in self.standing_holds() if hold.evidence_id}
        for request in requests:
            self.vault.folder_of(request.evidence_id)  # raises where it is no id
            if hold := held.get(request.evidence_id):
                raise PutAside(
                    f"{request.evidence_id} is held by {hold.owner} ({hold.reason}) and is not erased; "
                    f"`forewarn evidence release {hold.hold_id} --reason TEXT` lets it go"
                )
        # all records are read before the first erasure begins: a record that cannot be read stops all
        new = [request for request in requests if request.evidence_id not in self.report.erasing]
        records = [self.record(request.evidence_id) for request in new]
        for request, record in zip(new, records, strict=True):
            vectors = vectors_of(self.data.lancedb, request.evidence_id)
            others = self._pictures_sent(record.offence_id) if record else []
            begin_erasure(request, record, vectors, others, self.vault, self.chain)
        self.reread()

    def erased_elsewhere(self, custody: Path) -> list[Request]:
        """Request anew what a newer chain says was erased and is here: the folder is an older backup.

        `custody` is the custody.jsonl of the folder that the backup was taken of, of a later day.

        Raises:
            Stop: it cannot be read, or does not hold with this folder's keys.
        """
        newer = check_chain(CustodyChain(custody), keys_of(self.data))
        if newer.problems or not newer.entries:
            raise Stop(f"{custody}: {'; '.join(newer.problems) or 'no custody chain is there'}")
        return [
            Request(
                evidence_id,
                f"was erased before (custody entry {entry['number']} of {entry['at']})",
                str(newer.why_erased[evidence_id]["details"].get("by", "")),
            )
            for evidence_id, entry in sorted(newer.erased.items())
            if evidence_id not in self.report.erased and self.record(evidence_id) is not None
        ]

    def finish(self, beat: Beat = discard) -> list[Erased]:
        """End the erasures that were begun, and log them."""
        begun = unfinished(self.report)
        done: list[Erased] = []
        for start in range(0, len(begun), AT_ONCE):
            eraser = Eraser(self.data, self.chain, self.pins, beat)
            batch = eraser.finish(begun[start : start + AT_ONCE], self.report)
            gone = [erased.erasure for erased in batch if erased.entry]
            self.events.forget_erased(gone, self.chain)
            done += batch
        self.reread()
        self.events.append_erased({erased.evidence_id for erased in done}, self.report)
        return done

    def erase_released_footage(self) -> None:
        """Delete what erasures had to leave in the recordings for others who need it no longer."""
        pins: list[Pin] | None = None
        for evidence_id, entry in self.report.erased.items():
            kept = [str(file["recording"]) for file in entry["details"].get("kept", ())]
            stretch = self.report.why_erased[evidence_id]["details"].get("stretch", {})
            camera_id = str(stretch.get("camera_id", ""))
            files = SegmentFiles(self.data.recordings / camera_id)
            if not camera_id or not any(files.exists(name) for name in kept):
                continue
            pins = self.pins() if pins is None else pins
            gone = erase_released(self.data.recordings, camera_id, kept, pins)
            if gone:
                details = {"recordings": gone, "begun_by": entry["details"]["begun_by"]}
                self.chain.append("footage erased", evidence_id, details)

    def pins(self) -> list[Pin]:
        """Return the footage that holds and open offences need."""
        holds = [hold.pin for hold in self.standing_holds()]
        return holds + self.events.open_offence_pins(
            BelievedClock(self.data.believed_clock).look().at
        )

    def log_hold(self, hold: Hold, reason: str, *, is_held: bool) -> None:
        """Log to the events that a hold was placed or ended, for consoles and other systems."""
        record = self.record(hold.evidence_id) if hold.evidence_id else None
        self.events.append_hold(hold, record, reason, is_held=is_held)

    def forget_old_events(self, site: Site, now: datetime | None = None) -> int:
        """Delete events whose term is over, of offences that have no evidence any more; return how many."""
        before = start_before(site.retention.events, now or datetime.now(UTC))
        return self.events.forget_recorded_before(before, self.report.sealed, self.chain)

    def forget_old_announcements(self, site: Site, now: datetime) -> int:
        """Delete sounds and notes of calls whose term is over, and sounds of no call; return how many calls."""
        before = start_before(site.retention.announcements, now).timestamp()
        return forget_announcements(self.data.announcements, before)

    def _pictures_sent(self, offence_id: str) -> list[Path]:
        """Return the masked pictures of messages about an offence that are still there."""
        pictures = self.data.notifications / "pictures"
        paths = [
            pictures / f"{plain_name(request_id)}.jpg"
            for request_id in self.events.requests_about(offence_id)
        ]
        return [path for path in paths if path.is_file()]


def erase_due(
    service: RetentionService, site: Site, now: datetime, beat: Beat = discard
) -> list[Erased]:
    """End erasures that were begun, then erase every record whose term is over and that is not held.

    `now` is to be the time that is believed (BelievedClock): a clock that jumped ahead would erase all.
    The steps are such that a kill cannot break them. `beat` is called with each, for progress and signs of
    life.

    Raises:
        TryAgain: another process is erasing, or rows cannot be erased now.
    """
    service.mend(now)
    done = service.finish(beat)
    due = [term for term in service.standings(site) if term.is_due(now)]
    for start in range(0, len(due), AT_ONCE):
        done += service.erase([_request(term) for term in due[start : start + AT_ONCE]], beat)
    service.erase_released_footage()
    service.forget_old_events(site, now)
    service.forget_old_announcements(site, now)
    return done


def _request(record: RecordTerm) -> Request:
    reason = f"its term is over: {record.term}" if record.term else record.because
    return Request(record.evidence_id, reason, "retention", record.because if record.term else "")
