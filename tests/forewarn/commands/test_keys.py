from __future__ import annotations

import json
from pathlib import Path

import pytest
from sealed_record import EVIDENCE_ID, a_record
from typer import Typer
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from evidence_store.custody.chain import CustodyChain
from evidence_store.custody.chain_check import check_chain
from evidence_store.custody.signing_key import keys_of
from evidence_store.keys.encryption_keys import KEY_VARIABLE, new_key
from evidence_store.keys.signing_keys import PASSPHRASE_VARIABLE, KeyFolder
from evidence_store.vault.open_vault import key_id_on_chain, open_sealing_vault
from evidence_store.vault.vault import Vault
from forewarn.commands.keys import signing as keys

APP = Typer()
APP.add_typer(keys.app, name="keys")


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


def run(data: DataDir, *words: str, passphrase: str = "") -> Result:
    return CliRunner().invoke(
        APP,
        ["keys", *words, "--data", str(data.root)],
        env={PASSPHRASE_VARIABLE: passphrase, "FOREWARN_KEYS": None},
    )


def printed(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_key_from_the_environment_is_turned_off_there(
    data: DataDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, old = new_key(), new_key()
    monkeypatch.setenv(KEY_VARIABLE, f"{key.secret.hex()} {old.secret.hex()}")
    printed(run(data, "create", "--json"))
    chain = CustodyChain(data.custody, KeyFolder(data.keys).signer())
    assert open_sealing_vault(data, None, chain).keys.current == key
    for command in (("off", "--reason", "the disk is encrypted"), ("create",), ("rotate",)):
        refused = str(run(data, "encryption", *command).exception)
        assert KEY_VARIABLE in refused and key.secret.hex() not in refused
    assert key_id_on_chain(chain) == key.key_id, "nothing was said to be off that is on"
    monkeypatch.setenv(KEY_VARIABLE, f"off {key.secret.hex()}")
    with pytest.raises(Stop, match="forewarn keys encryption off"):
        open_sealing_vault(data, None, chain)
    printed(run(data, "encryption", "off", "--reason", "the disk is encrypted", "--json"))
    keys_now = open_sealing_vault(data, None, chain).keys
    assert (keys_now.current, [*keys_now.retired]) == (None, [key.key_id])


def test_a_key_is_made_once(data: DataDir) -> None:
    (made,) = printed(run(data, "create", "--json"))
    assert made["created"] and len(str(made["key_id"])) == 64
    assert isinstance(run(data, "create").exception, Stop)
    (again,) = printed(run(data, "create", "--if-none", "--json"))
    assert (again["key_id"], again["created"]) == (made["key_id"], False)
    (shown,) = printed(run(data, "show", "--json"))
    assert shown["key_id"] == made["key_id"]
    assert str(shown["public_pem"]).startswith("-----BEGIN PUBLIC KEY-----")


def test_without_a_key_show_and_rotate_say_how_to_make_one(data: DataDir) -> None:
    for command in ("show", "rotate"):
        assert "forewarn keys create --data" in str(run(data, command).exception)
    assert printed(run(data, "list", "--json")) == []


def test_rotation_is_the_last_thing_that_the_old_key_signs(data: DataDir) -> None:
    (made,) = printed(run(data, "create", "--json"))
    (rotated,) = printed(run(data, "rotate", "--json"))
    assert rotated["before"] == made["key_id"] != rotated["key_id"]
    CustodyChain(data.custody, KeyFolder(data.keys).signer()).append("verified", "", {})
    report = check_chain(CustodyChain(data.custody), keys_of(data))
    assert (report.entries, report.problems) == (3, [])
    signers = [json.loads(line)["key_id"] for line in data.custody.read_text().splitlines()]
    assert signers == [made["key_id"], made["key_id"], rotated["key_id"]]
    listed = printed(run(data, "list", "--json"))
    assert [(each["key_id"], each["signs_now"]) for each in listed] == [
        (made["key_id"], False),
        (rotated["key_id"], True),
    ]
    assert all(each["since"] for each in listed)


def test_a_locked_key_needs_its_passphrase_for_each_command(data: DataDir) -> None:
    printed(run(data, "create", "--json", passphrase="a long one"))
    assert PASSPHRASE_VARIABLE in str(run(data, "show").exception)
    printed(run(data, "show", "--json", passphrase="a long one"))
    (listed,) = printed(run(data, "list", "--json"))
    assert listed["signs_now"] is False, "without the passphrase nobody can say"


def test_one_key_may_sign_for_several_data_folders(tmp_path: Path) -> None:
    token, one, two = tmp_path / "token", DataDir(tmp_path / "one"), DataDir(tmp_path / "two")
    (made,) = printed(run(one, "create", "--keys", str(token), "--json"))
    (again,) = printed(run(two, "create", "--if-none", "--keys", str(token), "--json"))
    assert again["key_id"] == made["key_id"]
    assert list(keys_of(one)) == list(keys_of(two)) == [made["key_id"]]
    assert not (one.keys / "site-key.pem").exists()


def test_a_new_site_encrypts_and_an_older_one_may_begin_to(data: DataDir, tmp_path: Path) -> None:
    (made,) = printed(run(data, "create", "--json"))
    (shown,) = printed(run(data, "encryption", "show", "--json"))
    assert shown["in_force"] == made["encryption_key_id"] and shown["plain_originals"] == 0
    plain = DataDir(tmp_path / "older")
    (without,) = printed(run(plain, "create", "--no-encryption", "--json"))
    assert without["encryption_key_id"] is None
    seal_plain(plain)
    (begun,) = printed(run(plain, "encryption", "create", "--json"))
    assert printed(run(plain, "encryption", "show", "--json"))[0]["plain_originals"] == 2
    assert printed(run(plain, "encryption", "apply", "--json"))[0]["files"] == 2
    (rotated,) = printed(run(plain, "encryption", "rotate", "--json"))
    (applied,) = printed(run(plain, "encryption", "apply", "--forget", "--json"))
    assert applied == {
        "files": 2,
        "problems": [],
        "forgotten": [begun["encryption_key_id"]],
    }
    (shown,) = printed(run(plain, "encryption", "show", "--json"))
    assert shown["files"] == {rotated["encryption_key_id"]: 2} and shown["retired"] == []


def test_shared_keys_are_forgotten_only_by_who_says_that_nobody_else_needs_them(
    data: DataDir, tmp_path: Path
) -> None:
    token = ("--keys", str(tmp_path / "token"))
    (made,) = printed(run(data, "create", "--json", *token))
    printed(run(data, "encryption", "rotate", "--json", *token))
    refused = run(data, "encryption", "apply", "--forget", *token)
    assert isinstance(refused.exception, Stop) and "--no-other-data" in str(refused.exception)
    words = ("encryption", "apply", "--forget", "--no-other-data", "--json", *token)
    assert printed(run(data, *words))[0]["forgotten"] == [made["encryption_key_id"]]


def test_encryption_ends_with_a_reason_only(data: DataDir) -> None:
    printed(run(data, "create", "--json"))
    assert run(data, "encryption", "off").exit_code == 2
    assert isinstance(run(data, "encryption", "off", "--reason", " ").exception, PutAside)
    printed(run(data, "encryption", "off", "--reason", "the disk is encrypted", "--json"))
    (shown,) = printed(run(data, "encryption", "show", "--json"))
    assert shown["in_force"] == "" and len(list(shown["retired"])) == 1
    last = json.loads(data.custody.read_text().splitlines()[-1])
    assert (last["kind"], last["details"]) == (
        "encryption off",
        {"reason": "the disk is encrypted"},
    )


def seal_plain(data: DataDir) -> None:
    vault = Vault(data.evidence)
    with vault.draft(EVIDENCE_ID) as draft:
        (draft / "clip.mp4").write_bytes(b"packets")
        vault.seal(draft, a_record(), {"clip.mp4": "clip"}, {})
