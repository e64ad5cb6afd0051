"""Who looked at unmasked evidence, when and why: entries of the custody chain."""

from __future__ import annotations

from collections.abc import Sequence

from domain.errors import PutAside
from evidence_store.custody import CustodyChain, Entry


def log_access(
    chain: CustodyChain, evidence_id: str, reason: str, files: Sequence[str], who: str | None = None
) -> Entry:
    """Note that somebody is about to see originals; on the disk when it returns.

    Args:
        reason: why, in the viewer's words.
        files: names of the originals shown.
        who: the viewer, where that is not the user who runs this process: a page's visitor.
    Returns:
        the entry.
    Raises:
        PutAside: no reason was given.
        TryAgain: the chain cannot be written; then nothing may be shown.
    """
    return chain.append(
        "viewed", evidence_id, {"reason": checked_reason(reason), "files": list(files)}, who
    )


def checked_reason(reason: str) -> str:
    """The reason without blanks around it.

    Raises:
        PutAside: there is none.
    """
    if not reason.strip():
        raise PutAside("unmasked evidence needs a reason; add --reason 'case 17, second review'")
    return reason.strip()
