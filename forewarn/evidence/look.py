"""View sealed evidence from a notebook, through the same gate as the command line.

>>> from domain.data_dir import DataDir
>>> from forewarn.evidence.look import RecordViewer
>>> viewer = RecordViewer(DataDir(Path("var/demo")))                      # doctest: +SKIP
>>> viewer.masked("evd-0123456789abcdef").names                           # doctest: +SKIP
>>> clip = viewer.originals("evd-0123456789abcdef", "appeal 17").open("clip.mp4")   # doctest: +SKIP
"""

from __future__ import annotations

from pathlib import Path

from domain.data_dir import DataDir
from evidence_store.access.viewing import ShownFiles
from evidence_store.custody.chain import CustodyChain
from evidence_store.vault.open_vault import open_vault
from forewarn.terminal.evidence_lookup import evidence_record
from forewarn.terminal.identity import gate_of, who_asks


class RecordViewer:
    """View one data folder's records as one person; asks the gate, and puts originals on record."""

    def __init__(self, data: DataDir, by: str = "", keys: Path | None = None) -> None:
        """Find out who asks: a person's id or name, whose password is asked for; "": whose account this is.

        `keys` is the folder of the site's keys; None: FOREWARN_KEYS, else the data folder's own.

        Raises:
            Stop: a wrong password, or the people file cannot be used.
        """
        self._data, self._keys = data, keys
        self._asker = who_asks(data, by, keys)
        self._gate = gate_of(data, keys)

    def masked(self, evidence_id: str) -> ShownFiles:
        """Return a record's masked copies; raises NotAllowed, and PutAside where there is no such record."""
        return self._ask(evidence_id, None)

    def originals(self, evidence_id: str, reason: str) -> ShownFiles:
        """Return all of a record's files; who, when and why are on record before this returns.

        Raises:
            NotAllowed: no role permits it; that is on record, too.
            PutAside: there is no such record, or no reason.
        """
        return self._ask(evidence_id, reason)

    def _ask(self, evidence_id: str, unmasked_for: str | None) -> ShownFiles:
        return ShownFiles.ask(
            self._gate,
            self._asker,
            open_vault(self._data, self._keys),
            evidence_record(self._data, evidence_id),
            CustodyChain(self._data.custody).about(evidence_id),
            unmasked_for=unmasked_for,
        )
