"""An export that somebody touched fails in the single-file verifier, which names what was touched."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record

from domain.data_dir import DataDir
from evidence_store.custody.chain import CustodyChain, link_to, note_sealed
from evidence_store.export.archive import VERIFIER_FILE
from evidence_store.export.export import Exporter
from evidence_store.files.canonical_json import from_canonical, to_canonical
from evidence_store.keys.signature_file import sign_file
from evidence_store.keys.signing_keys import KeyFolder, Signer, new_signer, public_pem
from evidence_store.vault.manifest import SEAL_NAMES, write_seal
from evidence_store.vault.vault import Vault

PICTURE = "record/first.masked.jpg"
SITE, STRANGER = new_signer(), new_signer()


class Export:
    """An unpacked masked export of a record that was sealed twice, and the first seal."""

    def __init__(self, folder: Path, first_seal: dict[str, bytes]) -> None:
        self.folder, self.first_seal = folder, first_seal

    def change(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def sign(self, name: str, signer: Signer | None, **members: Any) -> None:
        """Sign a JSON file of the export by somebody, or by nobody, with other members."""
        told = from_canonical((self.folder / name).read_bytes())
        told |= {"signed_by": signer.key_id if signer else "none", **members}
        self.change(name, content := to_canonical(told))
        signature = self.folder / name.replace(".json", ".sig")
        signature.unlink()
        if signer:
            signature.write_bytes(sign_file(signer, Path(name).name, content))

    def list_anew(self, signer: Signer | None) -> None:
        """Let the list of files fit what lies there."""
        (self.folder / "public-keys" / f"{STRANGER.key_id}.pem").write_bytes(
            public_pem(STRANGER.private.public_key())
        )
        files = [
            {
                "name": path.relative_to(self.folder).as_posix(),
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
                "size_bytes": path.stat().st_size,
            }
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.name.startswith("export.")
        ]
        self.sign("export.json", signer, files=files)

    def change_picture(self, signer: Signer | None) -> None:
        """Put another picture, and let the manifest fit."""
        self.change(PICTURE, b"another")
        numbers = self.folder / "record/numbers.json"
        manifest = from_canonical((self.folder / "record/manifest.json").read_bytes())
        digests = {path.name: path.read_bytes() for path in (self.folder / PICTURE, numbers)}
        for file in manifest["files"]:
            if content := digests.get(file["name"]):
                file["sha256"] = hashlib.sha256(content).hexdigest()
                file["size_bytes"] = len(content)
        self.sign("record/manifest.json", signer, files=manifest["files"])

    def rewrite_custody(self, signer: Signer | None, *more: tuple[str, dict[str, Any]]) -> None:
        """Write the lines of the custody chain anew, for the manifest that lies there."""
        path, before = self.folder / "custody.jsonl", b""
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        path.write_bytes(b"")
        manifest = hashlib.sha256((self.folder / "record/manifest.json").read_bytes()).hexdigest()
        wanted = [(each["kind"], each["evidence_id"], each["details"]) for each in lines]
        wanted += [(kind, "", details) for kind, details in more]
        for number, (kind, evidence_id, details) in enumerate(wanted, start=1):
            if kind == "sealed":
                details = {**details, "manifest_sha256": manifest}
            entry = {**lines[0], "number": number, "kind": kind, "evidence_id": evidence_id}
            entry |= {"details": details, "key_id": signer.key_id if signer else ""}
            entry["previous"] = link_to(before)
            del entry["signature"]
            entry["signature"] = signer.sign(to_canonical(entry)) if signer else ""
            before = to_canonical(entry) + b"\n"
            with path.open("ab") as file:
                file.write(before)


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Export:
    root = tmp_path_factory.mktemp("genuine")
    data = DataDir(root / "var")
    vault, chain = Vault(data.evidence), CustodyChain(data.custody, SITE)
    KeyFolder(data.keys).publish(SITE)
    with vault.draft(ID) as draft:
        roles = {"clip.mp4": "clip", "first.masked.jpg": "masked snapshot"}
        for name in roles:
            (draft / name).write_bytes(b"picture")
        made = replace(a_record(), complete=True, missing=())
        record = vault.seal(draft, made, roles, {"history": []}, SITE)
    sealed = vault.folder_of(ID)
    note_sealed(chain, sealed, "ofc-1")
    first_seal = {name: (sealed / name).read_bytes() for name in SEAL_NAMES}
    chain.append("set aside", ID, {})
    sealed.chmod(0o755)
    for name in SEAL_NAMES:
        (sealed / name).unlink()
    write_seal(sealed, replace(record, site_id="x"), record.files, vault.story(ID), SITE)
    for name in SEAL_NAMES:
        (sealed / name).unlink()
    write_seal(sealed, record, record.files, vault.story(ID), SITE)
    note_sealed(chain, sealed, "ofc-1")
    keys = KeyFolder(data.keys).public_keys()
    Exporter(vault, chain, keys).export(record, root / "out.zip")
    with zipfile.ZipFile(root / "out.zip") as archive:
        archive.extractall(root)
    return Export(root / ID, first_seal)


@pytest.fixture
def export(genuine: Export, tmp_path: Path) -> Export:
    shutil.copytree(genuine.folder, tmp_path / ID)
    return Export(tmp_path / ID, genuine.first_seal)


@cache
def verifier() -> ModuleType:
    module = ModuleType("verify_evidence")
    exec(compile(VERIFIER_FILE.read_text(), "verify_evidence.py", "exec"), module.__dict__)
    return module


@pytest.fixture
def check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run the verifier in this process; return its exit code and all that it prints."""

    def run(path: Path, *words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["verify_evidence.py", str(path), *words])
        code = verifier().main()
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def changed_picture(export: Export) -> None:
    export.change(PICTURE, b"Picture")


