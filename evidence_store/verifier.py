"""Verify the evidence of a data folder: rows, files, manifests, signatures and the custody chain."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from domain.data_dir import DataDir
from domain.evidence import EvidenceRecord
from evidence_store.check_custody import ChainReport, check_chain
from evidence_store.custody import CustodyChain
from evidence_store.keys import KeyFolder, PublicKeys
from evidence_store.manifest import read_seal
from evidence_store.open_vault import open_vault
from evidence_store.vault import Vault
from evidence_store.verify import verify_record


@dataclass(frozen=True)
class Verifier:
    """Keys and chain, read and checked once; then record after record."""

    vault: Vault
    keys: PublicKeys
    chain: ChainReport
    problems: tuple[str, ...]  # of keys and chain: what concerns all records

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
        chain = check_chain(CustodyChain(data.custody), keys)
        return cls(open_vault(data, key_folder), keys, chain, (*faults, *chain.problems))

    def problems_of(self, record: EvidenceRecord) -> list[str]:
        """What of one record is not as it was sealed, a line each; [] if all is.

        Args:
            record: the table's row.
        """
        problems = verify_record(record, self.vault, self.keys)
        return problems + self._fault_of_chain(record.evidence_id)

    def is_signed(self, evidence_id: str) -> bool:
        """True where the manifest says that a key signed it."""
        seal = read_seal(self.vault.folder_of(evidence_id))
        return seal is not None and bool(seal.key_id)

    def vanished(self, known: Collection[str]) -> list[str]:
        """A line for each record that was sealed, never erased, and is in neither vault nor `known`."""
        gone = self.chain.sealed.keys() - {*known} - {*self.vault.ids()}
        return [
            f"{each}: the custody chain tells of its sealing; folder and row are gone"
            for each in sorted(gone)
        ]

    def _fault_of_chain(self, evidence_id: str) -> list[str]:
        sealed = self.chain.sealed.get(evidence_id)
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
