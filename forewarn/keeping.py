"""Keeping and erasing evidence, as commands and the retention program do it: one way for both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.events import Event, EvidenceErased, EvidenceHeld, RequestData
from domain.evidence import EvidenceRecord
from domain.ids import mint
from domain.site import Site
from event_log.log import EventLog
from event_log.stories import forget, headings, seqs_about
from evidence_store.check_custody import ChainReport, check_chain, read_despite_faults
from evidence_store.custody import CustodyChain, Entry
from evidence_store.due import Standing, standings
from evidence_store.erase_footage import erase_released
from evidence_store.erase_rows import vectors_of
from evidence_store.eraser import Erased, Eraser, unfinished
from evidence_store.erasure import Erasure, Request, tell_erasing
from evidence_store.holds import Hold, Holds, no_new_holds
from evidence_store.open_vault import open_vault
from evidence_store.pins import Pin
from evidence_store.segment_files import SegmentFiles
from evidence_store.site_key import keys_of, open_chain
from evidence_store.table import EvidenceTable
from evidence_store.vault import Vault
from flows.kept_files import plain_name
from flows.open_offences import OpenOffences

# they share the slow steps: writing the table's files anew, and searching all files
AT_ONCE = 200

Beat = Callable[[str], None]


def _silent(words: str) -> None:
    """Nobody wants to know."""


@dataclass
class Keeper:
    """One data folder's evidence, with the key that signs what is done to it."""

    data: DataDir
    chain: CustodyChain
    vault: Vault
    report: ChainReport

    @classmethod
    def open(cls, data: DataDir, keys: Path | None, *, despite_broken_chain: bool = False) -> Self:
        """Read the chain and see what is held.

        Args:
            despite_broken_chain: somebody says that what comes after a broken entry tells of no hold.
        Raises:
            Stop: the key is not at hand, or the chain does not hold: a hold could have been taken
                out of it.
        """
        chain = open_chain(data, keys)
        keeper = cls(data, chain, open_vault(data, keys), ChainReport())
        keeper.reread()
        if keeper.report.problems and not despite_broken_chain:
            raise Stop(
                f"nothing is erased while the custody chain does not hold, for it tells what is held: "
                f"{'; '.join(keeper.report.problems)}. Look into it with `forewarn evidence verify`; "
                "where no hold can be missing, say --despite-broken-chain"
            )
        return keeper

    def reread(self) -> None:
        """Look at the chain again."""
        self.report = read_despite_faults(self.chain, keys_of(self.data))

    @property
    def holds(self) -> Holds:
        """The way to place and release them."""
        return Holds(self.data.holds, self.chain)

    def standing_holds(self) -> list[Hold]:
        """Every hold in force."""
        return self.holds.standing(self.report)

    def mend(self) -> None:
        """Make holds agree with the chain, end those whose term is over."""
        before = {hold.hold_id: hold for hold in self.standing_holds()}
        self.holds.mend(self.report)
        self.reread()
        after = {hold.hold_id for hold in self.standing_holds()}
        for hold_id in before.keys() - after:
            self.tell_hold(before[hold_id], "its term is over", is_held=False)

    def record(self, evidence_id: str) -> EvidenceRecord | None:
        """The table's row, else what the vault reads; None where there is neither."""
        table = EvidenceTable.open(self.data.lancedb, create=False)
        return table.get(evidence_id) or self.vault.read(evidence_id)

    def standings(self, site: Site) -> list[Standing]:
        """Where every record stands, those due first."""
        table = EvidenceTable.open(self.data.lancedb, create=False)
        rules = {rule.id: rule.category for rule in site.rules}

        def category_of(rule_id: str, evidence_id: str) -> str | None:
            if rule_id in rules:
                return rules[rule_id]
            sealed = self.vault.story(evidence_id).get("rule") or {}
            return sealed.get("category")

        holds = self.standing_holds()
        return standings(site.retention, category_of, table, self.vault, self.report, holds)

    def erase(self, requests: Sequence[Request], beat: Beat = _silent) -> list[Erased]:
        """Erase some records, and what an earlier process began and did not end.

        Raises:
            PutAside: one of them is held, or is not there; nothing was begun then.
            TryAgain: it cannot be done now; what was begun goes on with the next call.
        """
        with no_new_holds(self.data.holds):
            self._begin(requests)
        return self.finish(beat)

    def _begin(self, requests: Sequence[Request]) -> None:
        """See that nothing of it is held, and tell the chain that it goes."""
        self.reread()  # a hold may have been placed meanwhile
        held = {hold.evidence_id: hold for hold in self.standing_holds() if hold.evidence_id}
        for request in requests:
            self.vault.folder_of(request.evidence_id)  # raises where it is no id
            if hold := held.get(request.evidence_id):
                raise PutAside(
                    f"{request.evidence_id} is held by {hold.owner} ({hold.reason}) and is not erased; "
                    f"`forewarn evidence release {hold.hold_id} --reason TEXT` lets it go"
                )
        wanted = [each for each in requests if each.evidence_id not in self.report.erasing]
        found = [(each, self.record(each.evidence_id)) for each in wanted]
        for request, record in found:
            vectors = vectors_of(self.data.lancedb, request.evidence_id)
            others = self._pictures_sent(record.offence_id) if record else []
            tell_erasing(request, record, vectors, others, self.vault, self.chain)
        self.reread()

    def erased_elsewhere(self, custody: Path) -> list[Request]:
        """What a newer chain says was erased and is here: this folder came out of an older backup.

        Args:
            custody: the custody.jsonl of the folder that the backup was taken of, of a later day.
        Raises:
            Stop: it cannot be read, or does not hold with this folder's keys.
        """
        newer = check_chain(CustodyChain(custody), keys_of(self.data))
        if newer.problems or not newer.entries:
            raise Stop(f"{custody}: {'; '.join(newer.problems) or 'no custody chain is there'}")
        return [
            Request(
                each,
                f"was erased before (custody entry {entry['number']} of {entry['at']})",
                str(newer.why_erased[each]["details"].get("by", "")),
            )
            for each, entry in sorted(newer.erased.items())
            if each not in self.report.erased and self.record(each) is not None
        ]

    def finish(self, beat: Beat = _silent) -> list[Erased]:
        """End the erasures that were begun."""
        begun = unfinished(self.report)
        done: list[Erased] = []
        for start in range(0, len(begun), AT_ONCE):
            eraser = Eraser(self.data, self.chain, self.pins, beat)
            some = eraser.finish(begun[start : start + AT_ONCE], self.report)
            self._forget_events([each.erasure for each in some if each.entry])
            done += some
        self.reread()
        self.tell_erased({each.evidence_id for each in done})
        return done

    def erase_released_footage(self) -> None:
        """Delete what erasures had to leave in the recordings for others who need it no longer."""
        pins: list[Pin] | None = None
        for evidence_id, entry in self.report.erased.items():
            kept = [str(each["recording"]) for each in entry["details"].get("kept", ())]
            stretch = self.report.why_erased[evidence_id]["details"].get("stretch", {})
            camera_id = str(stretch.get("camera_id", ""))
            files = SegmentFiles(self.data.recordings / camera_id)
            if not camera_id or not any(files.exists(name) for name in kept):
                continue
            pins = self.pins() if pins is None else pins
            gone = erase_released(self.data.recordings, camera_id, kept, pins)
            if gone:
                told = {"recordings": gone, "begun_by": entry["details"]["begun_by"]}
                self.chain.append("footage erased", evidence_id, told)

    def pins(self) -> list[Pin]:
        """Footage that holds and open offences need."""
        pins = [hold.pin for hold in self.standing_holds()]
        if self.data.events_db.exists():
            with EventLog.open(self.data.events_db) as log:
                pins += OpenOffences(log).pins(datetime.now(UTC))
        return pins

    def tell_hold(self, hold: Hold, reason: str, *, is_held: bool) -> None:
        """Tell the event log of a hold, for consoles and other systems."""
        record = self.record(hold.evidence_id) if hold.evidence_id else None
        data = EvidenceHeld(
            hold_id=hold.hold_id,
            is_held=is_held,
            evidence_id=hold.evidence_id,
            offence_id=record.offence_id if record else "",
            camera_id=hold.camera_id,
            from_at=hold.from_at,
            to_at=hold.to_at,
            reason=reason,
            owner=hold.owner,
            until=hold.until,
        )
        site_id = record.site_id if record else "site"
        self._tell(
            Event(
                id=mint("evt", hold.hold_id, is_held),
                source=f"forewarn/{site_id}/keep",
                subject=hold.evidence_id or hold.hold_id,
                time=datetime.now(UTC),
                data=data,
            )
        )

    def tell_erased(self, evidence_ids: Collection[str]) -> None:
        """Tell the event log of erasures; what it knows already is not written twice."""
        self._tell(
            *(
                _erased_event(each, self.report.erased[each], self.report.why_erased[each])
                for each in sorted(evidence_ids)
                if each in self.report.erased
            )
        )

    def forget_old_stories(self, site: Site, now: datetime | None = None) -> int:
        """Delete events whose term is over, of offences that have no evidence any more.

        Returns:
            how many.
        """
        if not self.data.events_db.exists():
            return 0
        from domain.retention import start_before

        before = start_before(site.retention.events, now or datetime.now(UTC))
        with EventLog.open(self.data.events_db) as log:
            old = [
                each.seq
                for each in headings(log, recorded_before=before)
                if each.subject not in self.report.sealed
                and mint("evd", each.subject) not in self.report.sealed
            ]
            return forget(log, old) if old else 0

    def _pictures_sent(self, offence_id: str) -> list[Path]:
        """Masked pictures that were made for messages about an offence and are still there."""
        if not self.data.events_db.exists():
            return []
        with EventLog.open(self.data.events_db) as log:
            told = [each.event for each in log.about(offence_id)]
        pictures = self.data.notifications / "pictures"
        asked = [each for each in told if isinstance(each.data, RequestData)]
        named = [pictures / f"{plain_name(each.id)}.jpg" for each in asked]
        return [path for path in named if path.is_file()]

    def _forget_events(self, erasures: Sequence[Erasure]) -> None:
        names = {
            name
            for each in erasures
            if each.with_events
            for name in (each.evidence_id, each.offence_id)
            if name
        }
        if names and self.data.events_db.exists():
            with EventLog.open(self.data.events_db) as log:
                forget(log, seqs_about(log, names))

    def _tell(self, *events: Event) -> None:
        if events and self.data.events_db.exists():
            with EventLog.open(self.data.events_db) as log:
                log.append(events)


def _erased_event(evidence_id: str, entry: Entry, begun: Entry) -> Event:
    why, at = begun["details"], datetime.fromisoformat(entry["at"])
    data = EvidenceErased(
        evidence_id=evidence_id,
        offence_id=str(why["offence_id"]),
        reason=str(why["reason"]),
        by=str(why["by"]),
        rule=str(why["rule"]),
        custody_number=entry["number"],
        erased_at=at,
    )
    return Event(
        id=mint("evt", evidence_id, data.event_type, entry["number"]),
        source=f"forewarn/{why.get('site_id') or 'site'}/keep",
        subject=evidence_id,
        time=at,
        data=data,
    )
