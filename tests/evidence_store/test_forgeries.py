"""Whoever can write the data folder, and has no key of the site, makes nothing that verifies or is exported."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.custody.signing_key import open_chain
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.keys.signature_file import sign_file
from evidence_store.keys.signing_keys import KeyFolder, Signer, new_signer, public_pem
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.manifest import MANIFEST_NAME, SIGNATURE_NAME
from evidence_store.vault.vault import Vault
from evidence_store.verify_data_folder import Verifier
from forewarn.commands.evidence import group as evidence


class Site:
    """A data folder with one record, whose keys lie elsewhere."""

    def __init__(self, root: Path) -> None:
        self.data, self.key_folder = DataDir(root / "var"), root / "keys"
        self.signer = KeyFolder(self.key_folder).create()
        KeyFolder(self.data.keys).publish(self.signer)
        self.vault = Vault(self.data.evidence)
        with self.vault.draft(ID) as draft:
            (draft / "clip.mp4").write_bytes(b"packets")
            (draft / "first.masked.jpg").write_bytes(b"picture")
            roles = {"clip.mp4": "clip", "first.masked.jpg": "masked snapshot"}
            self.vault.seal(draft, a_record(), roles, {"history": []}, self.signer)
        self.folder = self.vault.folder_of(ID)
        chain = CustodyChain(self.data.custody, self.signer)
        chain.append("key created", "", {"new_key_id": self.signer.key_id})
        note_sealed(chain, self.folder, "ofc-1")
        self.renew_row()

    def renew_row(self) -> None:
        shutil.rmtree(self.data.lancedb, ignore_errors=True)
        record = self.vault.read(ID)
        assert record is not None
        EvidenceTable.open(self.data.lancedb).put([record])

    def problems(self, *anchors: str, keys: Path | None = None) -> list[str]:
        verifier = Verifier.open(self.data, keys or self.data.keys, anchors)
        record = EvidenceTable.open(self.data.lancedb).get(ID)
        assert record is not None
        return [*verifier.problems, *verifier.problems_of(record)]

    def change_picture(self, signer: Signer | None) -> None:
        """Put another picture, and make numbers and manifest fit, signed by somebody else or by nobody."""
        for path in (self.folder, *self.folder.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
        numbers, manifest = self.folder / "numbers.json", self.folder / MANIFEST_NAME
        (self.folder / "first.masked.jpg").write_bytes(b"another")
        before, after = (hashlib.sha256(each).hexdigest() for each in (b"picture", b"another"))
        numbers.write_text(numbers.read_text().replace(before, after))
        told = from_canonical(manifest.read_bytes())
        told["signed_by"] = signer.key_id if signer else "none"
        for file in told["files"]:
            path = self.folder / file["name"]
            file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
            file["size_bytes"] = path.stat().st_size
        content = to_canonical(told)
        manifest.write_bytes(content)
        (self.folder / SIGNATURE_NAME).unlink()
        if signer:
            (self.folder / SIGNATURE_NAME).write_bytes(sign_file(signer, MANIFEST_NAME, content))

    def rewrite_chain(self, signer: Signer | None, *, keep: int) -> None:
        """Write all entries behind the first `keep` anew, with the new manifest, by another key."""
        lines = self.data.custody.read_bytes().splitlines(keepends=True)
        self.data.custody.write_bytes(b"".join(lines[:keep]))
        for line in lines[keep:]:
            entry = json.loads(line)
            details = entry["details"]
            if entry["kind"] == "sealed":
                manifest = (self.folder / MANIFEST_NAME).read_bytes()
                details["manifest_sha256"] = hashlib.sha256(manifest).hexdigest()
            chain = CustodyChain(self.data.custody, signer)
            chain.append(entry["kind"], entry["evidence_id"], details)

    def drop_key(self, signer: Signer) -> None:
        path = self.data.keys / "public" / f"{signer.key_id}.pem"
        path.write_bytes(public_pem(signer.private.public_key()))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    assert made.problems() == made.problems(made.signer.key_id) == []
    return made


def foreign_key(site: Site) -> None:
    """Write the chain anew from the sealing on, with a key dropped into the data folder."""
    stranger = new_signer()
    site.drop_key(stranger)
    site.change_picture(stranger)
    site.rewrite_chain(stranger, keep=1)


def foreign_chain(site: Site) -> Signer:
    """Write all of the chain anew."""
    stranger = new_signer()
    site.drop_key(stranger)
    site.change_picture(stranger)
    site.rewrite_chain(stranger, keep=0)
    return stranger


def foreign_chain_that_names_the_site(site: Site) -> None:
    stranger = foreign_chain(site)
    named = {"new_key_id": site.signer.key_id}
    CustodyChain(site.data.custody, stranger).append("key rotated", "", named)


def stripped(site: Site) -> None:
    """Take all signatures away."""
    site.change_picture(None)
    site.rewrite_chain(None, keep=0)


def stripped_and_gone_on_with(site: Site) -> None:
    """Take all signatures away, and wait for the site's own next entry."""
    stripped(site)
    CustodyChain(site.data.custody, site.signer).append("viewed", ID, {"reason": "", "files": []})


