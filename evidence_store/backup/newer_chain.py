"""Compare a backup with a newer custody chain: what was erased since must not come back by restoring."""

from __future__ import annotations

from pathlib import Path

from domain.errors import PutAside
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.records_on_chain import standing_records


class NewerChain:
    """A custody chain that goes on where a backup's ends."""

    def __init__(self, path: Path, backed_up: Path) -> None:
        """Read the newer chain and the backup's own.

        Raises:
            PutAside: the one does not go on from the other.
            TryAgain: one of them cannot be read.
        """
        self.path = path
        before = [*CustodyChain(backed_up).lines()]
        lines = [line for line in CustodyChain(path).lines() if line.endswith(b"\n")]
        if lines[: len(before)] != before:
            raise PutAside(
                f"{path}: does not go on from the custody chain in the backup ({len(before)} entries): "
                "is it another site's, or older than the backup?"
            )
        self.lines = lines
        self._before = standing_records(before)
        self._now = standing_records(lines)

    def is_gone(self, name: str) -> bool:
        """Return True for a file, named from the data folder on, of a record erased or set aside since."""
        place, _, rest = name.partition("/")
        evidence_id = rest.partition("/")[0]
        return place == "evidence" and evidence_id in self._before.keys() - self._now.keys()

    def sealed_since(self, evidence_id: str) -> bool:
        """Return True for a record that was sealed after the backup, and so is in none of it."""
        return evidence_id in self._now.keys() - self._before.keys()

    def added_since(self, evidence_id: str) -> bool:
        """Return True for a record that got copies after the backup."""
        return self._now.get(evidence_id) != self._before.get(evidence_id)
