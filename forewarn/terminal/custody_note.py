"""Note in the custody chain what a command did, where that can be done."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.data_dir import DataDir
from domain.errors import ForewarnError
from evidence_store.custody.chain import Kind
from evidence_store.custody.signing_key import open_chain
from forewarn.terminal.options import console


def note_custody(
    folder: DataDir, keys: Path | None, kind: Kind, evidence_id: str, details: Mapping[str, Any]
) -> None:
    """Add an entry; somebody without the key may verify or audit, too, and leaves none.

    For what changes nothing and shows nothing that is masked; all else has to fail without its entry.
    """

    try:
        open_chain(folder, keys).append(kind, evidence_id, details)
    except ForewarnError as error:
        console.print(f"[dim]no custody entry of this: {error}[/dim]", soft_wrap=True)
