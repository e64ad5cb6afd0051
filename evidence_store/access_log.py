"""Who looked at unmasked evidence, when, why and by what right: entries of the custody chain."""

from __future__ import annotations

from collections.abc import Sequence

from domain.acts import Act
from evidence_store.custody import Entry
from evidence_store.gate import Grant


def log_access(grant: Grant, files: Sequence[str]) -> Entry:
    """Note that somebody is about to see originals of a record; on the disk when it returns.

    Args:
        grant: to see what is unmasked of that record.
        files: names of the originals shown.
    Returns:
        the entry.
    Raises:
        NotAllowed: the grant is for something else.
        TryAgain: the chain cannot be written; then nothing may be shown.
    """
    grant.check_is_for(Act.SEE_UNMASKED, grant.evidence_id)
    told = {"reason": grant.reason, "files": list(files)}
    return grant.chain.append("viewed", grant.evidence_id, told)
