"""The deletion certificate of an erased record: what the custody chain says, for people and outsiders.

The certificate is the chain's own two entries, signed when they were written; nothing is asserted here
that does not stand there.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from evidence_store.canonical_json import to_canonical
from evidence_store.custody import CustodyChain, Entry
from evidence_store.erasure import same_footage
from evidence_store.export import (
    VERIFIER_NAME,
    sign_listing,
    verifier_file,
    write_public_keys,
    zip_folder,
)
from evidence_store.fonts import font_folder
from evidence_store.keys import PublicKeys
from evidence_store.search_marks import Mark, MarkSearch, SearchReport, files_below
from evidence_store.vault import saying_what_failed
from evidence_store.whole_files import put_in_place

LANGUAGES = ("zh", "en")
_TEMPLATE = Path(__file__).with_name("certificate.typ")


@dataclass(frozen=True, slots=True)
class DeletionCertificate:
    """One erased record's."""

    evidence_id: str
    begun: Entry
    ended: Entry
    entries: tuple[Entry, ...]  # all of the chain about this record

    @property
    def marks(self) -> list[Mark]:
        """Pieces of what was erased, to look for it again."""
        return [Mark.from_json(each) for each in self.begun["details"]["marks"]]

    def facts(self) -> dict[str, Any]:
        """What it certifies, as JSON values."""
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
    """The certificate of a record that was erased last; its signatures are checked by `verify`.

    Raises:
        PutAside: it was not erased, or not to the end.
    """
    entries = chain.about(evidence_id)
    ended = next((each for each in reversed(entries) if each["kind"] == "erased"), None)
    begun = next(
        (each for each in entries if ended and each["number"] == ended["details"].get("begun_by")),
        None,
    )
    if ended is None or begun is None:
        is_begun = any(each["kind"] == "erasing" for each in entries)
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
    """Look for what was erased in any folder: the data folder of today, or a backup that was mounted."""
    search = MarkSearch((certificate.evidence_id, mark) for mark in certificate.marks)
    return search.search(files_below(folder), look)


def export_certificate(
    certificate: DeletionCertificate, chain: CustodyChain, keys: PublicKeys, target: Path
) -> None:
    """One zip for outsiders: the certificate to read (PDF), the entries, public keys, the verifier.

    Raises:
        PutAside: the target is there already.
        TryAgain: it cannot be written.
        Stop: the typesetter or its font is not installed.
    """
    if target.exists():
        raise PutAside(f"{target}: is there already; name another file with --to")
    with saying_what_failed(f"certificate {target}", target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            lines = [to_canonical(entry) + b"\n" for entry in certificate.entries]
            (folder / "custody.jsonl").write_bytes(b"".join(lines))
            write_public_keys(keys, folder / "public-keys")
            shutil.copyfile(verifier_file(), folder / VERIFIER_NAME)
            write_pages(certificate, folder)
            facts = {"erased": True, "withheld": []}
            sign_listing(folder, certificate.evidence_id, facts, chain.signer)
            zipped = folder.with_suffix(".zip")
            zip_folder(folder, certificate.evidence_id, zipped)
            put_in_place(zipped, target)
        finally:
            folder.with_suffix(".zip").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


def write_pages(certificate: DeletionCertificate, folder: Path) -> None:
    """certificate.zh.pdf and certificate.en.pdf."""
    import typst

    with tempfile.TemporaryDirectory(prefix="forewarn-certificate-") as name:
        root = Path(name)
        shutil.copyfile(_TEMPLATE, root / "certificate.typ")
        for language in LANGUAGES:
            told = _page_facts(certificate.facts(), certificate.entries, language)
            (root / "facts.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
            pdf = typst.compile(
                str(root / "certificate.typ"),
                root=str(root),
                font_paths=[str(font_folder())],
                ignore_system_fonts=True,
            )
            (folder / f"certificate.{language}.pdf").write_bytes(pdf)


def _page_facts(facts: dict[str, Any], entries: Sequence[Entry], language: str) -> dict[str, Any]:
    """The facts as the page shows them: numbers and times as text."""
    searched = facts["searched"]
    same, scenery = same_footage(searched["shared_with"])
    return {
        **facts,
        "language": language,
        "begun_at": _moment(facts["begun_at"]),
        "erased_at": _moment(facts["erased_at"]),
        "custody_numbers": [str(each) for each in facts["custody_numbers"]],
        "sealed_at": next(
            (_moment(each["at"]) for each in entries if each["kind"] == "sealed"), ""
        ),
        "searched": {
            "files": str(searched["files"]),
            "marks": str(searched["marks"]),
            "same_footage": [f"{place}: {', '.join(names)}" for place, names in same.items()],
            "scenery": str(scenery),
        },
        "exports": [
            {"at": _moment(each["at"]), "who": str(each["who"]), "masked": bool(each["masked"])}
            for each in facts["exports"]
        ],
        "files": [
            {"name": str(each["name"]), "sha256": str(each["sha256"])} for each in facts["files"]
        ],
    }


def _moment(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
