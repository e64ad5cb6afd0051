"""Open a record's files as a person may see them: masked copies, and originals by a grant only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Self

from domain.access.decisions import Asker
from domain.access.permissions import Permission
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.access.gate import Gate, Grant
from evidence_store.custody.chain import Entry
from evidence_store.vault.additions import added_files
from evidence_store.vault.file_roles import is_original
from evidence_store.vault.sealed_files import SealedFiles


def log_access(grant: Grant, files: Sequence[str]) -> Entry:
    """Log that somebody is about to see these originals of a record; on the disk when it returns.

    Raises:
        NotAllowed: the grant is for something else than seeing what is unmasked of that record.
        TryAgain: the chain cannot be written; then nothing may be shown.
    """
    grant.check_is_for(Permission.SEE_UNMASKED, grant.evidence_id)
    details = {"reason": grant.reason, "files": list(files)}
    return grant.chain.append("viewed", grant.evidence_id, details)


class ShownFiles:
    """The files of one record that somebody asked for and may see; only `ask` makes them."""

    def __init__(self, vault: SealedFiles, evidence_id: str, names: tuple[str, ...]) -> None:
        """Take what the gate allowed; no files but `names` can be reached through this."""
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

        `entries` are the custody chain's about this record: they name its masked clips. `unmasked_for`
        says why originals are needed, too; None: masked copies only.

        Raises:
            NotAllowed: they may not see this.
            PutAside: originals are asked for without a reason.
            TryAgain, Stop: the chain or the people file cannot be used.
        """
        masked = [file.name for file in record.files if not is_original(file.role)]
        originals = [file.name for file in record.files if is_original(file.role)]
        added = [file.name for file in added_files(entries)]
        if unmasked_for is None:
            gate.check(asker, Permission.SEE_MASKED, record.evidence_id)
            return cls(vault, record.evidence_id, (*masked, *added))
        grant = gate.allow(asker, Permission.SEE_UNMASKED, record.evidence_id, unmasked_for)
        log_access(grant, originals)
        # in the record's own order
        names = [file.name for file in record.files]
        return cls(vault, record.evidence_id, (*names, *added))

    def open(self, name: str) -> BinaryIO:
        """Open one file as it was sealed; raises PutAside where it is none of `names`, and as the vault."""
        return self._vault.open(self._evidence_id, self._one_of(name))

    def path_of(self, name: str) -> Path:
        """Return where its bytes lie, encrypted or not; raises PutAside where it is none of `names`."""
        return self._vault.path_of(self._evidence_id, self._one_of(name))

    def copy_out(self, name: str, target: Path) -> None:
        """Write a readable copy; raises PutAside where it is none of `names`, and as the vault does."""
        self._vault.copy_out(self._evidence_id, self._one_of(name), target)

    @property
    def any_encrypted(self) -> bool:
        """Return True where some of them cannot be opened where they lie."""
        return any(self._vault.is_encrypted(self._evidence_id, name) for name in self.names)

    def _one_of(self, name: str) -> str:
        if name not in self.names:
            raise PutAside(
                f"{self._evidence_id}: {name[:60]!r} may not be seen without a reason, or is not there"
            )
        return name
