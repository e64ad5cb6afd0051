"""Test originals at rest: what is encrypted opens with the right key, whole and in parts, and nothing else."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.evidence import EvidenceRecord
from evidence_store.custody.chain import CustodyChain
from evidence_store.keys.encrypted_file import (
    CHUNK_BYTES,
    HEADER_BYTES,
    TAG_BYTES,
    encrypt_file,
    open_encrypted,
    plain_size_of,
)
from evidence_store.keys.encryption_keys import (
    KEY_VARIABLE,
    EncryptionKey,
    EncryptionKeyFolder,
    EncryptionKeyMissing,
    EncryptionKeys,
    find_encryption_keys,
    new_key,
)
from evidence_store.media.stills import grab_frame
from evidence_store.vault.open_vault import open_sealing_vault, open_vault
from evidence_store.vault.re_encrypt import count_by_key, re_encrypt
from evidence_store.vault.vault import Vault
from evidence_store.vault.verify_record import verify_record

KEY = new_key()
KEYS = EncryptionKeys(KEY)
AROUND_A_CHUNK = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES)
ROLES = {"clip.mp4": "clip", "first.jpg": "snapshot", "first.masked.jpg": "masked snapshot"}


def encrypted(
    folder: Path, content: bytes, name: str = "clip.mp4", key: EncryptionKey = KEY
) -> Path:
    path = folder / f"{name}.{os.urandom(4).hex()}.enc"
    encrypt_file(io.BytesIO(content), path, f"{ID}/{name}", key)
    return path


def seal(vault: Vault, content: bytes = b"packets") -> EvidenceRecord:
    with vault.draft(ID) as folder:
        for name in ROLES:
            (folder / name).write_bytes(content + name.encode())
        return vault.seal(folder, a_record(), ROLES, {"rule": None})


@pytest.mark.parametrize("size", AROUND_A_CHUNK)
def test_what_goes_in_comes_out(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / "file.enc"
    plain = encrypt_file(io.BytesIO(content), path, f"{ID}/clip.mp4", KEY)
    assert (plain.size_bytes, plain.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert plain_size_of(path) == size
    with open_encrypted(path, f"{ID}/clip.mp4", KEYS) as file:
        assert file.read() == content
    if size > 100:
        assert content[:50] not in path.read_bytes()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 210_000), st.integers(0, 90_000)), max_size=6))
def test_any_part_can_be_read_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[int, int]]
) -> None:
    content = hashlib.shake_128(b"footage").digest(200_000)
    path = encrypted(tmp_path_factory.mktemp("parts"), content)
    with open_encrypted(path, f"{ID}/clip.mp4", KEYS) as file:
        for start, count in parts:
            assert file.seek(start) == start
            assert file.read(count) == content[start : start + count]
        assert file.seek(-10, io.SEEK_END) == 199_990 and file.read() == content[-10:]


def test_every_byte_that_is_flipped_is_found(tmp_path: Path) -> None:
    path = encrypted(tmp_path, b"a clip of a few packets")
    sound = path.read_bytes()
    for position in range(len(sound)):
        changed = bytearray(sound)
        changed[position] ^= 1 << position % 8
        path.write_bytes(changed)
        with pytest.raises((PutAside, EncryptionKeyMissing), match=r"clip\.mp4"):
            open_encrypted(path, f"{ID}/clip.mp4", KEYS).read()


def test_a_file_cut_off_anywhere_does_not_open(tmp_path: Path) -> None:
    path = encrypted(tmp_path, b"x" * (2 * CHUNK_BYTES + 10))
    sound = path.read_bytes()
    whole = HEADER_BYTES + CHUNK_BYTES + TAG_BYTES
    for size in (
        0,
        10,
        HEADER_BYTES,
        HEADER_BYTES + 5,
        whole,
        2 * whole - HEADER_BYTES,
        len(sound) - 1,
    ):
        path.write_bytes(sound[:size])
        with pytest.raises(PutAside, match="changed"):
            open_encrypted(path, f"{ID}/clip.mp4", KEYS)


def test_files_and_chunks_that_change_places_are_found(tmp_path: Path) -> None:
    content = os.urandom(3 * CHUNK_BYTES)
    path = encrypted(tmp_path, content)
    for other in (f"{ID}/first.jpg", "evd-00000000000000bb/clip.mp4"):
        with pytest.raises(PutAside, match="exchanged"):
            open_encrypted(path, other, KEYS)
    sealed, step = path.read_bytes(), CHUNK_BYTES + TAG_BYTES
    first, second, third = (sealed[HEADER_BYTES + i * step :][:step] for i in range(3))
    for chunks in ((second, first, third), (first, third), (first, first, third)):
        path.write_bytes(sealed[:HEADER_BYTES] + b"".join(chunks))
        with pytest.raises(PutAside, match="changed"):
            open_encrypted(path, f"{ID}/clip.mp4", KEYS).read()


def test_a_missing_key_says_which_and_where_it_was_looked_for(tmp_path: Path) -> None:
    path, other = encrypted(tmp_path, b"packets"), EncryptionKeyFolder(tmp_path / "keys")
    other.create()
    with pytest.raises(EncryptionKeyMissing) as told:
        open_encrypted(path, f"{ID}/clip.mp4", other.keys())
    for words in (str(path), KEY.key_id, str(tmp_path / "keys"), KEY_VARIABLE):
        assert words in str(told.value)
    assert KEY.secret.hex() not in repr(KEYS)


def test_originals_are_encrypted_and_masked_copies_are_not(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "evidence", KEYS)
    sealed = seal(vault)
    names = {path.name for path in vault.folder_of(ID).iterdir()}
    assert names == {
        "clip.mp4.enc",
        "first.jpg.enc",
        "first.masked.jpg",
        "numbers.json",
        "manifest.json",
        "vectors.json.enc",
    }
    assert verify_record(sealed, vault, {}, must_be_signed=False) == []
    assert vault.read_bytes(ID, "clip.mp4") == b"packetsclip.mp4"
    by_name = {file.name: file for file in sealed.files}
    assert by_name["clip.mp4"].sha256 == hashlib.sha256(b"packetsclip.mp4").hexdigest()
    assert vault.size_of(ID, "clip.mp4") == by_name["clip.mp4"].size_bytes == 15
    without_key = Vault(vault.folder)
    problems = verify_record(sealed, without_key, {}, must_be_signed=False)
    assert len(problems) == 3 and all("which is not at hand" in each for each in problems)
    with pytest.raises(EncryptionKeyMissing):
        without_key.check_keys(ID)


def test_encrypted_files_that_were_swapped_or_replaced_are_named(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "evidence", KEYS)
    sealed = seal(vault)
    folder = vault.folder_of(ID)
    clip, picture = folder / "clip.mp4.enc", folder / "first.jpg.enc"
    clip.rename(tmp_path / "aside")
    picture.rename(clip)
    (tmp_path / "aside").rename(picture)
    assert [
        each.partition(":")[0] for each in verify_record(sealed, vault, {}, must_be_signed=False)
    ] == [
        f"{ID}/clip.mp4",
        f"{ID}/first.jpg",
    ]
    clip.unlink()
    (folder / "clip.mp4").write_bytes(b"packetzclip.mp4")
    assert f"{ID}/clip.mp4: changed: its SHA-256 is not the sealed one" in verify_record(
        sealed, vault, {}, must_be_signed=False
    )


def test_a_player_jumps_about_in_an_encrypted_clip(tmp_path: Path, sample_clip: Path) -> None:
    vault = Vault(tmp_path / "evidence", KEYS)
    with vault.draft(ID) as folder:
        shutil.copyfile(sample_clip, folder / "clip.mp4")
        vault.seal(folder, a_record(), {"clip.mp4": "clip"}, {})
    with vault.open(ID, "clip.mp4") as clip:
        for at_s in (30.0, 2.0):
            assert (grab_frame(clip, at_s) == grab_frame(sample_clip, at_s)).all()


def test_keys_are_made_once_rotated_and_retired(tmp_path: Path) -> None:
    place = EncryptionKeyFolder(tmp_path)
    first = place.create()
    assert place.key_file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Stop, match="never written over"):
        place.create()
    assert place.rotate()[0] == first
    keys = place.keys()
    assert keys.current not in (None, first) and keys.need(first.key_id, "") == first
    place.retire()
    assert place.keys().current is None and len(place.keys().retired) == 2
    place.forget(first.key_id)
    assert len(place.keys().retired) == 1


def test_a_key_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    place = EncryptionKeyFolder(tmp_path)
    place.create()
    place.key_file.chmod(0o640)
    with pytest.raises(Stop, match="chmod 600"):
        place.keys()
    place.key_file.chmod(0o600)
    place.key_file.write_text("not a key")
    with pytest.raises(Stop, match="64 lower-case hex digits"):
        place.keys()


def test_the_environment_may_hold_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = new_key()
    monkeypatch.setenv(KEY_VARIABLE, f"{KEY.secret.hex()} {old.secret.hex()}")
    keys = find_encryption_keys(tmp_path)
    assert keys.current == KEY and keys.need(old.key_id, "") == old
    monkeypatch.setenv(KEY_VARIABLE, "secret")
    with pytest.raises(Stop, match=KEY_VARIABLE):
        find_encryption_keys(tmp_path)


def test_encryption_never_ends_by_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FOREWARN_KEYS", raising=False)
    data, elsewhere = DataDir(tmp_path / "var"), tmp_path / "token"
    chain = CustodyChain(data.custody)
    assert open_sealing_vault(data, None, chain).keys.current is None
    key = EncryptionKeyFolder(elsewhere).create()
    assert open_sealing_vault(data, elsewhere, chain).keys.current == key
    with pytest.raises(Stop, match=f"encrypted with key {key.key_id}, which is not at hand"):
        open_sealing_vault(data, None, chain)
    assert open_vault(data).keys.current is None, "reading what is not encrypted needs no key"
    chain.append("encryption off", "", {"reason": "the disk is encrypted"})
    assert open_sealing_vault(data, None, chain).keys.current is None


def test_all_originals_come_under_the_key_in_force(tmp_path: Path) -> None:
    data, place = DataDir(tmp_path), EncryptionKeyFolder(tmp_path / "keys")
    sealed, chain = seal(Vault(data.evidence)), CustodyChain(data.custody)
    place.create()
    assert count_by_key(open_vault(data)) == {"": 3}
    assert re_encrypt(open_vault(data), chain, lambda done, of: None).files == 3
    old, new = place.rotate()
    assert count_by_key(open_vault(data)) == {old.key_id: 3}
    assert re_encrypt(open_vault(data), chain, lambda done, of: None).files == 3
    vault = open_vault(data)
    assert (
        count_by_key(vault) == {new.key_id: 3}
        and verify_record(sealed, vault, {}, must_be_signed=False) == []
    )
    assert re_encrypt(vault, chain, lambda done, of: None).files == 0
    (data.evidence / ID / "clip.mp4.enc").chmod(0o644)
    (data.evidence / ID / "clip.mp4.enc").write_bytes(b"damaged")
    place.rotate()
    done = re_encrypt(open_vault(data), chain, lambda done, of: None)
    assert done.files == 2 and "clip.mp4" in done.problems[0]
    assert [path.name for path in data.evidence.glob(".re*")] == []


def test_a_kill_while_originals_are_written_leaves_no_plain_ones(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "evidence", KEYS)
    script = (
        "import sys, time; from pathlib import Path; from evidence_store.vault.vault import Vault\n"
        f"with Vault(Path({str(vault.folder)!r})).draft({ID!r}) as draft:\n"
        "    (draft / 'clip.mp4').write_bytes(b'plain'); print('ready', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as child:
        assert child.stdout and child.stdout.readline() == b"ready\n"
        vault.clear_drafts()
        assert len(list(vault.folder.glob(".evd-*/clip.mp4"))) == 1, "somebody is at work in it"
        child.send_signal(signal.SIGKILL)
        child.wait()
    deadline = time.monotonic() + 60
    while list(vault.folder.iterdir()) and time.monotonic() < deadline:
        vault.clear_drafts()
    assert list(vault.folder.iterdir()) == []
