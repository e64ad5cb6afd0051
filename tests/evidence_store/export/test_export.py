"""An export is checked in another folder by the single-file verifier, run as an outsider would."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sealed_record import a_record

from domain.access.decisions import NotAllowed
from domain.access.people_file import PeopleFile
from domain.access.permissions import Permission
from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.evidence import EvidenceRecord
from evidence_store.access.gate import Gate
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.export.archive import VERIFIER_FILE
from evidence_store.export.export import Exporter
from evidence_store.export.summary_pdf import write_summaries
from evidence_store.keys.signing_keys import KeyFolder, Signer, new_signer
from evidence_store.media.stills import encode_jpeg
from evidence_store.vault.manifest import SEAL_NAMES, write_seal
from evidence_store.vault.sealed_files import describe_file
from evidence_store.vault.vault import Vault
from tests.support.listed_people import by_role, list_people

pytestmark = pytest.mark.slow

WITHHELD = ["clip.mp4", "first.jpg", "vectors.json"]
Check = Callable[..., "subprocess.CompletedProcess[str]"]


class Site:
    """A data folder with one small record, sealed and signed."""

    def __init__(self, root: Path, signer: Signer | None) -> None:
        self.data = DataDir(root)
        self.vault = Vault(self.data.evidence)
        self.chain = CustodyChain(self.data.custody, signer)
        if signer:
            KeyFolder(self.data.keys).publish(signer)
        picture = encode_jpeg(np.full((8, 8, 3), 90, np.uint8))
        files = {"clip.mp4": "clip", "first.jpg": "snapshot", "first.masked.jpg": "masked snapshot"}
        text = {"zh": "请离开", "en": "Please leave"}
        warned = {
            "type": "forewarn.offence.warned.v1",
            "time": "2026-03-02T08:00:04+00:00",
            "data": {"text": text},
        }
        made = a_record()
        with self.vault.draft(made.evidence_id) as draft:
            for name in files:
                (draft / name).write_bytes(picture)
            self.record: EvidenceRecord = self.vault.seal(
                draft,
                replace(made, complete=True, missing=()),
                files,
                {"history": [warned]},
                signer,
            )
        self.folder = self.vault.folder_of(made.evidence_id)
        note_sealed(self.chain, self.folder, made.offence_id)

    def gate(self) -> Gate:
        return Gate(PeopleFile(self.data.people), lambda: self.chain)

    def exporter(self) -> Exporter:
        keys = KeyFolder(self.data.keys).public_keys()
        return Exporter(self.vault, self.chain, keys)


@pytest.fixture(scope="module")
def signer() -> Signer:
    return new_signer()


@pytest.fixture
def site(tmp_path: Path, signer: Signer) -> Site:
    return Site(tmp_path / "var", signer)


@pytest.fixture
def unpacked(site: Site, tmp_path: Path) -> Path:
    """Unpack a masked export elsewhere."""
    site.exporter().export(site.record, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    return tmp_path / "elsewhere" / site.record.evidence_id


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Run a copy of the verifier that can reach nothing of ours."""
    tool = tmp_path / "tool"
    tool.mkdir()
    shutil.copyfile(VERIFIER_FILE, tool / "verify_evidence.py")

    def run(*argv: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", str(tool / "verify_evidence.py"), *map(str, argv)]
        return subprocess.run(command, cwd=tool, capture_output=True, text=True, check=False)

    return run


@cache
def verifier() -> dict[str, Any]:
    """Return what the verifier defines; to compile it costs ten times what a check of this export does."""
    space: dict[str, Any] = {"__name__": "verify_evidence"}
    exec(compile(VERIFIER_FILE.read_text(), "verify_evidence.py", "exec"), space)
    return space


def faults_in(path: Path) -> list[str]:
    """Return the verifier's faults, by its own functions: thousands of checks need no thousand processes."""
    space = verifier()
    checker = space["Checker"](space["Export"](path))
    checker.check()
    return [fault.name for fault in checker.faults]


def test_an_export_verifies_elsewhere_as_zip_and_as_folder(
    site: Site, unpacked: Path, tmp_path: Path, check: Check, signer: Signer
) -> None:
    for path in (tmp_path / "out.zip", unpacked, unpacked.parent):
        done = check(path, "--fingerprint", signer.key_id, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        output = json.loads(done.stdout)
        assert output["withheld"] == WITHHELD and output["custody_entries"] == 2
    spoken = check(unpacked).stdout
    assert signer.key_id in spoken and "一致" in spoken and "the signatures hold" in spoken


def test_only_masked_copies_leave_unless_somebody_may_and_says_why(
    site: Site, tmp_path: Path
) -> None:
    assert site.exporter().export(site.record, tmp_path / "a.zip") == WITHHELD
    list_people(site.data)
    gate, officer = site.gate(), by_role(site.data, "officer")
    wanted = (Permission.EXPORT_UNMASKED, site.record.evidence_id)
    with pytest.raises(PutAside, match="reason"):
        gate.allow(officer, *wanted, " ")
    for grant in (
        gate.allow(officer, Permission.SEE_UNMASKED, site.record.evidence_id, "to look at"),
        gate.allow(officer, Permission.EXPORT_UNMASKED, "evd-0123456789abcdef", "another record"),
    ):
        with pytest.raises(NotAllowed):
            site.exporter().export(site.record, tmp_path / "b.zip", grant)
    assert not (tmp_path / "b.zip").exists()
    grant = gate.allow(officer, *wanted, "court order 4")
    assert site.exporter().export(site.record, tmp_path / "b.zip", grant) == []
    assert "/record/clip.mp4" not in "".join(zipfile.ZipFile(tmp_path / "a.zip").namelist())
    assert "/record/clip.mp4" in "".join(zipfile.ZipFile(tmp_path / "b.zip").namelist())
    details = [each["details"] for each in site.chain.about(site.record.evidence_id)][1:]
    assert [(each["masked"], each["reason"]) for each in details] == [
        (True, ""),
        (False, "court order 4"),
    ]
    with pytest.raises(PutAside, match="is there already"):
        site.exporter().export(site.record, tmp_path / "a.zip")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.zip", "b.zip", "var"]


def test_an_old_record_whose_numbers_hold_vectors_leaves_without_them(
    site: Site, tmp_path: Path, check: Check
) -> None:
    """Records were sealed so before vectors had a file of their own."""
    numbers = site.vault.folder_of(site.record.evidence_id) / "numbers.json"
    old = {**json.loads(numbers.read_bytes()), "vectors": {"embedding": "AAAAAA=="}}
    numbers.chmod(0o644)
    numbers.write_text(json.dumps(old))
    files = [file for file in site.record.files if file.name != numbers.name]
    record = replace(site.record, files=(*files, describe_file(numbers, "numbers")))
    for name in SEAL_NAMES:
        (site.folder / name).unlink()
    write_seal(
        site.folder, record, record.files, site.vault.story(record.evidence_id), site.chain.signer
    )
    site.chain.append("set aside", record.evidence_id, {})
    note_sealed(site.chain, site.folder, record.offence_id)
    left_out = site.exporter().export(record, tmp_path / "a.zip")
    assert left_out == sorted([*WITHHELD, "numbers.json"])
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert not [name for name in archive.namelist() if name.endswith("numbers.json")]
        assert all(b"AAAAAA==" not in archive.read(name) for name in archive.namelist())
    done = check(tmp_path / "a.zip")
    assert done.returncode == 0, done.stdout


def test_any_byte_of_any_exported_file_that_is_flipped_is_named(unpacked: Path) -> None:
    assert faults_in(unpacked) == []
    for path in sorted(each for each in unpacked.rglob("*") if each.is_file()):
        content, name = path.read_bytes(), path.relative_to(unpacked).as_posix()
        # some thirty of each file, spread evenly: one hash or signature holds them all
        for position in range(0, len(content), max(1, len(content) // 29)):
            changed = bytearray(content)
            changed[position] ^= 1 << position % 8
            path.write_bytes(changed)
            named = [each.split(":")[0] for each in faults_in(unpacked)]
            # a changed listing is told by its signature
            assert {name, name.replace(".json", ".sig")} & {*named}, (name, position, named)
        path.write_bytes(content)
    assert faults_in(unpacked) == []


def test_files_taken_out_and_slipped_in_are_named(unpacked: Path, check: Check) -> None:
    (unpacked / "record" / "first.masked.jpg").rename(unpacked / "record" / "second.masked.jpg")
    done = check(unpacked)
    assert done.returncode == 1
    assert "record/first.masked.jpg: 缺失 / is missing" in done.stdout
    assert "record/second.masked.jpg: 导出时没有这个文件" in done.stdout


def test_an_original_handed_over_later_is_checked_in_its_place(site: Site, unpacked: Path) -> None:
    clip = unpacked / "record" / "clip.mp4"
    clip.write_bytes((site.folder / "clip.mp4").read_bytes())
    assert faults_in(unpacked) == []
    clip.write_bytes(b"another clip")
    assert faults_in(unpacked) == ["record/clip.mp4"]


def test_an_export_without_a_signature_does_not_verify(tmp_path: Path, check: Check) -> None:
    unsealed = Site(tmp_path / "var", None)
    unsealed.exporter().export(unsealed.record, tmp_path / "out.zip")
    done = check(tmp_path / "out.zip")
    assert done.returncode == 1 and "没有签名" in done.stdout and "is not signed" in done.stdout


def test_after_a_rotation_an_older_record_still_verifies(
    site: Site, tmp_path: Path, check: Check, signer: Signer
) -> None:
    new = new_signer()
    KeyFolder(site.data.keys).publish(new)
    site.chain.append("key rotated", "", {"new_key_id": new.key_id})
    site.chain = CustodyChain(site.data.custody, new)
    site.exporter().export(site.record, tmp_path / "out.zip")
    for fingerprint in (new.key_id, signer.key_id):
        done = check(tmp_path / "out.zip", "--fingerprint", fingerprint)
        assert done.returncode == 0, done.stdout


def test_litter_is_named_and_not_checked(unpacked: Path, check: Check) -> None:
    (unpacked / ".DS_Store").write_bytes(b"anything")
    done = check(unpacked)
    assert done.returncode == 0 and ".DS_Store: " in done.stdout


@pytest.mark.parametrize(
    "odd", [{"files": [{"name": "a", "size_bytes": "abc"}]}, {"withheld": None}, {"files": 3}]
)
def test_an_odd_listing_is_a_fault_and_no_traceback(
    unpacked: Path, check: Check, odd: dict[str, Any]
) -> None:
    listing = json.loads((unpacked / "export.json").read_bytes()) | odd
    (unpacked / "export.json").write_text(json.dumps(listing))
    done = check(unpacked)
    assert done.returncode == 1 and "Traceback" not in done.stderr and "✗" in done.stdout


def test_what_is_no_export_cannot_be_checked(tmp_path: Path, check: Check) -> None:
    (tmp_path / "note.txt").write_text("no zip")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "gone.zip", tmp_path / "note.txt", tmp_path / "empty"):
        done = check(path)
        assert done.returncode == 2 and "cannot be checked" in done.stderr
    assert check(tmp_path, "--fingerprint", "abc").returncode == 2


def test_a_cut_off_zip_is_not_taken_for_whole(site: Site, tmp_path: Path, check: Check) -> None:
    site.exporter().export(site.record, tmp_path / "out.zip")
    content = bytearray((tmp_path / "out.zip").read_bytes())
    (tmp_path / "cut.zip").write_bytes(content[: len(content) // 2])
    assert check(tmp_path / "cut.zip").returncode == 2
    content[content.index(b"\xff\xd8\xff") + 20] ^= 1
    (tmp_path / "bad.zip").write_bytes(content)
    done = check(tmp_path / "bad.zip")
    assert done.returncode == 1 and "record/first.masked.jpg" in done.stdout


def test_the_verifier_needs_only_python_and_cryptography() -> None:
    tree = ast.parse(VERIFIER_FILE.read_text())
    needed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            needed |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            needed.add(str(node.module).partition(".")[0])
    assert needed - {*sys.stdlib_module_names} == {"cryptography"}


def test_the_summary_is_set_in_both_languages(site: Site, tmp_path: Path) -> None:
    exporter = replace(site.exporter(), summarise=write_summaries)
    exporter.export(site.record, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        pdfs = {name: archive.read(name) for name in archive.namelist() if name.endswith(".pdf")}
    assert {name.rpartition("/")[2] for name in pdfs} == {"summary.zh.pdf", "summary.en.pdf"}
    for pdf in pdfs.values():
        assert pdf.startswith(b"%PDF-") and b"NotoSansCJK" in pdf


def test_what_changed_after_it_was_verified_is_not_exported_and_not_on_record_as_exported(
    site: Site, tmp_path: Path
) -> None:
    target = tmp_path / "out.zip"
    for name in ("first.masked.jpg", "numbers.json", "manifest.json", "manifest.sig"):
        path = site.folder / name
        content = path.read_bytes()
        path.chmod(0o644)
        path.write_bytes(content.replace(b"e", b"f", 1) + b" ")
        with pytest.raises(PutAside, match="not exported"):
            site.exporter().export(site.record, target)
        path.write_bytes(content)
    assert not target.exists() and list(tmp_path.glob(".forewarn-export-*")) == []
    assert [each["kind"] for each in site.chain.about(site.record.evidence_id)] == ["sealed"]
    site.exporter().export(site.record, target)
    assert target.exists()


def test_a_record_that_was_taken_away_meanwhile_is_told_in_words(
    site: Site, tmp_path: Path
) -> None:
    """Before: FileNotFoundError, where an erasure came between the reading and the export."""
    shutil.rmtree(site.folder)
    with pytest.raises(PutAside, match="not in the vault any more"):
        site.exporter().export(site.record, tmp_path / "out.zip")


def test_a_manifest_that_another_one_took_the_place_of_is_not_exported(
    site: Site, tmp_path: Path
) -> None:
    """Signed by the site's own key, but not the one that the chain tells of: an older sealing, say."""
    for name in SEAL_NAMES:
        (site.folder / name).unlink()
    story = site.vault.story(site.record.evidence_id)
    time.sleep(0.002)  # it says when it was sealed, in milliseconds
    write_seal(site.folder, site.record, site.record.files, story, site.chain.signer)
    with pytest.raises(PutAside, match="not the one that the custody chain tells of"):
        site.exporter().export(site.record, tmp_path / "out.zip")


def test_what_a_killed_export_left_is_cleared_by_the_next_start(site: Site, tmp_path: Path) -> None:
    draft = site.data.evidence / f".{site.record.evidence_id}.killed"
    (draft / "zip").mkdir(parents=True)
    (draft / "zip" / "clip.mp4").write_bytes(b"a plain original")
    zipped, other = tmp_path / ".forewarn-export-x.part", tmp_path / "of somebody else"
    for path in (zipped, other):
        path.write_bytes(b"a plain original")
    (draft / "outside").symlink_to(zipped)
    strange = site.data.evidence / f".{site.record.evidence_id}.strange"
    strange.mkdir()
    (strange / "outside").symlink_to(other)
    re_encrypted = site.data.evidence / f".re-encrypted-{site.record.evidence_id}-clip.mp4"
    re_encrypted.write_bytes(b"half")
    site.vault.clear_drafts()
    assert other.exists() and not zipped.exists() and not re_encrypted.exists()
    assert [path.name for path in site.data.evidence.iterdir()] == [site.record.evidence_id]


def test_an_export_at_work_leaves_nothing_plain_beside_its_target(
    site: Site, tmp_path: Path
) -> None:
    """The clip is plain only in the vault's draft, which the next start clears."""
    seen: list[str] = []

    def look(*_: object) -> None:
        seen.extend(path.name for path in (tmp_path / "out").rglob("*"))
        site.vault.clear_drafts()  # of another program that starts now: it leaves this one alone

    target = tmp_path / "out" / "record.zip"
    replace(site.exporter(), summarise=look).export(site.record, target)
    assert seen == [] and [path.name for path in target.parent.iterdir()] == ["record.zip"]
