"""What a run says at its start about the keys to its evidence."""

from __future__ import annotations

from pathlib import Path

from domain.data_dir import DataDir
from evidence_store.custody import CustodyChain
from evidence_store.open_vault import open_sealing_vault
from forewarn.options import console


def tell_encryption(folder: DataDir, keys: Path | None, chain: CustodyChain) -> None:
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
