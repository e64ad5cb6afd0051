"""Build the zips that leave for outsiders: signed list of files, public keys, verifier."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domain.files import put_in_place, sha256_of
from evidence_store.custody.chain import Entry
from evidence_store.files.canonical_json import to_canonical
from evidence_store.keys.signature_file import sign_file
from evidence_store.keys.signing_keys import PublicKeys, Signer, public_pem
from evidence_store.vault.manifest import UNSIGNED
from evidence_store.vault.vault import OUTSIDE, OUTSIDE_PREFIX, Vault

FORMAT = "forewarn export 1"
VERIFIER_FILE = Path(__file__).with_name("verify_evidence.py")  # a copy goes into each zip


@contextmanager
def new_archive(vault: Vault, evidence_id: str, target: Path) -> Iterator[Path]:
    """Gather files in a folder that becomes the zip `target` when the `with` block ends, or nothing.

    The target is not there yet, the folder empty, and a draft of the vault: what a kill leaves in it, and
    beside the target, is cleared by the next start or export. Within the zip it is called `evidence_id`.

    Raises:
        OSError: the disk is full, or the target's folder cannot be written.
    """
    vault.clear_drafts()
    target.parent.mkdir(parents=True, exist_ok=True)
    with vault.draft(evidence_id) as draft:
        zipped = target.parent.resolve() / f"{OUTSIDE_PREFIX}{draft.name[1:]}.part"
        (draft / OUTSIDE).symlink_to(zipped)
        folder = draft / "zip"
        folder.mkdir()
        try:
            yield folder
            _zip_folder(folder, evidence_id, zipped)
            put_in_place(zipped, target)
        finally:
            zipped.unlink(missing_ok=True)


def write_proofs(folder: Path, entries: Sequence[Entry], keys: PublicKeys) -> None:
    """Write what an outsider checks an export with: custody.jsonl, public keys, the verifier."""
    in_order = sorted(entries, key=lambda entry: int(entry["number"]))
    lines = [to_canonical(entry) + b"\n" for entry in in_order]
    (folder / "custody.jsonl").write_bytes(b"".join(lines))
    (folder / "public-keys").mkdir()
    for key_id, key in keys.items():
        (folder / "public-keys" / f"{key_id}.pem").write_bytes(public_pem(key))
    shutil.copyfile(VERIFIER_FILE, folder / VERIFIER_FILE.name)


def sign_listing(
    folder: Path, evidence_id: str, facts: Mapping[str, Any], signer: Signer | None
) -> None:
    """Add export.json, which lists every file of a folder with its SHA-256, and its signature.

    The folder is complete but for these two files. `facts` are further members of export.json, as JSON
    values. Without a signer it is marked as unsigned, and has no signature beside it.
    """
    listing = to_canonical(
        {
            "format": FORMAT,
            "evidence_id": evidence_id,
            "exported_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "signed_by": signer.key_id if signer else UNSIGNED,
            "files": [
                {
                    "name": path.relative_to(folder).as_posix(),
                    "sha256": sha256_of(path),
                    "size_bytes": path.stat().st_size,
                }
                for path in _files_in(folder)
            ],
            **facts,
        }
    )
    (folder / "export.json").write_bytes(listing)
    if signer:
        (folder / "export.sig").write_bytes(sign_file(signer, "export.json", listing))


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _zip_folder(folder: Path, top: str, target: Path) -> None:
    # stored, not compressed: pictures and clips are already
    now = datetime.now(UTC)
    moment = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in _files_in(folder):
            name = f"{top}/{path.relative_to(folder).as_posix()}"
            info = zipfile.ZipInfo(name, moment)
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as out:
                shutil.copyfileobj(source, out, 1 << 20)
