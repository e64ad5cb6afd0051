"""Export one record of a data folder: check it, then pack what somebody was allowed to take."""

from __future__ import annotations

from pathlib import Path

from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.access.gate import Grant
from evidence_store.export.credential_certificate import credentials_of
from evidence_store.export.export import Exporter
from evidence_store.export.summary_pdf import write_summaries
from evidence_store.verify_data_folder import Verifier


def export_record(
    data: DataDir, keys: Path | None, grant: Grant, record: EvidenceRecord, target: Path
) -> list[str]:
    """Write a record's zip, on record before anything can leave; return the originals left out.

    Args:
        data: whose record it is.
        keys: folder of the site's private key; None: the data folder's own.
        grant: to export masked copies, or the originals, too.
        record: as the table or the vault has it.
        target: the zip's path; nothing is there yet.
    Raises:
        PutAside: the record, the keys or the chain do not verify, or something is at `target` already.
        NotAllowed: the grant is for something else.
        Stop: a key or the typesetter of the summaries cannot be used.
        TryAgain: the disk is full, or something cannot be read now.
    """
    chain = grant.chain
    anchors = [chain.signer.key_id] if chain.signer else []
    verifier = Verifier.open(data, keys, anchors)
    if problems := [*verifier.problems, *verifier.problems_of(record)]:
        raise PutAside(
            f"{record.evidence_id} does not verify and is not exported: {'; '.join(problems)}"
        )
    exporter = Exporter(
        verifier.vault,
        chain,
        verifier.counted_keys,
        verifier.authorities,
        credentials_of(data, chain.signer, record.site_id),
        write_summaries,
    )
    is_unmasked = grant.decision.permission is Permission.EXPORT_UNMASKED
    return exporter.export(record, target, grant if is_unmasked else None)
