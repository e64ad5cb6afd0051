"""Export a record as one zip: what may leave the vault, and all that an outsider needs to check it.

Masked copies by default. `export.json` lists every file with its SHA-256 and is signed; the manifest
inside still names the originals that stayed behind.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from domain.access.permissions import Permission
from domain.errors import PutAside
from domain.events.catalog import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.access.gate import Grant
from evidence_store.custody.chain import CustodyChain, Entry, key_entries, last_standing
from evidence_store.custody.records_on_chain import check_not_erased
from evidence_store.export.archive import new_archive, sign_listing, write_proofs
from evidence_store.export.content_credentials import CredentialWriter
from evidence_store.files.canonical_json import to_canonical
from evidence_store.files.folder_lock import shared_lock
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.keys.signing_keys import PublicKeys
from evidence_store.vault.additions import added_files
from evidence_store.vault.file_roles import is_original
from evidence_store.vault.manifest import SEAL_NAMES, check_seal, read_seal
from evidence_store.vault.numbers_file import NUMBERS_NAME, holds_vectors, read_numbers
from evidence_store.vault.sealed_files import ADDED
from evidence_store.vault.vault import Vault

# writes summaries into the folder: record, its history, its custody entries
Summarise = Callable[[EvidenceRecord, dict[str, Any], list[Entry], Path], None]


@dataclass(frozen=True, slots=True)
class Exporter:
    """Export records of one data folder."""

    vault: Vault
    chain: CustodyChain
    keys: PublicKeys
    authorities: Sequence[Certificate] = ()  # whose time stamps count
    credentials: CredentialWriter | None = None  # None: no copies with content credentials
    summarise: Summarise = lambda record, story, entries, folder: None

    def export(
        self, record: EvidenceRecord, target: Path, unmasked: Grant | None = None
    ) -> list[str]:
        """Write the zip, and log it to the custody chain before anything can leave.

        The caller has verified the record; what is packed is compared with it once more. `unmasked` is the
        right by which originals leave, too; None: masked copies only. Returns the names of the originals that
        were withheld.

        Raises:
            PutAside: the target is there already, or the record changed since it was verified.
            NotAllowed: the grant is for another record, or for something else.
            TryAgain: the disk is full, or a folder cannot be written.
        """
        if target.exists():
            raise PutAside(f"{target}: is there already; name another file with --to")
        if unmasked is not None:
            unmasked.check_is_for(Permission.EXPORT_UNMASKED, record.evidence_id)
        sealed = self.vault.folder_of(record.evidence_id)
        with (
            reraise_as_try_again(f"export {target}", target.parent),
            shared_lock(sealed) as is_there,
        ):
            check_not_erased(record.evidence_id, self.chain)
            if not is_there:
                raise PutAside(f"{record.evidence_id}: is not in the vault any more")
            leaving = [file for file in record.files if unmasked or self._is_open(record, file)]
            names = [file.name for file in leaving]
            withheld = sorted({file.name for file in record.files} - {*names})
            with new_archive(self.vault, record.evidence_id, target) as folder:
                added = added_files(self.chain.about(record.evidence_id))
                story = self._pack(record, leaving, added, folder)
                details = {
                    "masked": unmasked is None,
                    "reason": unmasked.reason if unmasked else "",
                    "files": [*names, *(file.name for file in added)],
                }
                chain = unmasked.chain if unmasked else self.chain
                chain.append("exported", record.evidence_id, details)
                self._explain(record, story, names, added, folder)
                facts = {"masked": unmasked is None, "withheld": withheld}
                sign_listing(folder, record.evidence_id, facts, self.chain.signer)
        return withheld

    def _is_open(self, record: EvidenceRecord, file: EvidenceFile) -> bool:
        """Return True for what may leave without a reason; old numbers may not, for they hold vectors."""
        if file.name == NUMBERS_NAME:
            return not holds_vectors(self.vault.read_bytes(record.evidence_id, file.name))
        return not is_original(file.role)

    def _pack(
        self,
        record: EvidenceRecord,
        leaving: Sequence[EvidenceFile],
        added: Sequence[EvidenceFile],
        folder: Path,
    ) -> dict[str, Any]:
        """Copy what leaves, and check the copies: the files may change while nobody looks; return the story.

        Raises:
            PutAside: a copy is not what was verified, or the seal does not fit what the chain tells of.
        """
        evidence_id, packed = record.evidence_id, folder / "record"
        packed.mkdir()
        for file in leaving:
            self._copy(evidence_id, file, packed / file.name)
        if added:
            (folder / ADDED).mkdir()
        # masked copies that were made after the sealing
        for file in added:
            self._copy(evidence_id, file, folder / file.name)
        sealed = self.vault.folder_of(evidence_id)
        # an unsigned record's seal has no signature
        for name in SEAL_NAMES:
            if (sealed / name).exists():
                self.vault.copy_out(evidence_id, name, packed / name)
        numbers = folder / NUMBERS_NAME
        [listed] = [file for file in record.files if file.name == NUMBERS_NAME]
        self._copy(evidence_id, listed, numbers)
        story = read_numbers(numbers.read_bytes())[1]
        numbers.unlink()
        sealing = last_standing(self.chain.about(evidence_id), "sealed")
        must_be_signed = bool(sealing and sealing.get("key_id"))
        faults = check_seal(packed, record, story, self.keys, must_be_signed=must_be_signed)
        seal = read_seal(packed)
        told = sealing["details"].get("manifest_sha256") if sealing else None
        if seal is None or seal.manifest_sha256 != told:
            faults.append("manifest.json: is not the one that the custody chain tells of")
        if faults:
            raise PutAside(f"{evidence_id} is not exported: {'; '.join(faults)}")
        return story

    def _copy(self, evidence_id: str, file: EvidenceFile, target: Path) -> None:
        if self.vault.copy_out(evidence_id, file.name, target) != file.sha256:
            raise PutAside(
                f"{evidence_id}/{file.name}: changed after it was verified; it is not exported"
            )

    def _explain(
        self,
        record: EvidenceRecord,
        story: dict[str, Any],
        names: list[str],
        added: Sequence[EvidenceFile],
        folder: Path,
    ) -> None:
        """Add proofs, credentials, time stamp and summaries to what was packed."""
        entries = self.chain.about(record.evidence_id)
        write_proofs(folder, [*entries, *key_entries(self.chain)], self.keys)
        (folder / "README.txt").write_text(_README, encoding="utf-8")
        self._add_credentials(record, names, added, folder)
        write_stamp(folder / "time-stamp", entries, self.authorities)
        self.summarise(record, story, entries, folder)

    def _add_credentials(
        self, record: EvidenceRecord, names: list[str], added: Sequence[EvidenceFile], folder: Path
    ) -> None:
        """Add copies of pictures and clips that carry where they come from, beside the sealed bytes."""
        if self.credentials is None:
            return
        copies = folder / "with-credentials"
        copies.mkdir()
        sealed = [(file, folder / "record" / file.name) for file in record.files]
        for file, source in (*sealed, *((file, folder / file.name) for file in added)):
            if source.is_file() and (file in added or file.name in names):
                try:
                    self.credentials.write(record, file, source, copies / source.name)
                # evidence leaves all the same: the record is whole
                except PutAside as error:
                    note = f"没有内容凭证 / has no content credential: {error}\n"
                    (copies / f"{source.name}.txt").write_text(note, encoding="utf-8")
        (copies / "certificates.pem").write_bytes(self.credentials.chain_pem)


def write_stamp(folder: Path, entries: Sequence[Entry], authorities: Sequence[Certificate]) -> None:
    """Write a record's time stamp, if any, into a new folder, as files that `openssl ts -verify` takes."""
    sealing = next((entry for entry in reversed(entries) if entry["kind"] == "sealed"), None)
    if sealing is None:
        return
    for entry in entries:
        if entry["kind"] == "stamped" and entry["details"]["entry"] == sealing["number"]:
            folder.mkdir()
            (folder / "sealing.json").write_bytes(to_canonical(sealing))
            response = base64.b64decode(entry["details"]["response"])
            (folder / "response.tsr").write_bytes(response)
            pems = [certificate.public_bytes(Encoding.PEM) for certificate in authorities]
            (folder / "authorities.pem").write_bytes(b"".join(pems))
            return


