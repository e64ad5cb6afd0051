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
from evidence_store.additions import added_files, faults_of_added
from evidence_store.check_custody import ChainReport, check_chain
from evidence_store.custody import CustodyChain, Entry
from evidence_store.folder_lock import as_it_is
from evidence_store.keys import KeyFolder, PublicKeys
from evidence_store.manifest import read_seal
from evidence_store.open_vault import open_vault
from evidence_store.time_stamps import Stamp, check_stamp, sound_authorities
from evidence_store.vault import Vault
from evidence_store.verify import verify_record

CLOCKS_IN_STEP_S = 5.0
STAMPED_SOON_S = 600.0


@dataclass(frozen=True)
class Verifier:
    """Keys and chain, read and checked once; then record after record."""

    vault: Vault
    keys: PublicKeys
    chain: ChainReport
    problems: tuple[str, ...]  # of keys and chain: what concerns all records
    chain_path: Path
    authorities: tuple[Certificate, ...] = ()  # whose time stamps count

    @classmethod
    def open(cls, data: DataDir, key_folder: Path | None = None) -> Self:
        """Read keys and chain; what is wrong with them is in `problems`.

        Args:
            key_folder: where the key to encrypted originals lies; None: FOREWARN_KEYS says so, else
                the data folder's own.
        Raises:
            Stop: there is an encryption key, but it cannot be used.
            TryAgain: they cannot be read now.
        """
        keys, faults = KeyFolder(data.keys).sound_public_keys()
        authorities, more_faults = sound_authorities(data.keys)
        chain = check_chain(CustodyChain(data.custody), keys)
        return cls(
            open_vault(data, key_folder),
            keys,
            chain,
            (*faults, *more_faults, *chain.problems),
            data.custody,
            tuple(authorities),
        )

    def problems_of(self, record: EvidenceRecord) -> list[str]:
        """What of one record is not as it was sealed, a line each; [] if all is.

        Args:
            record: the table's row.
        """
        with as_it_is(self.vault.folder_of(record.evidence_id)):
            problems = self._problems_of(record)
            if not problems or not self._news_of(record.evidence_id):
                return problems
            if self._is_gone_meanwhile(record.evidence_id):
                return []
            return self._as_of_now()._problems_of(record)

    def _problems_of(self, record: EvidenceRecord) -> list[str]:
        if record.evidence_id in self.chain.erasing:
            return []  # it is on record that it goes
        problems = verify_record(record, self.vault, self.keys)
        problems += self.fault_of_chain(record.evidence_id)
        problems += self._faults_of_added(record.evidence_id)
        try:
            self.stamp_of(record.evidence_id)
        except PutAside as error:
            problems.append(f"{record.evidence_id}: its time stamp {error}")
        return problems

    def stamp_of(self, evidence_id: str) -> Stamp | None:
        """When others say that a record had been sealed by; None where nobody was asked, or not yet.

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
        """True where the chain holds a time stamp of its sealing, sound or not."""
        sealing = self.chain.sealings.get(evidence_id)
        return sealing is not None and sealing.number in self.chain.stamps

    def clock_remark(self, evidence_id: str) -> str:
        """How far this machine's clock was from the authority's at the sealing, "" if in step."""
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
        """True where the manifest says that a key signed it."""
        seal = read_seal(self.vault.folder_of(evidence_id))
        return seal is not None and bool(seal.key_id)

    def vanished(self, known: Collection[str]) -> list[str]:
        """A line for each record that was sealed, never erased, and is in neither vault nor `known`."""
        gone = self.chain.sealed.keys() - {*known} - {*self.vault.ids()}
        gone = {each for each in gone if not self._is_gone_meanwhile(each)}
        return [
            f"{each}: the custody chain tells of its sealing; folder and row are gone"
            for each in sorted(gone)
        ]

    def _faults_of_added(self, evidence_id: str) -> list[str]:
        entry = self.chain.added.get(evidence_id)
        if entry is None and self.chain.problems:
            return []  # past a broken entry nothing is known
        files = added_files([entry] if entry else [])
        return faults_of_added(self.vault, evidence_id, files)

    def remarks(self) -> list[str]:
        """What is no fault, but should be known: crashes that were mended, erasures not ended yet."""
        return self.chain.remarks + [
            f"{each}: is being erased since {entry['at']}; `forewarn evidence retention SITE --apply` "
            "goes on with it"
            for each, entry in sorted(self.chain.erasing.items())
        ]

    def fault_of_chain(self, evidence_id: str) -> list[str]:
        """What the chain says against a record that is there; [] or one line."""
        sealed = self.chain.sealed.get(evidence_id)
        if sealed is None and (entry := self.chain.erased.get(evidence_id)):
            return [
                f"{evidence_id}: was erased on {entry['at']} and is there again; was a backup restored? "
                f"`forewarn evidence erase --evidence {evidence_id}` erases it anew"
            ]
        if sealed is None:
            # past a broken entry nothing is known; that entry is named already
            is_known_whole = not self.chain.problems
            untold = f"{evidence_id}: the custody chain does not tell of its sealing"
            return [untold] if is_known_whole else []
        seal = read_seal(self.vault.folder_of(evidence_id))
        if seal is not None and seal.manifest_sha256 != sealed:
            return [
                f"{evidence_id}/manifest.json: is not the one that was sealed, says the custody chain"
            ]
        return []

    def _news_of(self, evidence_id: str) -> list[Entry]:
        """What others told the chain of it after it was read here."""
        entries = CustodyChain(self.chain_path).about(evidence_id)
        last = self.chain.last_number
        return [
            each for each in entries if type(each.get("number")) is int and each["number"] > last
        ]

    def _is_gone_meanwhile(self, evidence_id: str) -> bool:
        """True where another process began to erase it, or set it aside, after the chain was read here."""
        return any(
            each.get("kind") in ("erasing", "set aside") for each in self._news_of(evidence_id)
        )

    def _as_of_now(self) -> Self:
        """The same, by the chain as it is now."""
        return replace(self, chain=check_chain(CustodyChain(self.chain_path), self.keys))