def stripped(export: Export) -> None:
    """Take every signature away, and let all fit."""
    export.change_picture(None)
    export.rewrite_custody(None)
    export.list_anew(None)


def stripped_manifest(export: Export) -> None:
    """As the site exported it where it believed a record without a signature."""
    export.change_picture(None)
    export.rewrite_custody(SITE)
    export.list_anew(SITE)


def stripped_custody(export: Export) -> None:
    export.rewrite_custody(None)
    export.list_anew(SITE)


def laundered(export: Export) -> None:
    """As the site exported it where it believed a stranger's record and chain."""
    export.change_picture(STRANGER)
    export.rewrite_custody(STRANGER)
    export.list_anew(SITE)


def laundered_by_its_own_chain(export: Export) -> None:
    """As where the site sealed what lay there, whose manifest is a stranger's."""
    export.change_picture(STRANGER)
    export.rewrite_custody(SITE)
    export.list_anew(SITE)


def list_by_a_stranger(export: Export) -> None:
    export.list_anew(STRANGER)


def key_slipped_in(export: Export) -> None:
    name = f"public-keys/{STRANGER.key_id}.pem"
    export.change(name, public_pem(STRANGER.private.public_key()))


def key_exchanged(export: Export) -> None:
    """Put a stranger's key under the name of the site's."""
    pem = public_pem(STRANGER.private.public_key())
    export.change(f"public-keys/{SITE.key_id}.pem", pem)


def first_seal_put_back(export: Export) -> None:
    """Put the seal that was set aside, which the site's own key signed."""
    for name, content in export.first_seal.items():
        export.change(f"record/{name}", content)


def line_taken_out(export: Export) -> None:
    lines = (export.folder / "custody.jsonl").read_bytes().splitlines(keepends=True)
    export.change("custody.jsonl", b"".join(lines[:-1]))


def line_added(export: Export) -> None:
    lines = (export.folder / "custody.jsonl").read_bytes().splitlines(keepends=True)
    export.change("custody.jsonl", b"".join([*lines, lines[-1]]))


