"""Which keys may sign a chain: the first, and whoever the one in force names."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.data_dir import DataDir
from domain.errors import Stop
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.chain_check import check_chain
from evidence_store.custody.signing_key import keys_of, open_chain, open_sealing_chain
from evidence_store.keys.keys_before import keys_before, note_keys_before
from evidence_store.keys.signature_file import sign_file
from evidence_store.keys.signing_keys import KeyFolder, PublicKeys, Signer, new_signer, public_pem


def keys_with(*signers: Signer) -> PublicKeys:
    return {each.key_id: each.private.public_key() for each in signers}


def write(path: Path, *entries: tuple[Signer | None, str, dict[str, object]]) -> CustodyChain:
    for signer, kind, details in entries:
        CustodyChain(path, signer).append(kind, "", details)  # type: ignore[arg-type]
    return CustodyChain(path)


def rotate(data: DataDir, keys: KeyFolder) -> Signer:
    """Do what `forewarn keys rotate` does, for one data folder."""
    old, new = keys.signer(), new_signer()
    KeyFolder(data.keys).publish(new)
    open_chain(data, keys.folder).append("key rotated", "", {"new_key_id": new.key_id})
    pem = public_pem(new.private.public_key())
    keys.replace(new, sign_file(old, f"{new.key_id}.pem", pem))
    return new


def test_a_key_that_nobody_named_does_not_count(tmp_path: Path) -> None:
    site, stranger = new_signer(), new_signer()
    chain = write(tmp_path / "c", (site, "verified", {}), (stranger, "verified", {}))
    report = check_chain(chain, keys_with(site, stranger))
    assert report.counted_keys == {site.key_id}
    assert len(report.problems) == 1 and "entry 2: " in report.problems[0]
    assert "no key before it named" in report.problems[0]


def test_a_named_key_counts_and_then_the_one_before_does_not(tmp_path: Path) -> None:
    old, new = new_signer(), new_signer()
    named: dict[str, object] = {"new_key_id": new.key_id}
    entries = [(old, "verified", {}), (old, "key rotated", named), (old, "verified", {})]
    keys = keys_with(old, new)
    chain = write(tmp_path / "c", *entries, (new, "verified", {}))
    assert check_chain(chain, keys).problems == []
    assert check_chain(chain, keys).counted_keys == {old.key_id, new.key_id}
    write(tmp_path / "c", (old, "verified", {}))
    assert "entry 5: " in check_chain(chain, keys).problems[0]
    assert f"which {new.key_id[:16]}… replaced" in check_chain(chain, keys).problems[0]


def test_a_chain_written_anew_by_a_stranger_is_found_by_the_anchor_alone(tmp_path: Path) -> None:
    site, stranger = new_signer(), new_signer()
    chain = write(tmp_path / "c", (stranger, "verified", {}))
    keys = keys_with(site, stranger)
    assert check_chain(chain, keys).problems == []
    (problem,) = check_chain(chain, keys, [site.key_id]).problems
    assert "was written anew" in problem
    assert check_chain(chain, keys, [site.key_id, stranger.key_id]).problems == []


def test_a_stranger_cannot_name_the_sites_key_and_be_vouched_for_by_it(tmp_path: Path) -> None:
    data, keys, stranger = DataDir(tmp_path / "var"), KeyFolder(tmp_path / "keys"), new_signer()
    site = keys.create()
    KeyFolder(data.keys).publish(stranger)
    write(data.custody, (stranger, "key rotated", {"new_key_id": site.key_id}))
    for open_it in (
        lambda: open_chain(data, keys.folder),
        lambda: open_sealing_chain(data, keys.folder, unsealed=False),
    ):
        with pytest.raises(Stop, match="has never had such a key"):
            open_it()


def test_keys_in_the_data_folder_count_where_the_one_that_signs_says_that_it_followed_them(
    tmp_path: Path,
) -> None:
    data = DataDir(tmp_path)
    keys, stranger = KeyFolder(data.keys), new_signer()
    old = keys.create()
    new = rotate(data, keys)
    place = keys.folder / "public" / f"{new.key_id}.keys-before"
    for written, told in (
        (lambda: None, False),
        (lambda: note_keys_before(keys, new, [old.key_id]), True),
        (lambda: place.write_bytes(place.read_bytes().replace(b"forewarn", b"forewars")), False),
        (lambda: place.write_bytes(b"[]"), False),
        (lambda: note_keys_before(keys, new, [stranger.key_id]), False),
    ):
        written()
        assert (old.key_id in keys_before(keys, new)) is told
        if told:
            open_chain(data)
        else:
            with pytest.raises(Stop, match="that it followed such a key"):
                open_chain(data)
    place.unlink()
    note_keys_before(keys, stranger, [old.key_id])
    (keys.folder / "public" / f"{stranger.key_id}.keys-before").rename(place)
    assert keys_before(keys, new) == frozenset(), "another's word"


def test_an_unsigned_chain_is_a_fault_where_there_is_a_key(tmp_path: Path) -> None:
    signer = new_signer()
    chain = write(tmp_path / "c", (None, "verified", {}))
    assert check_chain(chain, {}).problems == []
    assert "is not signed" in check_chain(chain, keys_with(signer)).problems[0]
    assert "was written anew" in check_chain(chain, {}, [signer.key_id]).problems[0]
    # what lies before the first key is vouched for by the link
    write(tmp_path / "c", (signer, "key created", {}))
    assert check_chain(chain, keys_with(signer), [signer.key_id]).problems == []


def test_data_folders_that_share_keys_learn_of_a_rotation(tmp_path: Path) -> None:
    north, south, keys = DataDir(tmp_path / "n"), DataDir(tmp_path / "s"), KeyFolder(tmp_path / "k")
    first = keys.create()
    for data in (north, south):
        open_chain(data, keys.folder).append("verified", "", {})
    rotate(north, keys)
    last = rotate(north, keys)
    open_chain(south, keys.folder).append("verified", "", {})
    for data in (north, south):
        open_chain(data, keys.folder).append("verified", "", {})
        report = check_chain(CustodyChain(data.custody), keys_of(data), [first.key_id])
        assert report.problems == [] and last.key_id in report.counted_keys


def test_a_forged_statement_names_nobody(tmp_path: Path) -> None:
    data, keys = DataDir(tmp_path / "d"), KeyFolder(tmp_path / "k")
    keys.create()
    open_chain(data, keys.folder).append("verified", "", {})
    stranger = new_signer()
    pem = public_pem(stranger.private.public_key())
    statement = sign_file(stranger, f"{stranger.key_id}.pem", pem)
    keys.replace(stranger, statement)
    with pytest.raises(Stop, match="was not named by"):
        open_chain(data, keys.folder)
