"""Whatever one byte of a record, its chain, its keys or one value of its row is changed: it is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record
from time_stamping import make_authority, serving

from domain.data_dir import DataDir
from domain.errors import Stop
from domain.evidence import EvidenceRecord
from domain.site.time_stamping import TimeStamping
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.custody.time_stamper import StampBook, open_authority, stamp_waiting
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.open_vault import open_vault
from evidence_store.vault.vault import Vault
from evidence_store.verify_data_folder import Verifier

NAMES = ["clip.mp4", "first.jpg", "manifest.json", "manifest.sig", "numbers.json", "vectors.json"]
LARGER = ["numbers.json", "vectors.json"]
SMALL_BYTES = 100


@pytest.fixture(params=[17, pytest.param(1, marks=pytest.mark.long)], ids=["some", "every"])
def places(request: pytest.FixtureRequest) -> Callable[..., range]:
    """Name every byte of what is small, every 17th of the rest: one hash or signature holds them all."""

    def chosen(end: int, begin: int = 0) -> range:
        return range(begin, end, 1 if end - begin <= SMALL_BYTES else request.param)

    return chosen


@pytest.fixture(scope="module", params=["plain", "encrypted and stamped"])
def data(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> DataDir:
    """One small signed record with its row and chain."""
    data = DataDir(tmp_path_factory.mktemp("var"))
    signer, is_plain = KeyFolder(data.keys).create(), request.param == "plain"
    if not is_plain:
        EncryptionKeyFolder(data.keys).create()
    vault = open_vault(data, data.keys)
    with vault.draft(ID) as draft:
        (draft / "clip.mp4").write_bytes(b"packets")
        (draft / "first.jpg").write_bytes(b"picture")
        roles = {"clip.mp4": "clip", "first.jpg": "snapshot"}
        story = {"rule": {"threshold_s": 4.0}, "pts": 2**60, "history": [{"zh": "请离开"}]}
        sealed = vault.seal(draft, a_record(), roles, story, signer)
    chain = CustodyChain(data.custody, signer)
    note_sealed(chain, vault.folder_of(ID), "ofc-1")
    if not is_plain:
        with serving(make_authority(tmp_path_factory.mktemp("tsa"))) as authority:
            settings = TimeStamping(url=authority.url, ca_file="ca.pem", timeout_s=30)
            asked = open_authority(settings, authority.folder, data)
            stamp_waiting(StampBook(chain), asked, authority.url)
    EvidenceTable.open(data.lancedb).put([sealed])
    for path in (*vault.folder_of(ID).iterdir(), data.custody):
        path.chmod(0o644)
    return data


@pytest.fixture(scope="module")
def row(data: DataDir) -> EvidenceRecord:
    """Read the record's row once: to open the table costs more than a check."""
    return row_of(data)


def row_of(data: DataDir) -> EvidenceRecord:
    record = EvidenceTable.open(data.lancedb).get(ID)
    assert record is not None
    return record


def problems(data: DataDir, row: EvidenceRecord) -> list[str]:
    verifier = Verifier.open(data, data.keys)
    return [*verifier.problems, *verifier.problems_of(row)]


def stored(data: DataDir, name: str) -> Path:
    """Return where a file's bytes lie."""
    return open_vault(data, data.keys).path_of(ID, name)


@contextmanager
def flipped(path: Path, position: int, bit: int) -> Iterator[None]:
    """Flip one bit of a file while the context lasts."""
    content = path.read_bytes()
    changed = bytearray(content)
    changed[position] ^= 1 << bit
    path.write_bytes(changed)
    try:
        yield
    finally:
        path.write_bytes(content)


def test_untouched_it_verifies(data: DataDir) -> None:
    assert problems(data, row_of(data)) == []
    names = [each.name.removesuffix(".enc") for each in (data.evidence / ID).iterdir()]
    assert sorted(names) == NAMES


@pytest.mark.parametrize("name", [each for each in NAMES if each not in LARGER])
def test_every_byte_of_a_small_file(data: DataDir, name: str, places: Callable[..., range]) -> None:
    path, row = stored(data, name), row_of(data)
    for position in places(path.stat().st_size):
        with flipped(path, position, position % 8):
            assert any(f"{ID}/{name}: " in each for each in problems(data, row)), position


