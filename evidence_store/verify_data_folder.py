"""Verify the evidence of a data folder: rows, files, manifests, signatures and the custody chain."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography.x509 import Certificate

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.chain_check import ChainReport, check_chain
from evidence_store.custody.own_chain import lies_within
from evidence_store.custody.time_stamps import Stamp, check_stamp, sound_authorities
from evidence_store.files.folder_lock import shared_lock
from evidence_store.keys.signing_keys import KeyFolder, PublicKeys
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.additions import added_files, faults_of_added
from evidence_store.vault.manifest import read_seal
from evidence_store.vault.open_vault import encryption_folder, open_vault
from evidence_store.vault.vault import Vault
from evidence_store.vault.verify_record import verify_record

CLOCKS_IN_STEP_S = 5.0
STAMPED_SOON_S = 600.0


@dataclass(frozen=True)
class Verifier:
    """Check keys and chain once, then record after record."""

    vault: Vault
    keys: PublicKeys  # that are there; those that count are `counted_keys`
    chain: ChainReport
    problems: tuple[str, ...]  # of keys and chain: what concerns all records
    chain_path: Path
    authorities: tuple[Certificate, ...] = ()  # whose time stamps count
    anchors: frozenset[str] = (
        frozenset()
    )  # fingerprints from outside the data folder; none: not pinned

    @classmethod
    def open(
        cls, data: DataDir, key_folder: Path | None = None, anchors: Collection[str] = ()
    ) -> Self:
        """Read keys and chain; what is wrong with them is in `problems`.

        Args:
            data: whose evidence it is.
            key_folder: with the key to encrypted originals; None: FOREWARN_KEYS says so, else the data
                folder's own.
            anchors: fingerprints of the site's keys, from outside the data folder. Keys of a `key_folder`
                that lies outside it count as well.

        Raises:
            Stop: there is an encryption key, but it cannot be used.
            TryAgain: they cannot be read now.
        """
        keys, faults = KeyFolder(data.keys).sound_public_keys()
        authorities, more_faults = sound_authorities(data.keys)
        pinned = frozenset({*anchors, *fingerprints_outside(data, key_folder)})
        chain = check_chain(CustodyChain(data.custody), keys, pinned)
        problems = (*faults, *more_faults, *chain.problems)
        vault = open_vault(data, key_folder)
        return cls(vault, keys, chain, problems, data.custody, tuple(authorities), pinned)

    @property
    def counted_keys(self) -> PublicKeys:
        """Return the keys whose signatures count: those that the chain leads to."""
        return {
            key_id: key for key_id, key in self.keys.items() if key_id in self.chain.counted_keys
        }

    def problems_of(self, record: EvidenceRecord) -> list[str]:
        """Name what of one record (the table's row) is not as it was sealed, a line each; [] if all is."""
        # somebody may have added to the record, or erased it, after the chain was read: then only the chain as
        # it is now can say what is wrong
        try:
            with shared_lock(self.vault.folder_of(record.evidence_id)):
                problems = self._problems_of(record)
                if not problems or not self._news_of(record.evidence_id):
                    return problems
                if self._is_gone_meanwhile(record.evidence_id):
                    return []
                return self.with_chain_reread()._problems_of(record)
        except OSError as error:
            return [f"{record.evidence_id}: cannot be read: {error.strerror}"]

    def with_chain_reread(self) -> Verifier:
        """Return the same with the chain as it is now."""
        chain = check_chain(CustodyChain(self.chain_path), self.keys, self.anchors)
        return replace(self, chain=chain)

    def problems_of_id(self, evidence_id: str, table: EvidenceTable | None) -> list[str]:
        """Name what is wrong with a record and its row; `table` None: it cannot be read, the vault alone counts."""
        row = table.get(evidence_id) if table else None
        record = row or self.vault.read(evidence_id)
        if record is None:
            return [f"{evidence_id}: numbers.json cannot be read"]
        try:
            problems = self.problems_of(record)
        # what is odd about one record must not hide the others
        except PutAside as error:
            return [f"{evidence_id}: {error}"]
        if table and row is None and evidence_id not in self.chain.erasing:
            problems.append(f"{evidence_id}: sealed, but has no row in the evidence table")
        return problems

    def _problems_of(self, record: EvidenceRecord) -> list[str]:
        # it is on record that it goes
        if record.evidence_id in self.chain.erasing:
            return []
        sealing = self.chain.sealings.get(record.evidence_id)
        must_be_signed = sealing.is_signed if sealing else bool(self.keys)
        problems = verify_record(
            record, self.vault, self.counted_keys, must_be_signed=must_be_signed
        )
        problems += self.fault_of_chain(record.evidence_id)
        problems += self._faults_of_added(record.evidence_id)
        try:
            self.stamp_of(record.evidence_id)
        except PutAside as error:
            problems.append(f"{record.evidence_id}: its time stamp {error}")
        return problems

    def stamp_of(self, evidence_id: str) -> Stamp | None:
        """Check when an authority says that a record had been sealed by; None: nobody was asked, or not yet.

        Raises:
            PutAside: there is a time stamp, and it does not hold; goes on after "the time stamp".
        """
        sealing = self.chain.sealings.get(evidence_id)
        entry = self.chain.stamps.get(sealing.number) if sealing else None
        if sealing is None or entry is None:
            return None
        details = entry["details"]
        try:
            response = base64.b64decode(details["response"], validate=True)
        except (KeyError, TypeError, ValueError) as error:
            raise PutAside(f"cannot be read: {error}") from error
        stamp = check_stamp(response, bytes.fromhex(sealing.sha256), self.authorities)
        if details.get("stamped_at") != stamp.at.isoformat(timespec="milliseconds"):
            raise PutAside(f"says {stamp.at.isoformat()}, its entry another time")
        return stamp

    def has_stamp(self, evidence_id: str) -> bool:
        """Return True where the chain holds a time stamp of its sealing, sound or not."""
        sealing = self.chain.sealings.get(evidence_id)
        return sealing is not None and sealing.number in self.chain.stamps

    def clock_remark(self, evidence_id: str) -> str:
        """Say how far this machine's clock was from the authority's at the sealing, "" if in step."""
        try:
            stamp, sealing = self.stamp_of(evidence_id), self.chain.sealings.get(evidence_id)
        except PutAside:
            return ""
        if stamp is None or sealing is None:
            return ""
        later_s = (stamp.at - datetime.fromisoformat(sealing.at)).total_seconds()
        if later_s < -CLOCKS_IN_STEP_S:
            return (
                f"{evidence_id}: this machine's clock was {-later_s:.0f} s ahead of the time stamp"
            )
        if later_s > STAMPED_SOON_S:
            return f"{evidence_id}: was stamped {later_s:.0f} s after this machine sealed it"
        return ""

    def is_signed(self, evidence_id: str) -> bool:
        """Return True where the manifest says that a key signed it."""
        seal = read_seal(self.vault.folder_of(evidence_id))
        return seal is not None and bool(seal.key_id)

    def vanished(self, known: Collection[str]) -> list[str]:
        """Name each record that was sealed, never erased, and is in neither vault nor `known`, a line each."""
        gone = self.chain.sealed.keys() - {*known} - {*self.vault.ids()}
        return [
            f"{evidence_id}: the custody chain tells of its sealing; folder and row are gone"
            for evidence_id in sorted(gone)
            if not self._is_gone_meanwhile(evidence_id)
        ]

    def _faults_of_added(self, evidence_id: str) -> list[str]:
        entry = self.chain.added.get(evidence_id)
        # past a broken entry nothing is known
        if entry is None and self.chain.problems:
            return []
        return faults_of_added(self.vault, evidence_id, added_files([entry] if entry else []))

    def remarks(self) -> list[str]:
        """Say what is no fault, but should be known: crashes that were mended, erasures not ended yet."""
        return self.chain.remarks + [
            f"{evidence_id}: is being erased since {entry['at']}; `forewarn evidence retention SITE --apply` "
            "goes on with it"
            for evidence_id, entry in sorted(self.chain.erasing.items())
        ]

    def fault_of_chain(self, evidence_id: str) -> list[str]:
        """Say what the chain has against a record that is there; [] or one line."""
        sealed = self.chain.sealed.get(evidence_id)
        if sealed is None and (entry := self.chain.erased.get(evidence_id)):
            return [
                f"{evidence_id}: was erased on {entry['at']} and is there again; was a backup restored? "
                f"`forewarn evidence erase --evidence {evidence_id}` erases it anew"
            ]
        if sealed is None:
            # past a broken entry nothing is known; that entry is named already
            if self.chain.problems:
                return []
            return [f"{evidence_id}: the custody chain does not tell of its sealing"]
        if number := self.chain.sealed_twice.get(evidence_id):
            return [
                f"{evidence_id}: custody entry {number} seals it once more, though nothing took the first "
                "seal away"
            ]
        seal = read_seal(self.vault.folder_of(evidence_id))
        if seal is not None and seal.manifest_sha256 != sealed:
            return [
                f"{evidence_id}/manifest.json: is not the one that was sealed, says the custody chain"
            ]
        return []

    def _news_of(self, evidence_id: str) -> list[Entry]:
        """Return what others logged of it after the chain was read here."""
        return [
            entry
            for entry in CustodyChain(self.chain_path).about(evidence_id)
            if type(entry.get("number")) is int and entry["number"] > self.chain.last_number
        ]

    def _is_gone_meanwhile(self, evidence_id: str) -> bool:
        """Return True where another process began to erase it, or set it aside, after the chain was read here."""
        return any(
            entry.get("kind") in ("erasing", "set aside") for entry in self._news_of(evidence_id)
        )


def fingerprints_outside(data: DataDir, key_folder: Path | None) -> list[str]:
    """Return the ids of the keys that were made in a key folder; of one in the data folder, none.

    Who can write the data folder can put keys there.
    """
    folder = encryption_folder(data, key_folder)
    if lies_within(folder, data.root):
        return []
    return [*KeyFolder(folder).sound_public_keys()[0]]
