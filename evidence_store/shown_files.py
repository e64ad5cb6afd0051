"""A record's files as a person may see them: masked copies, and originals by a grant alone."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Self

from domain.access import Asker
from domain.acts import Act
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.access_log import log_access
from evidence_store.additions import added_files
from evidence_store.custody import Entry
from evidence_store.gate import Gate
from evidence_store.roles import is_original
from evidence_store.sealed_files import SealedFiles


class ShownFiles:
    """The files of one record that somebody asked for and may see; only `ask` makes them."""

    def __init__(self, vault: SealedFiles, evidence_id: str, names: tuple[str, ...]) -> None:
        """Args:
        names: what may be seen; no other file can be reached through this.
        """
        self.names = names
        self._vault, self._evidence_id = vault, evidence_id

    @classmethod
    def ask(
        cls,
        gate: Gate,
        asker: Asker,
        vault: SealedFiles,
        record: EvidenceRecord,
        entries: list[Entry],
        *,
        unmasked_for: str | None = None,
    ) -> Self:
        """Ask to see a record; looking at originals is on record before this returns.

        Args:
            entries: of the custody chain, about this record: they tell of masked clips.
            unmasked_for: why originals are needed, too; None: masked copies only.
        Raises:
            NotAllowed: they may not see this.
            PutAside: originals are asked for without a reason.
            TryAgain, Stop: the chain or the people file cannot be used.
        """
        masked = [file.name for file in record.files if not is_original(file.role)]
        originals = [file.name for file in record.files if is_original(file.role)]
        added = [file.name for file in added_files(entries)]
        if unmasked_for is None:
            gate.check(asker, Act.SEE_MASKED, record.evidence_id)
            return cls(vault, record.evidence_id, (*masked, *added))
        grant = gate.allow(asker, Act.SEE_UNMASKED, record.evidence_id, unmasked_for)
        log_access(grant, originals)
        names = [file.name for file in record.files]  # in the record's own order
        return cls(vault, record.evidence_id, (*names, *added))

    def open(self, name: str) -> BinaryIO:
        """One file as it was sealed; raises PutAside where it is none of `names`, and as the vault."""
        return self._vault.open(self._evidence_id, self._one_of(name))

    def path_of(self, name: str) -> Path:
        """Where its bytes lie, encrypted or not; raises PutAside where it is none of `names`."""
        return self._vault.path_of(self._evidence_id, self._one_of(name))

    def copy_out(self, name: str, target: Path) -> None:
        """A readable copy; raises PutAside where it is none of `names`, and as the vault does."""
        self._vault.copy_out(self._evidence_id, self._one_of(name), target)

    @property
    def any_encrypted(self) -> bool:
        """True where some of them cannot be opened where they lie."""
        return any(self._vault.is_encrypted(self._evidence_id, name) for name in self.names)

    def _one_of(self, name: str) -> str:
        if name not in self.names:
            raise PutAside(
                f"{self._evidence_id}: {name[:60]!r} may not be seen without a reason, or is not there"
            )
        return name
