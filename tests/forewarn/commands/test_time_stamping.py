"""A site whose authority cannot be asked, or not be checked, hears of it before it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml_site
from sealed_record import EVIDENCE_ID, a_record
from time_stamping import make_authority, serving
from typer import Typer
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from domain.errors import Stop, TryAgain
from domain.site.loading import SiteFileError
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault
from forewarn.commands.evidence import group as evidence
from forewarn.terminal.checked_site import load_checked_site

APP = Typer()
APP.add_typer(evidence.app, name="evidence")


def run(*words: object) -> Result:
    return CliRunner().invoke(APP, [*map(str, words)], env={"FOREWARN_KEYS": None})


def site_file(folder: Path, url: str, ca_file: str = "ca.pem") -> Path:
    path = yaml_site.write(folder / "site.yaml", {"gate": "gate.mp4"})
    site_values = json.loads(path.read_text()) | {"time_stamping": {"url": url, "ca_file": ca_file}}
    path.write_text(json.dumps(site_values, indent=1))
    return path


def test_certificates_that_cannot_be_read_are_a_fault_of_the_site_file(tmp_path: Path) -> None:
    path = site_file(tmp_path, "https://stamps.example/tsa", "gone.pem")
    with pytest.raises(SiteFileError) as error:
        load_checked_site(path)
    (problem,) = error.value.problems
    assert "time_stamping.ca_file" in problem and "gone.pem" in problem


def test_what_was_sealed_without_is_stamped_by_hand_and_shown(tmp_path: Path) -> None:
    data = DataDir(tmp_path / "var")
    signer, vault = KeyFolder(data.keys).create(), Vault(data.evidence)
    with vault.draft(EVIDENCE_ID) as draft:
        record = vault.seal(draft, a_record(), {}, {}, signer)
    note_sealed(CustodyChain(data.custody, signer), vault.folder_of(EVIDENCE_ID), "ofc-1")
    EvidenceTable.open(data.lancedb).put([record])
    shown = run("evidence", "show", EVIDENCE_ID, "--data", data.root)
    assert "time stamp: none" in shown.output
    with serving(make_authority(tmp_path)) as authority:
        path = site_file(tmp_path, authority.url)
        done = run("evidence", "stamp", path, "--data", data.root, "--json")
        assert json.loads(done.stdout) == {"stamped": 1, "authority": authority.url}
        authority.is_down = True
        again = run("evidence", "stamp", path, "--data", data.root, "--json")
        assert json.loads(again.stdout)["stamped"] == 0, "nothing waits, so nobody is asked"
        note_sealed(CustodyChain(data.custody, signer), other(vault, signer), "ofc-2")
        away = run("evidence", "stamp", path, "--data", data.root)
        assert isinstance(away.exception, TryAgain) and "gave no answer" in str(away.exception)
    printed = json.loads(run("evidence", "show", EVIDENCE_ID, "--data", data.root, "--json").stdout)
    assert printed["stamped_by"] == "CN=Test Stamping"
    (verified,) = [
        json.loads(line)
        for line in run(
            "evidence", "verify", EVIDENCE_ID, "--data", data.root, "--json"
        ).stdout.splitlines()
    ]
    assert (verified["stamped"], verified["problems"]) == (1, [])
    without = yaml_site.write(tmp_path / "without.yaml", {"gate": "gate.mp4"})
    refused = run("evidence", "stamp", without, "--data", data.root)
    assert isinstance(refused.exception, Stop) and "names no time-stamping" in str(
        refused.exception
    )


def other(vault: Vault, signer: object) -> Path:
    evidence_id = "evd-00000000000000bb"
    with vault.draft(evidence_id) as draft:
        vault.seal(draft, a_record(evidence_id), {}, {}, signer)  # type: ignore[arg-type]
    return vault.folder_of(evidence_id)
