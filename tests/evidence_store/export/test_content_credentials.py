"""Content credentials, read back by the reader that everybody else uses."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from footage_files import cut_clip
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.events.catalog import EvidenceFile
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.export.archive import VERIFIER_FILE
from evidence_store.export.content_credentials import CredentialWriter
from evidence_store.export.credential_certificate import (
    certificate_chain,
    credentials_of,
    import_chain,
    signing_request,
)
from evidence_store.export.export import Exporter
from evidence_store.keys.signing_keys import KeyFolder, Signer, new_signer
from evidence_store.media.stills import encode_jpeg, grab_frame
from evidence_store.vault.vault import Vault


@pytest.fixture(scope="module")
def signer() -> Signer:
    return new_signer()


@pytest.fixture
def writer(tmp_path: Path, signer: Signer) -> CredentialWriter:
    return CredentialWriter(signer, certificate_chain(tmp_path / "keys", signer, "campus"))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "first.masked.jpg"
    path.write_bytes(encode_jpeg(np.random.default_rng(1).integers(0, 255, (90, 120, 3), np.uint8)))
    return path


@pytest.fixture
def clip(tmp_path: Path, sample_clip: Path) -> Path:
    return cut_clip(sample_clip, 5.0, 6.0, tmp_path / "clip.mp4").path


def as_file(path: Path, role: str) -> EvidenceFile:
    content = path.read_bytes()
    return EvidenceFile.model_validate(
        {
            "name": path.name,
            "role": role,
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
        }
    )


def read(path: Path, trusted: str = "") -> tuple[str, list[str], dict[str, Any]]:
    """Return what a viewer learns: validation state, codes of what is wrong, the active manifest."""
    settings: dict[str, Any] = {"verify": {"verify_trust": True}}
    if trusted:
        settings["trust"] = {"trust_anchors": trusted}
    with c2pa.Context.from_dict(settings) as context, c2pa.Reader(path, context=context) as reader:
        manifest = json.loads(reader.json())
        codes = [each["code"] for each in manifest.get("validation_status", [])]
        return str(reader.get_validation_state()), codes, reader.get_active_manifest() or {}


def issuer_of(writer: CredentialWriter) -> str:
    issuer = x509.load_pem_x509_certificates(writer.chain_pem)[-1]
    return issuer.public_bytes(Encoding.PEM).decode()


def test_a_picture_tells_where_it_comes_from_and_what_was_done(
    writer: CredentialWriter, picture: Path, tmp_path: Path, signer: Signer
) -> None:
    file, copy = as_file(picture, "masked snapshot"), tmp_path / "copy.jpg"
    assert writer.write(a_record(), file, picture, copy)
    state, codes, manifest = read(copy)
    assert (state, codes) == ("Valid", ["signingCredential.untrusted"]), "self-issued"
    assert read(copy, issuer_of(writer))[:2] == ("Trusted", [])
    assertions = {each["label"]: each["data"] for each in manifest["assertions"]}
    assert [each["action"] for each in assertions["c2pa.actions.v2"]["actions"]] == [
        "c2pa.created",
        "c2pa.filtered",
        "c2pa.published",
    ]
    assert assertions["forewarn.evidence"] == {
        "evidence_id": ID,
        "file": "first.masked.jpg",
        "role": "masked snapshot",
        "sealed_sha256": file.sha256,
        "site_key": signer.key_id,
    }
    assert manifest["signature_info"]["alg"] == "Ed25519"
    assert manifest["signature_info"]["common_name"] == "campus"
    assert "thumbnail" not in manifest and copy.stat().st_size < picture.stat().st_size + 20_000


def test_a_clip_is_as_playable_as_before(
    writer: CredentialWriter, clip: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.mp4"
    assert writer.write(a_record(), as_file(clip, "clip"), clip, copy)
    assert read(copy, issuer_of(writer))[0] == "Trusted"
    assert (grab_frame(copy, 0.5) == grab_frame(clip, 0.5)).all()


@pytest.mark.parametrize("kind", ["picture", "clip"])
def test_a_flipped_byte_is_told_by_any_viewer(
    kind: str, writer: CredentialWriter, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    source: Path = request.getfixturevalue(kind)
    copy = tmp_path / f"copy{source.suffix}"
    writer.write(a_record(), as_file(source, "clip"), source, copy)
    content = bytearray(copy.read_bytes())
    content[-len(content) // 4] ^= 1
    copy.write_bytes(content)
    state, codes, _ = read(copy, issuer_of(writer))
    assert state == "Invalid" and any(code.endswith("Hash.mismatch") for code in codes)


def test_what_cannot_hold_one_is_left_out_and_what_is_damaged_is_named(
    writer: CredentialWriter, tmp_path: Path
) -> None:
    for name in ("clip.mkv", "clip.mp4"):
        (tmp_path / name).write_bytes(b"packets")
    old = as_file(tmp_path / "clip.mkv", "clip")
    assert not writer.write(a_record(), old, tmp_path / "clip.mkv", tmp_path / "copy.mkv")
    damaged = as_file(tmp_path / "clip.mp4", "clip")
    with pytest.raises(PutAside, match=r"clip\.mp4: cannot hold a content credential"):
        writer.write(a_record(), damaged, tmp_path / "clip.mp4", tmp_path / "copy.mp4")
    assert not list(tmp_path.glob("copy.*"))


def test_an_export_has_the_sealed_bytes_and_copies_with_credentials(
    tmp_path: Path, picture: Path, clip: Path
) -> None:
    data = DataDir(tmp_path / "var")
    signer, vault = KeyFolder(data.keys).create(), Vault(data.evidence)
    roles = {"clip.mp4": "masked clip", "first.masked.jpg": "masked snapshot"}
    with vault.draft(ID) as draft:
        for source in (picture, clip):
            (draft / source.name).write_bytes(source.read_bytes())
        record = vault.seal(draft, a_record(), roles, {}, signer)
    chain = CustodyChain(data.custody, signer)
    note_sealed(chain, vault.folder_of(ID), "ofc-1")
    keys, credentials = KeyFolder(data.keys).public_keys(), credentials_of(data, signer, "campus")
    Exporter(vault, chain, keys, (), credentials).export(record, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path)
    out = tmp_path / ID
    assert (out / "record" / "clip.mp4").read_bytes() == clip.read_bytes()
    trusted = (out / "with-credentials" / "certificates.pem").read_text()
    for name in roles:
        state, _, manifest = read(out / "with-credentials" / name, trusted)
        assertions = {each["label"]: each["data"] for each in manifest["assertions"]}
        assert state == "Trusted"
        sealed = hashlib.sha256((out / "record" / name).read_bytes()).hexdigest()
        assert assertions["forewarn.evidence"]["sealed_sha256"] == sealed
    listed = {each["name"] for each in json.loads((out / "export.json").read_bytes())["files"]}
    assert {"record/clip.mp4", "with-credentials/clip.mp4"} <= listed
    space: dict[str, Any] = {"__name__": "verify_evidence"}
    exec(compile(VERIFIER_FILE.read_text(), "verify_evidence.py", "exec"), space)
    checker = space["Checker"](space["Export"](tmp_path / "out.zip"))
    checker.check()
    assert checker.faults == []


def test_the_certificate_is_made_once_and_again_before_it_runs_out(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = certificate_chain(tmp_path, signer, "campus")
    assert certificate_chain(tmp_path, signer, "campus") == first
    for path in tmp_path.rglob("*.pem"):
        assert b"PRIVATE" not in path.read_bytes()
    short = "evidence_store.export.credential_certificate.VALID_FOR"
    monkeypatch.setattr(short, timedelta(days=10))
    other = tmp_path / "short"
    assert certificate_chain(other, signer, "campus") != certificate_chain(other, signer, "campus")


def test_certificates_of_others_are_taken_for_the_own_key_only(
    tmp_path: Path, signer: Signer, picture: Path
) -> None:
    request = x509.load_pem_x509_csr(signing_request(signer, "campus"))
    assert request.is_signature_valid
    given = certificate_chain(tmp_path / "others", signer, "given by others")
    import_chain(tmp_path / "keys", signer, given, "given.pem")
    assert certificate_chain(tmp_path / "keys", signer, "campus") == given
    for wrong in (b"no certificates", not_ours()):
        with pytest.raises(Stop, match=r"wrong\.pem"):
            import_chain(tmp_path / "keys", signer, wrong, "wrong.pem")


def not_ours() -> bytes:
    key, now = Ed25519PrivateKey.generate(), datetime.now(UTC)
    name = x509.Name([])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    made = made.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.public_key(key.public_key()).sign(key, None).public_bytes(Encoding.PEM)