def stripped_manifest(site: Site) -> None:
    site.change_picture(None)


def sealed_once_more(site: Site) -> None:
    """Put a second sealing behind the first, as a program that believes what lies there would."""
    stranger = new_signer()
    site.drop_key(stranger)
    site.change_picture(stranger)
    manifest = hashlib.sha256((site.folder / MANIFEST_NAME).read_bytes()).hexdigest()
    chain = CustodyChain(site.data.custody, site.signer)
    chain.append("sealed", ID, {"manifest_sha256": manifest, "offence_id": "ofc-1"})


# what does it, and the words by which it is told what was touched
FORGERIES: list[tuple[Callable[[Site], object], str]] = [
    (foreign_key, "custody.jsonl, entry 2: is signed by key"),
    (foreign_chain, "custody.jsonl: has no entry signed by"),
    (foreign_chain_that_names_the_site, "custody.jsonl: has no entry signed by"),
    (stripped, "custody.jsonl: is not signed, though this site has a key"),
    (stripped_and_gone_on_with, "custody.jsonl, entry 3: is the first that is signed"),
    (stripped_manifest, f"{ID}/manifest.json: "),
    (sealed_once_more, f"{ID}: custody entry 3 seals it once more"),
]


def by_name(value: object) -> str | None:
    return getattr(value, "__name__", "")


def run(site: Site, *words: str) -> Result:
    where = ("--data", str(site.data.root), "--keys", str(site.key_folder))
    return CliRunner().invoke(evidence.app, [*words, *where], env={"COLUMNS": "200"})


@pytest.mark.parametrize(("forge", "told"), FORGERIES, ids=by_name)
def test_no_forgery_verifies_where_the_key_is_pinned(
    site: Site, forge: Callable[[Site], object], told: str
) -> None:
    forge(site)
    site.renew_row()
    assert any(told in each for each in site.problems(site.signer.key_id))
    assert any(told in each for each in site.problems(keys=site.key_folder))


@pytest.mark.parametrize(("forge", "told"), FORGERIES, ids=by_name)
def test_no_forgery_passes_a_command_and_it_says_what_was_touched(
    site: Site, forge: Callable[[Site], object], told: str, tmp_path: Path
) -> None:
    forge(site)
    site.renew_row()
    verified = run(site, "verify", "--fingerprint", site.signer.key_id, "--json")
    assert verified.exit_code == 1
    assert any(told in each for each in json.loads(verified.stdout.splitlines()[-1])["problems"])
    exported = run(site, "export", ID, "--to", str(tmp_path / "out.zip"))
    assert isinstance(exported.exception, PutAside | Stop) and not (tmp_path / "out.zip").exists()
    touched = told.partition(":")[0].partition(",")[0]
    assert touched in str(exported.exception)


