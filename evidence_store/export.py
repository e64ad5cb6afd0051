"""One zip for each record: what may leave the vault, with everything that an outsider needs to check it.

Masked copies by default. `export.json` lists every file with its SHA-256 and is signed; the manifest
inside still names the originals that stayed behind.
"""

from __future__ import annotations

import base64
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from domain.acts import Act
from domain.errors import PutAside, Stop
from domain.events import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.additions import added_files
from evidence_store.canonical_json import to_canonical
from evidence_store.content_credentials import CredentialWriter
from evidence_store.custody import CustodyChain, Entry
from evidence_store.erasure import check_not_erased
from evidence_store.folder_lock import as_it_is
from evidence_store.gate import Grant
from evidence_store.keys import PublicKeys, Signer, public_pem
from evidence_store.manifest import SEAL_NAMES, UNSIGNED
from evidence_store.numbers_file import NUMBERS_NAME, holds_vectors
from evidence_store.roles import is_original
from evidence_store.sealed_files import ADDED
from evidence_store.signature_file import sign_file
from evidence_store.vault import Vault, saying_what_failed
from evidence_store.whole_files import put_in_place, sha256_of

FORMAT = "forewarn export 1"
VERIFIER_NAME = "verify_evidence.py"
CREDENTIALS_FOLDER = "with-credentials"
_ROOT = Path(__file__).resolve().parents[1]

# writes summaries into the folder: record, its story, its custody entries
Summarise = Callable[[EvidenceRecord, dict[str, Any], list[Entry], Path], None]


@dataclass(frozen=True, slots=True)
class Exporter:
    """Makes exports out of one data folder."""

    vault: Vault
    chain: CustodyChain
    keys: PublicKeys
    authorities: Sequence[Certificate] = ()  # whose time stamps count
    credentials: CredentialWriter | None = None  # None: no copies with content credentials
    summarise: Summarise = lambda record, story, entries, folder: None

    def export(
        self, record: EvidenceRecord, target: Path, unmasked: Grant | None = None
    ) -> list[str]:
        """Write the zip, and tell the custody chain before anything can leave.

        Args:
            record: verified by the caller.
            unmasked: by what right originals leave, too; None: masked copies only.
        Returns:
            names of the originals that were withheld.
        Raises:
            PutAside: the target is there already.
            NotAllowed: the grant is for another record, or for something else.
            TryAgain: the disk is full, or a folder cannot be written.
        """
        if target.exists():
            raise PutAside(f"{target}: is there already; name another file with --to")
        if unmasked is not None:
            unmasked.check_is_for(Act.EXPORT_UNMASKED, record.evidence_id)
        leaving = [file for file in record.files if unmasked or self._is_open(record, file)]
        names = [file.name for file in leaving]
        withheld = sorted({file.name for file in record.files} - {*names})
        sealed = self.vault.folder_of(record.evidence_id)
        with saying_what_failed(f"export {target}", target.parent), as_it_is(sealed):
            check_not_erased(record.evidence_id, self.chain)
            target.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
            try:
                added = added_files(self.chain.about(record.evidence_id))
                told = {
                    "masked": unmasked is None,
                    "reason": unmasked.reason if unmasked else "",
                    "files": [*names, *(file.name for file in added)],
                }
                chain = unmasked.chain if unmasked else self.chain
                chain.append("exported", record.evidence_id, told)
                self._gather(record, names, added, folder)
                self._sign(record, withheld, unmasked is None, folder)
                zipped = folder.with_suffix(".zip")
                zip_folder(folder, record.evidence_id, zipped)
                put_in_place(zipped, target)
            finally:
                folder.with_suffix(".zip").unlink(missing_ok=True)
                shutil.rmtree(folder, ignore_errors=True)
        return withheld

    def _is_open(self, record: EvidenceRecord, file: EvidenceFile) -> bool:
        """True for what may leave without a reason; old numbers may not, for they hold vectors."""
        if file.name == NUMBERS_NAME:
            return not holds_vectors(self.vault.read_bytes(record.evidence_id, file.name))
        return not is_original(file.role)

    def _gather(
        self,
        record: EvidenceRecord,
        names: list[str],
        added: Sequence[EvidenceFile],
        folder: Path,
    ) -> None:
        sealed = self.vault.folder_of(record.evidence_id)
        (folder / "record").mkdir()
        seal = [name for name in SEAL_NAMES if (sealed / name).exists()]  # unsigned ones have one
        for name in (*names, *seal):
            self.vault.copy_out(record.evidence_id, name, folder / "record" / name)
        if added:
            (folder / ADDED).mkdir()
        for file in added:  # masked copies that were made after the sealing
            self.vault.copy_out(record.evidence_id, file.name, folder / file.name)
        entries = self.chain.about(record.evidence_id)
        lines = [to_canonical(entry) + b"\n" for entry in entries]
        (folder / "custody.jsonl").write_bytes(b"".join(lines))
        write_public_keys(self.keys, folder / "public-keys")
        shutil.copyfile(verifier_file(), folder / VERIFIER_NAME)
        (folder / "README.txt").write_text(_README, encoding="utf-8")
        self._add_credentials(record, names, added, folder)
        write_stamp(folder / "time-stamp", entries, self.authorities)
        self.summarise(record, self.vault.story(record.evidence_id), entries, folder)

    def _add_credentials(
        self,
        record: EvidenceRecord,
        names: list[str],
        added: Sequence[EvidenceFile],
        folder: Path,
    ) -> None:
        """Copies of pictures and clips that carry where they come from; the sealed bytes stay beside."""
        if self.credentials is None:
            return
        copies = folder / CREDENTIALS_FOLDER
        copies.mkdir()
        sealed = [(file, folder / "record" / file.name) for file in record.files]
        for file, source in (*sealed, *((file, folder / file.name) for file in added)):
            if source.is_file() and (file in added or file.name in names):
                try:
                    self.credentials.write(record, file, source, copies / source.name)
                except PutAside as error:  # evidence leaves all the same: the record is whole
                    told = f"没有内容凭证 / has no content credential: {error}\n"
                    (copies / f"{source.name}.txt").write_text(told, encoding="utf-8")
        (copies / "certificates.pem").write_bytes(self.credentials.chain_pem)

    def _sign(
        self, record: EvidenceRecord, withheld: list[str], is_masked: bool, folder: Path
    ) -> None:
        facts = {"masked": is_masked, "withheld": withheld}
        sign_listing(folder, record.evidence_id, facts, self.chain.signer)


