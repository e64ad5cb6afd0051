"""Do what people ask for on a record's page, each through the gate; every call blocks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from casework.retention.placing import hold_record, release_holds
from casework.retention.service import RetentionService
from dashboards.data.record_lookup import RecordLookup
from dashboards.settings import ConsoleSettings
from domain.access.decisions import Asker
from domain.access.permissions import Permission
from domain.errors import ForewarnError
from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.access.gate import Gate, Grant
from evidence_store.access.viewing import log_access
from evidence_store.search.stored_table import TableDamaged
from evidence_store.table_of_vault import open_evidence_table
from evidence_store.vault.open_vault import open_vault
from evidence_store.verify_data_folder import Verifier

UNMASKED_ROLES = ("clip", "snapshot")


@dataclass(frozen=True, slots=True)
class RecordActs:
    """Acts on the records of one data folder; safe for several threads.

    All raise NotAllowed where somebody may not, which is on record then, RecordFault where the record is
    not there (any more), and TryAgain, PutAside and Stop with the reason where it cannot be done.
    """

    settings: ConsoleSettings
    lookup: RecordLookup

    def show_unmasked(self, asker: Asker, evidence_id: str, reason: str) -> list[EvidenceFile]:
        """Put on record that somebody is about to see a record's originals; return those to show."""
        grant = self._grant(asker, Permission.SEE_UNMASKED, evidence_id, reason)
        record = self._record(evidence_id)
        files = [file for file in record.files if file.role in UNMASKED_ROLES]
        log_access(grant, [file.name for file in files])
        return files

    def export(self, asker: Asker, evidence_id: str, reason: str, *, unmasked: bool) -> BinaryIO:
        """Make a record's zip, with its originals where `unmasked`; return it open, to read once.

        It lies nowhere: its last name is gone when this returns, whatever happens to who reads it.
        """
        # the typesetter of its summaries takes time to load
        from evidence_store.export.record_export import export_record

        act = Permission.EXPORT_UNMASKED if unmasked else Permission.EXPORT_MASKED
        grant = self._grant(asker, act, evidence_id, reason)
        record = self._record(evidence_id)
        data, keys = self.settings.data, self.settings.keys
        # in a draft: what a kill leaves is cleared as all drafts are
        with open_vault(data, keys).draft(evidence_id) as folder:
            target = folder / f"{evidence_id}.zip"
            export_record(data, keys, grant, record, target)
            return target.open("rb")

    def hold(
        self,
        asker: Asker,
        evidence_id: str,
        reason: str,
        owner: str,
        until: datetime | None,
    ) -> None:
        """Hold a record until it is released, or until `until`, in UTC."""
        service = self._retention(self._grant(asker, Permission.HOLD, evidence_id, reason))
        self._record(evidence_id)
        hold_record(service, evidence_id, reason, owner, until)

    def release(self, asker: Asker, evidence_id: str, reason: str) -> int:
        """Let go of all holds on a record; return how many."""
        service = self._retention(self._grant(asker, Permission.RELEASE, evidence_id, reason))
        return len(release_holds(service, evidence_id, reason))

    def verify(self, asker: Asker, evidence_id: str) -> list[str]:
        """Check a record and the custody chain, as `forewarn evidence verify` does; a line for each fault."""
        data, keys = self.settings.data, self.settings.keys
        gate, chain = Gate.open(data, keys), None
        gate.check(asker, Permission.SEE_MASKED, evidence_id)
        self._record(evidence_id)
        # looking changes nothing: where the key is not at hand, what is found stays off the record
        with suppress(ForewarnError):
            chain = gate.allow(asker, Permission.SEE_MASKED, evidence_id).chain
        anchors = [chain.signer.key_id] if chain and chain.signer else []
        verifier = Verifier.open(data, keys, anchors)
        problems = [*verifier.problems]
        try:
            table = open_evidence_table(data)
        except TableDamaged as error:
            problems.append(str(error))
            table = None
        problems += verifier.problems_of_id(evidence_id, table)
        if chain is not None:
            with suppress(ForewarnError):
                chain.append("verified", evidence_id, {"records": 1, "problems": len(problems)})
        return problems

    def _grant(self, asker: Asker, act: Permission, evidence_id: str, reason: str) -> Grant:
        gate = Gate.open(self.settings.data, self.settings.keys)
        return gate.allow(asker, act, evidence_id, reason)

    def _record(self, evidence_id: str) -> EvidenceRecord:
        return self.lookup.open(evidence_id).record

    def _retention(self, grant: Grant) -> RetentionService:
        # to hold, and to let go, is allowed whatever state the chain is in
        service = RetentionService.open(
            self.settings.data, self.settings.keys, despite_broken_chain=True
        )
        return replace(service, chain=grant.chain)