def pipe(export: Export) -> None:
    (export.folder / "custody.jsonl").unlink()
    os.mkfifo(export.folder / "custody.jsonl")


def link(export: Export) -> None:
    path = export.folder / PICTURE
    path.rename(export.folder.parent / "kept")
    path.symlink_to(export.folder.parent / "kept")


def linked_folder(export: Export) -> None:
    path = export.folder / "record"
    path.rename(export.folder.parent / "kept")
    path.symlink_to(export.folder.parent / "kept")


def letters_that_steer(export: Export) -> None:
    export.change("record/\x1b[2J\x1b[8m\u202e\u009b2Jok.jpg", b"")


FORGERIES: list[tuple[Callable[[Export], None], str]] = [
    (changed_picture, f"{PICTURE}: 已改动"),
    (stripped, "export.json: 没有签名"),
    (stripped_manifest, "record/manifest.json: 没有签名"),
    (stripped_custody, "custody.jsonl:1: 已改动"),
    (laundered, "record/manifest.sig: 签名的不是签署本次导出的单位的密钥"),
    (laundered_by_its_own_chain, "record/manifest.sig: 签名的不是签署本次导出的单位的密钥"),
    (list_by_a_stranger, "record/manifest.sig: 签名的不是签署本次导出的单位的密钥"),
    (key_slipped_in, f"public-keys/{STRANGER.key_id}.pem: 导出时没有这个文件"),
    (key_exchanged, f"public-keys/{SITE.key_id}.pem: 不是文件名所示的公钥"),
    (first_seal_put_back, "record/manifest.json: 已改动"),
    (line_taken_out, "custody.jsonl: 已改动"),
    (line_added, "custody.jsonl: 已改动"),
    (pipe, "custody.jsonl: 无法读取"),
    (link, f"{PICTURE}: 已改动，无法读取"),
    (linked_folder, "record: 导出时没有这个文件"),
    (letters_that_steer, "record/\\x1b[2J\\x1b[8m\\x202e\\x9b2Jok.jpg: 导出时没有这个文件"),
]