_README = """\
本文件夹是一份经封存并签名的证据记录。
  summary.zh.pdf      摘要
  record/             记录本身；manifest.json 列明每个文件的 SHA-256，manifest.sig 是其签名
  with-credentials/   带内容凭证（C2PA）的副本，适于转发；其字节与 record/ 中的不同
  time-stamp/         时间戳机构对封存时间的证明（如有），可用 openssl ts -verify 核验
  added/              封存后制作的遮挡视频；custody.jsonl 中有其 SHA-256
  custody.jsonl       对本记录做过什么、何人、何时、为何；每条均有签名
  public-keys/        用于核验签名的公钥
  verify_evidence.py  核验程序：需要 Python 和 cryptography 包
核验：python verify_evidence.py .  （请从可信来源取得该程序，并与执法单位公布的公钥指纹核对）
未随附的原件在 manifest.json 中仍列有其 SHA-256；日后提供的原件可据此核对。

This folder is a sealed and signed evidence record.
  summary.en.pdf      summary
  record/             the record itself; manifest.json has every file's SHA-256, manifest.sig signs it
  with-credentials/   copies with content credentials (C2PA), to pass on; not the bytes that were sealed
  time-stamp/         an authority's word for the time of the sealing, if there is one (openssl ts -verify)
  added/              masked clips, made after the sealing; custody.jsonl has their SHA-256
  custody.jsonl       what was done with this record, by whom, when and why; each line is signed
  public-keys/        the keys that check the signatures
  verify_evidence.py  the verifier: needs Python and the package cryptography
To check: python verify_evidence.py .  (better with a copy of it from a place that you trust; compare
the key's fingerprint with the one that the authority publishes)
Originals that are not in here are still named in manifest.json with their SHA-256, so that an original
shown later can be compared.
"""