def test_a_site_whose_keys_lie_in_the_data_folder_goes_on_with_no_stranger_that_names_it(
    site: Site,
) -> None:
    """Else its own next entry would vouch, by its link, for all that the stranger wrote."""
    shutil.copytree(site.key_folder, site.data.keys, dirs_exist_ok=True)
    running = open_chain(site.data)
    foreign_chain_that_names_the_site(site)
    with pytest.raises(Stop, match="that it followed such a key"):
        open_chain(site.data)
    with pytest.raises(Stop, match="none of this site's keys"):
        running.append("viewed", ID, {"reason": "", "files": []})
    assert site.problems(site.signer.key_id)


def test_a_chain_written_anew_is_not_found_without_a_pin_and_verify_says_that_there_is_none(
    site: Site,
) -> None:
    foreign_chain(site)
    site.renew_row()
    assert site.problems() == []
    assert not Verifier.open(site.data, site.data.keys).anchors


@pytest.mark.parametrize("forge", [foreign_key, stripped, stripped_manifest, sealed_once_more])
def test_most_forgeries_are_found_without_a_pin(
    site: Site, forge: Callable[[Site], object]
) -> None:
    forge(site)
    site.renew_row()
    assert site.problems()


def test_a_folder_that_became_a_link_is_named(site: Site) -> None:
    elsewhere = site.folder.with_name("elsewhere")
    site.folder.rename(elsewhere)
    site.folder.symlink_to(elsewhere)
    assert any("is a link" in each for each in site.problems())


def change_numbers(site: Site, change: Callable[[dict[str, Any]], None]) -> None:
    site.folder.chmod(0o755)
    path = site.folder / "numbers.json"
    path.chmod(0o644)
    numbers = json.loads(path.read_text())
    change(numbers)
    path.write_text(json.dumps(numbers))


def test_a_file_name_that_no_record_has_is_told_and_hides_nothing(site: Site) -> None:
    verifier = Verifier.open(site.data, site.key_folder)
    for name in ("../../keys/site-key.pem", "a\0b", "x" * 5000, ""):
        change_numbers(site, lambda numbers, name=name: numbers["files"][0].update(name=name))
        problems = verifier.problems_of_id(ID, None)
        assert any("cannot be looked for" in each for each in problems), name
        assert any("manifest.json: its files" in each for each in problems), name


def test_numbers_of_another_record_do_not_stand_for_this_one(site: Site) -> None:
    shutil.copytree(site.folder, site.folder.with_name("evd-00000000000000bb"))
    verifier = Verifier.open(site.data, site.key_folder)
    for other in ("evd-00000000000000bb", None, 7, []):
        change_numbers(
            site, lambda numbers, other=other: numbers["record"].update(evidence_id=other)
        )
        assert verifier.problems_of_id(ID, None) == [f"{ID}: numbers.json cannot be read"]


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def test_pipes_and_links_that_lead_nowhere_are_told(site: Site) -> None:
    record = EvidenceTable.open(site.data.lancedb).get(ID)
    assert record is not None
    names = ("manifest.json", "manifest.sig", "clip.mp4", "numbers.json", "vectors.json", "added")
    places = [site.data.custody, *(site.folder / name for name in names)]
    places += [site.data.keys / "public/aa.pem", site.data.keys / "time-stamping/aa.pem"]
    site.folder.chmod(0o755)
    for place, make in itertools.product(places, (os.mkfifo, link_to_itself, Path.touch)):
        place.parent.mkdir(exist_ok=True)
        sound = place.read_bytes() if place.exists() else None
        place.unlink(missing_ok=True)
        make(place)
        try:
            verifier = Verifier.open(site.data, site.key_folder)
            told = [*verifier.problems, *verifier.problems_of(record)]
        except TryAgain as error:
            told = [str(error)]
        assert told, (place, make)
        place.unlink()
        if sound is not None:
            place.write_bytes(sound)
    assert site.problems() == []


def test_a_record_that_is_a_link_to_itself_is_told(site: Site) -> None:
    shutil.rmtree(site.folder)
    site.folder.symlink_to(site.folder.name)
    assert any(ID in each for each in site.problems())