@pytest.mark.parametrize("words", [(), ("--fingerprint", SITE.key_id)], ids=["", "pinned"])
@pytest.mark.parametrize(
    ("forge", "told"), FORGERIES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_touched_export_fails_and_what_was_touched_is_named(
    export: Export,
    check: Callable[..., tuple[int, str]],
    forge: Callable[[Export], None],
    told: str,
    words: tuple[str, ...],
) -> None:
    assert check(export.folder, *words)[0] == 0
    forge(export)
    code, said = check(export.folder, *words)
    assert code == 1 and told in said, said
    assert "\x1b" not in said and "\u202e" not in said and "\u009b" not in said


def made_anew(export: Export) -> None:
    """Write and sign all of it as a stranger."""
    export.change_picture(STRANGER)
    export.rewrite_custody(STRANGER)
    export.list_anew(STRANGER)


def made_anew_and_naming_the_site(export: Export) -> None:
    """Let the stranger's key name the site's as the next one."""
    export.change_picture(STRANGER)
    export.rewrite_custody(STRANGER, ("key rotated", {"new_key_id": SITE.key_id}))
    export.list_anew(STRANGER)


@pytest.mark.parametrize("forge", [made_anew, made_anew_and_naming_the_site])
def test_what_a_stranger_made_anew_is_found_by_the_fingerprint_alone_and_that_is_said(
    export: Export,
    check: Callable[..., tuple[int, str]],
    forge: Callable[[Export], None],
) -> None:
    forge(export)
    code, said = check(export.folder)
    assert code == 0, said
    assert "Compare the fingerprint" in said and STRANGER.key_id in said
    code, said = check(export.folder, "--fingerprint", SITE.key_id)
    assert code == 1 and "export.json: 不是该指纹的密钥所签" in said


def zipped(export: Export, compression: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as archive:
        for path in sorted(export.folder.rglob("*")):
            archive.write(path, f"{ID}/{path.relative_to(export.folder).as_posix()}")
    return made.getvalue()


def hidden_between(content: bytes, hidden: bytes) -> bytes:
    """Put a file between two of an archive that its list at the end does not name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        last = max(archive.infolist(), key=lambda each: each.header_offset)
        begin, listing = last.header_offset, archive.start_dir
    behind = bytearray(content[listing:])
    at = behind.rindex(last.filename.encode()) - 46
    assert behind[at + 42 : at + 46] == begin.to_bytes(4, "little")
    behind[at + 42 : at + 46] = (begin + len(hidden)).to_bytes(4, "little")
    behind[-6:-2] = (listing + len(hidden)).to_bytes(4, "little")
    return content[:begin] + hidden + content[begin:listing] + bytes(behind)


def with_one_more(
    content: bytes, name: str, content_of: bytes = b"", comment: bytes = b""
) -> bytes:
    """Put in a folder that holds something itself, or of which the list at the end says more."""
    made = io.BytesIO(content)
    with zipfile.ZipFile(made, "a") as archive:
        more = zipfile.ZipInfo(name)
        more.comment = comment
        archive.writestr(more, content_of)
    return made.getvalue()


def test_what_is_glued_to_an_archive_or_hidden_in_it_is_named(
    export: Export, check: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    sound, target = zipped(export), tmp_path / "out.zip"
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr(f"{ID}/record/clip.mp4", b"a forged clip")
    entry = other.getvalue()[: other.getvalue().index(b"PK\x01\x02")]
    for touched in (
        sound + sound,
        other.getvalue() + sound,
        sound + b"more",
        b"more" + sound,
        hidden_between(sound, entry),
        hidden_between(sound, b"\0"),
        with_one_more(sound, f"{ID}/more/", content_of=b"a forged clip"),
        with_one_more(sound, f"{ID}/more/", comment=b"a forged clip"),
    ):
        target.write_bytes(touched)
        code, said = check(target, "--fingerprint", SITE.key_id)
        assert code == 1 and "out.zip: 压缩包前后或其文件之间还有其他内容" in said, said


def streamed(export: Export) -> bytes:
    """Zip as a program does that cannot go back: sizes stand behind each file."""

    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, block: Any) -> int:
            self.written += bytes(block)
            return len(block)

    made = Pipe()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for path in sorted(each for each in export.folder.rglob("*") if each.is_file()):
            archive.write(path, path.relative_to(export.folder).as_posix())
    return made.written


def test_an_export_that_was_zipped_once_more_verifies(
    export: Export, check: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    for made in (zipped(export), zipped(export, zipfile.ZIP_DEFLATED), streamed(export)):
        (tmp_path / "out.zip").write_bytes(made)
        code, said = check(tmp_path / "out.zip", "--fingerprint", SITE.key_id)
        assert code == 0, said


def test_a_file_exchanged_while_it_is_checked_is_named(
    export: Export, check: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed as it is, checked by a seal that was set aside, and sealed as it is: each by the site's own key."""
    listed = {name: (export.folder / "record" / name).read_bytes() for name in SEAL_NAMES}
    names = ("record/manifest.json", "record/manifest.sig")
    opened, open_it = dict.fromkeys(names, 0), verifier().Export.open

    def exchange(self: Any, name: str) -> Any:
        if name in opened:
            opened[name] += 1
            seal = export.first_seal if opened[name] == 2 else listed
            export.change(name, seal[Path(name).name])
        return open_it(self, name)

    monkeypatch.setattr(verifier().Export, "open", exchange)
    code, said = check(export.folder, "--fingerprint", SITE.key_id)
    assert code == 1 and "record/manifest.json: 无法读取" in said
    assert "was exchanged while it was checked" in said
