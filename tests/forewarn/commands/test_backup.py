from __future__ import annotations

import json
from pathlib import Path

import pytest
from sealed_record import EVIDENCE_ID, a_record
from typer import Typer
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from domain.errors import PutAside
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault
from forewarn.commands import backup
from forewarn.commands.evidence import group as evidence

APP = Typer()
APP.add_typer(backup.app, name="backup")
APP.add_typer(evidence.app, name="evidence")


def run(*words: object) -> Result:
    return CliRunner().invoke(APP, [*map(str, words)], env={"FOREWARN_KEYS": None})


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path / "var")
    signer, vault = KeyFolder(made.keys).create(), Vault(made.evidence)
    with vault.draft(EVIDENCE_ID) as draft:
        (draft / "clip.mp4").write_bytes(b"packets")
        record = vault.seal(draft, a_record(), {"clip.mp4": "clip"}, {}, signer)
    note_sealed(CustodyChain(made.custody, signer), vault.folder_of(EVIDENCE_ID), "ofc-1")
    EvidenceTable.open(made.lancedb).put([record])
    return made


def test_a_backup_is_made_listed_verified_restored_and_pruned(
    data: DataDir, tmp_path: Path
) -> None:
    place = tmp_path / "safe"
    for _ in range(2):
        (made,) = printed(run("backup", "create", place, "--data", data.root, "--json"))
        assert (made["records"], made["missing"]) == (1, [])
    assert [each["name"] for each in printed(run("backup", "list", place, "--json"))][-1] == made[
        "name"
    ]
    (checked,) = printed(run("backup", "verify", place, "--data", data.root, "--json"))
    assert (checked["backup"], checked["problems"]) == (made["name"], [])
    new, keys = tmp_path / "new", data.keys
    (restored,) = printed(run("backup", "restore", place, "--data", new, "--keys", keys, "--json"))
    assert (restored["records"], restored["problems"], restored["remarks"]) == (1, [], [])
    last = json.loads(DataDir(new).custody.read_bytes().splitlines()[-1])
    assert last["kind"] == "restored" and last["details"]["backup"] == made["name"]
    (sound,) = printed(run("evidence", "verify", "--data", new, "--json"))
    assert (sound["records"], sound["problems"]) == (1, [])
    (pruned,) = printed(run("backup", "prune", place, "--keep", 1, "--json"))
    assert pruned["kept"] == [made["name"]] and len(pruned["deleted"]) == 1
    spoken = run("backup", "verify", place)
    assert spoken.exit_code == 0 and "is as it was made: 1 records" in spoken.output


def test_a_damaged_backup_ends_with_1_and_names_the_file(data: DataDir, tmp_path: Path) -> None:
    place = tmp_path / "safe"
    run("backup", "create", place, "--data", data.root)
    for path in (place / "objects").rglob("*"):
        if path.is_file() and path.read_bytes() == b"packets":
            path.write_bytes(b"packetz")
    damaged = run("backup", "verify", place)
    assert damaged.exit_code == 1 and f"evidence/{EVIDENCE_ID}/clip.mp4" in damaged.output
    refused = run("backup", "restore", place, "--data", tmp_path / "new")
    assert isinstance(refused.exception, PutAside) and not (tmp_path / "new").exists()


def test_what_is_no_backup_or_no_data_folder_is_said_so(data: DataDir, tmp_path: Path) -> None:
    assert isinstance(run("backup", "verify", tmp_path).exception, PutAside)
    gone = run("backup", "create", tmp_path / "safe", "--data", tmp_path / "none")
    assert isinstance(gone.exception, PutAside) and "no such data folder" in str(gone.exception)


def printed(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output + str(result.exception)
    return [json.loads(line) for line in result.stdout.splitlines()]
