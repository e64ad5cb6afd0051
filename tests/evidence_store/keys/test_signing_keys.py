from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain.data_dir import DataDir
from domain.errors import ForewarnError, Stop
from evidence_store.custody.signing_key import keys_of, open_chain, open_sealing_chain
from evidence_store.keys.signing_keys import (
    PASSPHRASE_VARIABLE,
    KeyFolder,
    fault_of_signature,
    new_signer,
    public_pem,
)


def test_a_key_is_for_its_owners_eyes_and_is_never_written_over(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path / "keys")
    made = keys.create()
    assert keys.private_file.stat().st_mode & 0o777 == 0o600
    before = keys.private_file.read_bytes()
    with pytest.raises(Stop, match="keys rotate"):
        keys.create()
    assert keys.private_file.read_bytes() == before
    assert keys.signer().key_id == made.key_id
    assert list(keys.public_keys()) == [made.key_id]


def test_of_two_who_make_the_first_key_at_once_one_wins(tmp_path: Path) -> None:
    barrier, made, refused = threading.Barrier(4), [], []

    def work() -> None:
        barrier.wait()
        try:
            made.append(KeyFolder(tmp_path).create().key_id)
        except ForewarnError as error:
            refused.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1 and len(refused) == 3
    assert KeyFolder(tmp_path).signer().key_id == made[0]


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    keys.create()
    keys.private_file.chmod(0o640)
    with pytest.raises(Stop, match="chmod 600"):
        keys.signer()


def test_a_locked_key_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    made = keys.create("a long passphrase")
    assert b"ENCRYPTED" in keys.private_file.read_bytes()
    assert keys.signer("a long passphrase").key_id == made.key_id
    for wrong in ("", "another"):
        with pytest.raises(Stop, match=PASSPHRASE_VARIABLE):
            keys.signer(wrong)


def test_after_rotation_old_signatures_still_check(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    old = keys.create()
    signature = old.sign(b"then")
    new = new_signer()
    keys.replace(new, b"{}")
    assert keys.signer().key_id == new.key_id != old.key_id
    assert fault_of_signature(keys.public_keys(), old.key_id, signature, b"then") == ""
    assert "does not fit" in fault_of_signature(keys.public_keys(), new.key_id, signature, b"then")
    assert "unknown key" in fault_of_signature({}, old.key_id, signature, b"then")


def test_a_signature_that_the_quicker_library_refuses_is_asked_of_the_other() -> None:
    """The verifier of an export has only the other: both have to say the same, also of odd keys."""
    neutral = bytes([1, *bytes(31)])  # point of order 1, which libsodium takes for no key
    key = Ed25519PublicKey.from_public_bytes(neutral)
    signature = neutral + bytes(32)
    key.verify(signature, b"anything")
    assert fault_of_signature({"odd": key}, "odd", signature.hex(), b"anything") == ""


def test_any_flipped_byte_of_a_public_key_is_named(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    keys.create()
    (path,) = (tmp_path / "public").iterdir()
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(
            content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :]
        )
        sound, faults = keys.sound_public_keys()
        assert not sound and path.name in faults[0], position


def test_signatures_are_what_openssl_calls_ed25519(tmp_path: Path) -> None:
    signer = new_signer()
    (tmp_path / "key.pem").write_bytes(public_pem(signer.private.public_key()))
    (tmp_path / "text").write_bytes(b"signed")
    (tmp_path / "signature").write_bytes(bytes.fromhex(signer.sign(b"signed")))
    words = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in text -sigfile signature"
    done = subprocess.run(words.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_a_key_sealing_stops_and_names_the_command(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    with pytest.raises(Stop, match="forewarn keys create --data"):
        open_sealing_chain(data, None, unsealed=False)
    assert open_sealing_chain(data, None, unsealed=True).signer is None


def test_a_folder_whose_evidence_is_signed_takes_nothing_unsigned(tmp_path: Path) -> None:
    data, elsewhere = DataDir(tmp_path / "var"), tmp_path / "token"
    made = KeyFolder(elsewhere).create()
    assert open_sealing_chain(data, elsewhere, unsealed=False).signer is not None
    assert list(keys_of(data)) == [made.key_id], "the data folder checks without the key's folder"
    with pytest.raises(Stop, match="FOREWARN_KEYS"):
        open_chain(data)
    with pytest.raises(Stop, match="--unsealed"):
        open_sealing_chain(data, None, unsealed=True)
    assert [each.name for each in data.keys.iterdir()] == ["public"], (
        "the private key stays where it is"
    )