def sign_listing(
    folder: Path, evidence_id: str, facts: Mapping[str, Any], signer: Signer | None
) -> None:
    """Add export.json, which lists every file of an export with its hash, and its signature.

    Args:
        facts: what else it says, as JSON values.
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
                for path in files_in(folder)
            ],
            **facts,
        }
    )
    (folder / "export.json").write_bytes(listing)
    if signer:
        (folder / "export.sig").write_bytes(sign_file(signer, "export.json", listing))


def write_public_keys(keys: PublicKeys, folder: Path) -> None:
    """The keys that check an export's signatures, a file each."""
    folder.mkdir()
    for key_id, key in keys.items():
        (folder / f"{key_id}.pem").write_bytes(public_pem(key))


def write_stamp(folder: Path, entries: Sequence[Entry], authorities: Sequence[Certificate]) -> None:
    """The record's time stamp as files that `openssl ts -verify` takes; nothing where there is none.

    Args:
        entries: of the custody chain, about this record.
    """
    sealed = [each for each in entries if each["kind"] == "sealed"][-1:]
    for entry in entries:
        if (
            sealed
            and entry["kind"] == "stamped"
            and entry["details"]["entry"] == sealed[0]["number"]
        ):
            folder.mkdir()
            (folder / "sealing.json").write_bytes(to_canonical(sealed[0]))
            response = base64.b64decode(entry["details"]["response"])
            (folder / "response.tsr").write_bytes(response)
            pems = [each.public_bytes(Encoding.PEM) for each in authorities]
            (folder / "authorities.pem").write_bytes(b"".join(pems))
            return


def verifier_file() -> Path:
    """The single-file verifier; it is documentation, and lives there.

    Raises:
        Stop: this installation lacks it.
    """
    path = _ROOT / "docs" / VERIFIER_NAME
    if not path.is_file():
        raise Stop(
            f"{path}: an export needs the verifier beside it; run forewarn from its checkout"
        )
    return path


def files_in(folder: Path) -> list[Path]:
    """All files below a folder, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def zip_folder(folder: Path, top: str, target: Path) -> None:
    """Put a folder into a zip, below a folder of another name.

    Stored, not compressed: pictures and clips are already."""
    now = datetime.now(UTC)
    moment = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in files_in(folder):
            name = f"{top}/{path.relative_to(folder).as_posix()}"
            info = zipfile.ZipInfo(name, moment)
            info.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as out:
                shutil.copyfileobj(source, out, 1 << 20)
    with target.open("rb") as file:
        os.fsync(file.fileno())


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