@pytest.mark.parametrize("name", LARGER)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_byte_of_a_larger_file(
    data: DataDir, row: EvidenceRecord, name: str, where: float, bit: int
) -> None:
    path = stored(data, name)
    with flipped(path, int(where * path.stat().st_size), bit):
        assert any(f"{ID}/{name}: " in each for each in problems(data, row))


def test_every_byte_of_the_chain(data: DataDir, places: Callable[..., range]) -> None:
    row, first = row_of(data), len(data.custody.read_bytes().splitlines(keepends=True)[0])
    for position in (*places(first), *places(data.custody.stat().st_size, first)):
        with flipped(data.custody, position, position % 8):
            entry = 1 if position < first else 2
            assert f"custody.jsonl, entry {entry}" in problems(data, row)[0], position


def test_every_byte_of_the_public_key(data: DataDir, places: Callable[..., range]) -> None:
    row = row_of(data)
    (path,) = (data.keys / "public").iterdir()
    for position in places(path.stat().st_size):
        with flipped(path, position, position % 8):
            assert any(path.name in each for each in problems(data, row)), position


def test_every_byte_of_an_authority_s_certificate(
    data: DataDir, places: Callable[..., range]
) -> None:
    row = row_of(data)
    for path in (data.keys / "time-stamping").glob("*.pem"):
        for position in places(path.stat().st_size):
            with flipped(path, position, position % 8):
                assert any(path.name in each for each in problems(data, row)), position


def test_every_digit_of_the_encryption_key(data: DataDir) -> None:
    row = row_of(data)
    for path in data.keys.glob("encryption.key"):
        for position in range(64):
            with flipped(path, position, 0):
                try:
                    told = " ".join(problems(data, row))
                except Stop as error:  # it is no key any more
                    told = str(error)
            assert f"{ID}/clip.mp4" in told or str(path) in told


@pytest.mark.parametrize("name", [each.name for each in fields(EvidenceRecord)][1:])
def test_every_value_of_the_row(data: DataDir, name: str, tmp_path: Path) -> None:
    row = row_of(data)
    changed = replace(row, **{name: other_than(getattr(row, name))})
    table = EvidenceTable.open(tmp_path / "lancedb")
    table.put([changed])  # through the table, which may not lose the change
    read = table.get(ID)
    assert read is not None
    assert any(f"{ID}: {name} differs" in each for each in problems(data, read))


def other_than(value: Any) -> Any:
    """Return the nearest other value that the table can hold."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return float(np.nextafter(value, np.inf))
        case str():
            return value[:-1] + chr(ord(value[-1]) ^ 1)
        case datetime():
            return value + timedelta(microseconds=1)
        case np.ndarray():
            other = value.copy()
            other[len(value) // 2] = np.nextafter(other[len(value) // 2], np.float32(1))
            return other
        case (str(), *_):
            return (value[0] + " ", *value[1:])
        case _:
            first = value[0].model_copy(update={"size_bytes": value[0].size_bytes + 1})
            return (first, *value[1:])


def test_a_record_made_anew_by_somebody_without_the_key_is_found_out(
    data: DataDir, tmp_path: Path
) -> None:
    copy, forger = DataDir(tmp_path / "copy"), KeyFolder(tmp_path / "forger").create()
    shutil.copytree(data.root, copy.root)
    shutil.rmtree(copy.evidence / ID)
    row, vault = row_of(data), Vault(copy.evidence)
    with vault.draft(ID) as draft:
        (draft / "clip.mp4").write_bytes(b"another")
        forged = vault.seal(draft, replace(row, files=()), {"clip.mp4": "clip"}, {}, forger)
    found = problems(copy, forged)
    assert any("manifest.sig: is signed by an unknown key" in each for each in found)
    assert any("manifest.json: is not the one that was sealed" in each for each in found)
    KeyFolder(copy.keys).publish(forger)  # even with the forger's key slipped in
    assert any("says the custody chain" in each for each in problems(copy, forged))


def test_a_record_that_is_gone_with_its_row_or_slipped_in_is_named(
    data: DataDir, tmp_path: Path
) -> None:
    copy = DataDir(tmp_path / "copy")
    shutil.copytree(data.root, copy.root)
    shutil.rmtree(copy.evidence / ID)
    assert ID in Verifier.open(copy).vanished([])[0]
    shutil.copytree(data.evidence / ID, copy.evidence / ID)
    copy.custody.unlink()
    assert f"{ID}: the custody chain does not tell of its sealing" in problems(copy, row_of(copy))
