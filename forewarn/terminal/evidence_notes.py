"""Say at the start of a run what is wrong with its chain or table, and whether its evidence will be encrypted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.chain_check import check_chain
from evidence_store.custody.signing_key import keys_of
from evidence_store.vault.open_vault import open_sealing_vault
from forewarn.terminal.options import console


def note_encryption(folder: DataDir, keys: Path | None, chain: CustodyChain) -> None:
    """Say where originals will lie plain on the disk; a run never gets there by silence.

    Raises:
        Stop: originals were encrypted up to now and the key is not at hand.
        TryAgain: the custody chain cannot be written.
    """
    if open_sealing_vault(folder, keys, chain).keys.current is None:
        console.print(
            "[yellow]note:[/yellow] there is no encryption key: originals will lie plain in "
            f"{folder.evidence}; `forewarn keys encryption create --data {folder.root}` makes one",
            highlight=False,
            soft_wrap=True,
        )


def note_faults(
    folder: DataDir, chain: CustodyChain, tell: Callable[[str], None]
) -> threading.Thread:
    """Check custody chain and evidence table beside the start of a run, and tell where they do not hold.

    The run goes on: to stop sealing would destroy more than it saves. A long chain takes seconds, so
    nobody waits for it.
    """

    def check() -> None:
        try:
            whole = CustodyChain(folder.custody)
            found = check_chain(whole, keys_of(folder), chain.own_keys).problems
        except ForewarnError as error:
            found = [str(error)]
        for problem in found:
            tell(f"{problem}; new evidence is sealed behind it: see `forewarn evidence verify`")
        # one that is damaged is told by the preserve program: LanceDB would cost this one 200 MB
        if not folder.lancedb.exists() and any(folder.evidence.glob("evd-*")):
            tell(
                f"{folder.lancedb} is missing: records are sealed, but searches do not find them; "
                f"`forewarn evidence rebuild-table --data {folder.root}` makes it anew"
            )

    thread = threading.Thread(target=check, name="evidence-at-start", daemon=True)
    thread.start()
    return thread
