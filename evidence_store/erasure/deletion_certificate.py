"""Find, print and export the deletion certificate of an erased record.

The certificate is the chain's own two entries, signed when they were written; it asserts nothing that does
not stand there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from evidence_store.custody.chain import CustodyChain, Entry, key_entries
from evidence_store.erasure.erasure_request import same_footage
from evidence_store.erasure.residue_search import (
    Fingerprint,
    ResidueSearch,
    SearchReport,
    files_below,
)
from evidence_store.export.archive import new_archive, sign_listing, write_proofs
from evidence_store.export.typeset import moment_text, typeset
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.keys.signing_keys import PublicKeys
from evidence_store.vault.vault import Vault

_TEMPLATE = Path(__file__).with_name("certificate.typ")


@dataclass(frozen=True, slots=True)
class DeletionCertificate:
    """The two entries that certify one record's erasure, and all others about it."""

    evidence_id: str
    begun: Entry
    ended: Entry
    entries: tuple[Entry, ...]  # all of the chain about this record

    @property
    def marks(self) -> list[Fingerprint]:
        """Return pieces of what was erased, to look for it again."""
        return [Fingerprint.from_json(mark) for mark in self.begun["details"]["marks"]]

    def facts(self) -> dict[str, Any]:
        """Return what it certifies, as JSON values."""
        why, what = self.begun["details"], self.ended["details"]
        return {
            "evidence_id": self.evidence_id,
            "offence_id": why["offence_id"],
            "outcome": why["outcome"],
            "reason": why["reason"],
            "by": why["by"],
            "rule": why["rule"],
            "with_events": why["with_events"],
            "begun_at": self.begun["at"],
            "erased_at": self.ended["at"],
            "who": self.ended["who"],
            "custody_numbers": [self.begun["number"], self.ended["number"]],
            "key_id": self.ended["key_id"],
            "manifest_sha256": why["manifest_sha256"],
            "files": why["files"],
            "recordings": what["removed"]["recordings"],
            "kept": what["kept"],
            "searched": what["searched"],
            "exports": what["exports"],
        }


def find_certificate(chain: CustodyChain, evidence_id: str) -> DeletionCertificate:
    """Find a record's latest, ended erasure, or raise PutAside; its signatures are checked by `verify`."""
    entries = chain.about(evidence_id)
    ended = next((entry for entry in reversed(entries) if entry["kind"] == "erased"), None)
    begun_by = ended["details"].get("begun_by") if ended else None
    begun = next((entry for entry in entries if ended and entry["number"] == begun_by), None)
    if ended is None or begun is None:
        is_begun = any(entry["kind"] == "erasing" for entry in entries)
        raise PutAside(
            f"{evidence_id}: its erasure has begun and is not ended; `forewarn evidence retention SITE "
            "--apply` goes on with it"
            if is_begun
            else f"{evidence_id}: was not erased; `forewarn evidence list` shows what there is"
        )
    return DeletionCertificate(evidence_id, begun, ended, tuple(entries))


def search_again(
    certificate: DeletionCertificate, folder: Path, look: Callable[[Path], None] = lambda _: None
) -> SearchReport:
    """Look for what was erased in all files of a folder: the data folder of today, or a mounted backup.

    `look` is called with each file before it is read, for progress.
    """
    search = ResidueSearch((certificate.evidence_id, mark) for mark in certificate.marks)
    return search.search(files_below(folder), look)


def export_certificate(
    certificate: DeletionCertificate,
    vault: Vault,
    chain: CustodyChain,
    keys: PublicKeys,
    target: Path,
) -> None:
    """Write one zip for outsiders: the certificate to read (PDF), the entries, public keys, the verifier.

    The chain's signer signs the zip's list of files.

    Raises:
        PutAside: the target is there already.
        TryAgain: it cannot be written.
        Stop: the typesetter or its font is not installed.
    """
    if target.exists():
        raise PutAside(f"{target}: is there already; name another file with --to")
    with (
        reraise_as_try_again(f"certificate {target}", target.parent),
        new_archive(vault, certificate.evidence_id, target) as folder,
    ):
        write_proofs(folder, [*certificate.entries, *key_entries(chain)], keys)
        facts, entries = certificate.facts(), certificate.entries
        typeset(_TEMPLATE, lambda language: _page_facts(facts, entries, language), folder)
        listed = {"erased": True, "withheld": []}
        sign_listing(folder, certificate.evidence_id, listed, chain.signer)


def _page_facts(facts: dict[str, Any], entries: Sequence[Entry], language: str) -> dict[str, Any]:
    """Return the facts as the page shows them: numbers and times as text."""
    searched = facts["searched"]
    same, scenery = same_footage(searched["shared_with"])
    sealed_at = [moment_text(entry["at"]) for entry in entries if entry["kind"] == "sealed"]
    return {
        **facts,
        "language": language,
        "begun_at": moment_text(facts["begun_at"]),
        "erased_at": moment_text(facts["erased_at"]),
        "custody_numbers": [str(number) for number in facts["custody_numbers"]],
        "sealed_at": next(iter(sealed_at), ""),
        "searched": {
            "files": str(searched["files"]),
            "marks": str(searched["marks"]),
            "same_footage": [f"{place}: {', '.join(names)}" for place, names in same.items()],
            "scenery": str(scenery),
        },
        "exports": [
            {"at": moment_text(copy["at"]), "who": str(copy["who"]), "masked": bool(copy["masked"])}
            for copy in facts["exports"]
        ],
        "files": [
            {"name": str(file["name"]), "sha256": str(file["sha256"])} for file in facts["files"]
        ],
    }
