#!/usr/bin/env python3
"""Check an exported evidence record: nothing changed, nothing missing, signed by the site's key.

    python verify_evidence.py EXPORT.zip|FOLDER [--fingerprint HEX] [--authority FILE.pem] [--json]

Needs Python 3.9 or later and the package `cryptography`, and nothing else: no network, nothing of
forewarn. Take this file from a place that you trust rather than out of the export that you check, and
the fingerprint from where the authority publishes it.

Exit code 0: as it was sealed and exported. 1: changed, incomplete or not signed; each fault is named.
2: could not be checked.

What is checked: `export.json` lists every file of the export with its SHA-256 and is signed.
`record/manifest.json` lists every file of the sealed record, and is signed; files that were withheld
(originals, in a masked export) are named. `custody.jsonl` is what was done with the record, each line
signed; its sealing must be among it, once. Every signature must be by the key that signed `export.json`, or
by one from which signed lines lead to that key ("key rotated"); --fingerprint must be one of these. A
deletion certificate has no record any more: checked is that signed entries tell of its sealing, and of its
erasure from beginning to end. Signatures are Ed25519, over the signed file's bytes; a key's fingerprint is
the SHA-256 of its 32 raw bytes.

Where an authority stamped the sealing with its time (RFC 3161), the stamp is checked as well: it is of
the very custody line of the sealing; the authority's signature holds; its certificate is for time
stamping, was valid then, and leads to one of the certificates that are trusted: those of --authority
(get them from the authority), else those that came with the export, which shows only that the export is
whole in itself. Not checked: whether a certificate had been revoked, and the authority's own rules.
`openssl ts -verify -data time-stamp/sealing.json -in time-stamp/response.tsr -CAfile FILE.pem` is a
second opinion.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_public_key,
    )
except ImportError:
    print("需要 Python 包 cryptography：pip install cryptography", file=sys.stderr)
    print("needs the Python package cryptography: pip install cryptography", file=sys.stderr)
    sys.exit(2)

VERIFIED, CHANGED, NOT_CHECKED = 0, 1, 2
EXPORT_FORMAT = "forewarn export 1"
MANIFEST_FORMAT = "forewarn manifest 1"
CUSTODY_FORMAT = "forewarn custody 1"
UNSIGNED = "none"
HEX_64, HEX_128 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")
# what file managers leave behind by themselves
LITTER = re.compile(r"(.*/)?(\.DS_Store|Thumbs\.db|desktop\.ini)|__MACOSX/.*")


class Fault(NamedTuple):
    """One thing that is not as it was sealed."""

    name: str  # the file
    zh: str
    en: str


class CannotCheck(Exception):
    """There is nothing here that could be checked."""


class Export:
    """The files of an export, in a folder or a zip; names are relative to export.json's place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        self._came: dict[str, str] = {}  # SHA-256 of what was read, by name
        if path.is_dir():
            names = [
                each.relative_to(path).as_posix()
                for each in path.rglob("*")
                if each.is_symlink() or not each.is_dir()
            ]
        else:
            try:
                self._zip = zipfile.ZipFile(path)
            except FileNotFoundError:
                raise CannotCheck(f"{path}: is not there") from None
            except (OSError, zipfile.BadZipFile) as error:
                raise CannotCheck(f"{path}: neither a folder nor a readable zip: {error}") from None
            names = [each for each in self._zip.namelist() if not each.endswith("/")]
        self.litter = [each for each in names if LITTER.fullmatch(each)]
        names = [each for each in names if not LITTER.fullmatch(each)]
        tops = [each for each in names if re.fullmatch(r"([^/]+/)?export\.json", each)]
        if len(tops) != 1:
            raise CannotCheck(f"{path}: needs one export.json, found {len(tops)}")
        self._top = tops[0][: -len("export.json")]
        self.outside = [each for each in names if not each.startswith(self._top)]
        self.names = [each[len(self._top) :] for each in names if each.startswith(self._top)]

    @property
    def has_more(self) -> bool:
        """True where the file holds more than this one archive: something before, between or behind its files."""
        if self._zip is None:
            return False
        with self.path.open("rb") as file:
            file.seek(-22, 2)
            ends_here = file.read(4) == b"PK\x05\x06"
            end, slack = 0, 0
            for each in sorted(self._zip.infolist(), key=lambda each: each.header_offset):
                if not 0 <= each.header_offset - end <= slack or each.comment:
                    return True
                if each.is_dir() and each.compress_size > 2:  # of nothing, deflated
                    return True
                file.seek(each.header_offset + 26)
                lengths = file.read(4)  # of the name and of what is added to it
                head = 30 + int.from_bytes(lengths[:2], "little")
                head += int.from_bytes(lengths[2:], "little")
                end = each.header_offset + head + each.compress_size
                slack = 24 if each.flag_bits & 8 else 0  # then its sizes stand behind it once more
        return not (ends_here and 0 <= self._zip.start_dir - end <= slack)

    def open(self, name: str) -> BinaryIO:
        """A file's bytes; OSError, BadZipFile or KeyError where they cannot be had."""
        if self._zip:
            return self._zip.open(self._top + name)  # type: ignore[return-value]
        path = self.path / (self._top + name)
        # whoever opens a pipe waits for ever
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise OSError("is a link or a device, not a file")
        return path.open("rb")

    def read(self, name: str) -> bytes:
        """All of a file's bytes."""
        with self.open(name) as file:
            content = file.read()
        self._check_same(name, hashlib.sha256(content).hexdigest())
        return content

    def digest(self, name: str) -> tuple[str, int]:
        """SHA-256 and size, also of files larger than the memory."""
        sha256, size = hashlib.sha256(), 0
        with self.open(name) as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                sha256.update(block)
                size += len(block)
        self._check_same(name, sha256.hexdigest())
        return sha256.hexdigest(), size

    def _check_same(self, name: str, sha256: str) -> None:
        """One thing vouches for the next only where both were read of the same bytes."""
        if self._came.setdefault(name, sha256) != sha256:
            raise OSError("was exchanged while it was checked")


class Checker:
    """Checks one export and remembers what was wrong."""

    def __init__(self, export: Export, authorities: list[x509.Certificate] | None = None) -> None:
        """Begin without faults.

        Args:
            export: that is checked.
            authorities: whose time stamps count; None: those that came with the export.
        """
        self.export = export
        self.authorities = authorities
        self.stamped_at = ""  # by an authority's clock; "" where there is no (sound) time stamp
        self.stamped_by = ""
        self.faults: list[Fault] = []
        self.withheld: list[str] = []
        self.entries = 0  # of the custody excerpt that hold
        self.evidence_id = ""
        self.signed_by = ""  # of the export
        self.erased_at = ""  # of a deletion certificate
        self._keys: dict[str, Ed25519PublicKey] = {}
        self.site_keys: set[str] = (
            set()
        )  # the one that signed export.json, and those that led to it

    def check(self) -> None:
        """Everything, in the order in which one thing vouches for the next; what cannot be read is a fault."""
        try:
            self._check_all()
        except Exception as error:  # an export may be built to confuse
            self._fault(
                self.export.path.name,
                f"已改动，无法核验：{error!r}",
                f"changed: cannot be checked: {error!r}",
            )

    def _check_all(self) -> None:
        if self.export.has_more:
            self._fault(
                self.export.path.name,
                "压缩包前后或其文件之间还有其他内容",
                "has other content before or behind the archive, or between its files",
            )
        for name in self.export.outside:
            self._fault(name, "不属于本次导出", "does not belong to the export")
        for name in sorted(
            {each for each in self.export.names if self.export.names.count(each) > 1}
        ):
            self._fault(name, "在压缩包中出现多次", "is in the archive more than once")
        self._read_keys()
        listing = self._signed_json("export.json", "export.sig", EXPORT_FORMAT)
        if listing is not None:
            self.signed_by = str(listing.get("signed_by"))
            self.site_keys = self._keys_that_lead_to(self.signed_by)
            self._check_listing(listing)
        if listing is not None and listing.get("erased") is True:
            self.evidence_id = str(listing.get("evidence_id"))
            self._check_erasure()
            return
        manifest = self._signed_json("record/manifest.json", "record/manifest.sig", MANIFEST_FORMAT)
        if manifest is not None:
            self.evidence_id = str(manifest.get("evidence_id"))
            self._check_record(manifest, (listing or {}).get("withheld", []))
        if listing is not None and listing.get("evidence_id") != self.evidence_id:
            self._fault(
                "export.json", "证据编号与清单不符", "names another evidence id than the manifest"
            )
        self._check_custody()

    def _fault(self, name: str, zh: str, en: str) -> None:
        fault = Fault(name, zh, en)
        if fault not in self.faults:
            self.faults.append(fault)

    def _read(self, name: str) -> bytes | None:
        try:
            return self.export.read(name)
        except (KeyError, FileNotFoundError):
            self._fault(name, "缺失", "is missing")
        except (OSError, zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError) as error:
            self._fault(name, f"无法读取：{error}", f"cannot be read: {error}")
        except Exception as error:  # zlib's own errors, among others
            self._fault(name, f"已改动，无法解压：{error}", f"changed: cannot be unpacked: {error}")
        return None

    def _read_keys(self) -> None:
        for name in self.export.names:
            match = re.fullmatch(r"public-keys/([0-9a-f]{64})\.pem", name)
            content = self._read(name) if match else None
            if match is None or content is None:
                continue
            try:
                key = load_pem_public_key(content)
            except Exception as error:
                self._fault(name, "不是公钥", f"is no public key: {error}")
                continue
            if not isinstance(key, Ed25519PublicKey) or _fingerprint(key) != match.group(1):
                self._fault(name, "不是文件名所示的公钥", "is not the key that its name says")
                continue
            self._keys[match.group(1)] = key

    def _signed_json(self, name: str, signature_name: str, form: str) -> dict[str, Any] | None:
        """A signed file's content, also where the signature fails; None where there is no telling."""
        content = self._read(name)
        if content is None:
            return None
        told = _json(content)
        if not isinstance(told, dict) or told.get("format") != form:
            self._fault(name, f"已改动：不是“{form}”格式", f"changed: is no {form!r}")
            return None
        signed_by = told.get("signed_by")
        if signed_by == UNSIGNED:
            self._fault(name, "没有签名：无法证明由谁制作", "is not signed: nobody vouches for it")
            return told
        signature = self._read(signature_name)
        if signature is not None:
            self._check_signature(name, signature_name, content, signature, str(signed_by))
        return told

    def _check_signature(
        self, name: str, signature_name: str, content: bytes, file: bytes, key_id: str
    ) -> None:
        told = _json(file)
        value = str(told.get("signature")) if isinstance(told, dict) else ""
        only = name.rpartition("/")[2]
        spelled = (
            f'{{"algorithm":"Ed25519","format":"forewarn signature 1","key_id":"{key_id}",'
            f'"signature":"{value}","signs":"{only}"}}'
        )
        if file != spelled.encode():
            self._fault(
                signature_name, "已改动：不是该文件的签名", f"changed: no signature of {only}"
            )
        elif self.site_keys and key_id not in self.site_keys:
            self._fault(
                signature_name,
                "签名的不是签署本次导出的单位的密钥",
                "is by another key than the export, and no signed line leads from it to that one",
            )
        elif not self._is_signed(key_id, value, content):
            self._fault(
                signature_name,
                f"签名不成立：{only} 或签名已改动，或公钥不符",
                f"the signature does not hold: {only}, the signature or the key was changed",
            )

    def _keys_that_lead_to(self, key_id: str) -> set[str]:
        """The key, and those before it: each named the next in a line that it signed itself."""
        named_by: dict[str, set[str]] = {}
        try:
            lines = self.export.read("custody.jsonl").splitlines(keepends=True)
        except Exception:
            lines = []  # named where it is read for its own sake
        for line in lines:
            entry = self._signed_line(line)
            if entry is None or entry.get("kind") != "key rotated":
                continue
            new, old = entry["details"].get("new_key_id"), str(entry["key_id"])
            if new == old:  # the new key tells by whose word it signs
                for one, other in self._stated(entry["details"].get("statements")):
                    named_by.setdefault(other, set()).add(one)
            else:
                named_by.setdefault(str(new), set()).add(old)
        found, waiting = {key_id}, [key_id]
        while waiting:
            for each in named_by.get(waiting.pop(), set()) - found:
                found.add(each)
                waiting.append(each)
        return found

    def _stated(self, statements: Any) -> list[tuple[str, str]]:
        """(key, the key that it named) of each statement whose signature holds."""
        pairs = []
        for each in statements if isinstance(statements, list) else []:
            if not isinstance(each, dict):
                continue
            old, new = str(each.get("key_id")), str(each.get("signs")).replace(".pem", "")
            key = self._keys.get(new)
            if key is None:
                continue
            pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            if self._is_signed(old, str(each.get("signature")), pem):
                pairs.append((old, new))
        return pairs

    def _is_signed(self, key_id: str, signature: str, content: bytes) -> bool:
        key = self._keys.get(key_id)
        if key is None or not HEX_128.fullmatch(signature):
            return False
        try:
            key.verify(bytes.fromhex(signature), content)
        except InvalidSignature:
            return False
        return True

    def _check_listing(self, listing: dict[str, Any]) -> None:
        files = _entries(listing)
        for name, sha256, size in files:
            self._check_file(name, sha256, size)
        known = {name for name, _, _ in files} | {"export.json", "export.sig"}
        # an original handed over later may be put in its place: the manifest has its SHA-256
        withheld = listing.get("withheld")
        known |= {f"record/{name}" for name in (withheld if isinstance(withheld, list) else [])}
        for name in self.export.names:
            if name not in known:
                self._fault(name, "导出时没有这个文件", "was not there when it was exported")

    def _check_file(self, name: str, sha256: str, size: int) -> None:
        try:
            came, came_size = self.export.digest(name)
        except (KeyError, FileNotFoundError):
            self._fault(name, "缺失", "is missing")
            return
        except Exception as error:  # a damaged archive breaks in many ways
            self._fault(name, f"已改动，无法读取：{error}", f"changed: cannot be read: {error}")
            return
        if came_size != size:
            self._fault(
                name,
                f"已改动：{came_size} 字节，应为 {size}",
                f"changed: {came_size} bytes, not {size}",
            )
        elif came != sha256:
            self._fault(name, "已改动：SHA-256 不符", "changed: its SHA-256 is not the sealed one")

    def _check_record(self, manifest: dict[str, Any], withheld: Any) -> None:
        there = {*self.export.names}
        for name, sha256, size in _entries(manifest):
            inside = f"record/{name}"
            if inside in there:
                self._check_file(inside, sha256, size)
            elif isinstance(withheld, list) and name in withheld:
                self.withheld.append(name)
            else:
                self._fault(inside, "缺失", "is missing")
        listed = {f"record/{name}" for name, _, _ in _entries(manifest)}
        for name in there - listed - {"record/manifest.json", "record/manifest.sig"}:
            if name.startswith("record/"):
                self._fault(name, "封存时没有这个文件", "was not there when the record was sealed")
        is_here = "record/numbers.json" in there  # else it was withheld, or named as missing
        numbers = _json(self._read("record/numbers.json") or b"") if is_here else None
        if isinstance(numbers, dict) and numbers.get("record") != manifest.get("record"):
            self._fault(
                "record/numbers.json", "与清单所载不符", "differs from the manifest's facts"
            )

    def _check_custody(self) -> None:
        content = self._read("custody.jsonl")
        if content is None:
            return
        sealed, number, before = "", 0, b""
        sealing, stamps = (0, b""), {}
        added: dict[str, Any] = {}
        for position, line in enumerate(content.splitlines(keepends=True), start=1):
            name = f"custody.jsonl:{position}"
            entry = self._custody_entry(line)
            if entry is None or entry["number"] <= number:
                self._fault(name, "已改动，或签名不成立", "changed, or its signature does not hold")
                return
            follows = hashlib.sha256(before.rstrip(b"\n")).hexdigest()
            if entry["number"] == number + 1 and number and entry["previous"] != follows:
                self._fault(name, "与前一条不衔接", "does not follow the entry before it")
                return
            if entry["kind"] == "sealed":
                if sealed:
                    self._fault(
                        name, "未撤销即再次封存", "seals it once more, though it was sealed"
                    )
                sealed = str(entry["details"].get("manifest_sha256"))
                sealing = (entry["number"], line.rstrip(b"\n"))
            elif entry["kind"] == "set aside":
                sealed = ""
            elif entry["kind"] == "added":
                added = entry["details"]
            elif entry["kind"] == "stamped":
                stamps[entry["details"].get("entry")] = (name, entry["details"].get("response"))
            number, before = entry["number"], line
            self.entries += 1
        self._check_added(added)
        manifest = self._read("record/manifest.json")
        if manifest is not None and hashlib.sha256(manifest).hexdigest() != sealed:
            self._fault(
                "custody.jsonl",
                "没有这份清单的封存记录",
                "does not tell of the sealing of this manifest",
            )
        if sealing[0] in stamps:
            self._check_stamp(*stamps[sealing[0]], sealing[1])

    def _check_stamp(self, name: str, response: Any, line: bytes) -> None:
        try:
            trusted = self.authorities
            if trusted is None:
                pem = self.export.read("time-stamp/authorities.pem")
                trusted = x509.load_pem_x509_certificates(pem)
            self.stamped_at, self.stamped_by = check_stamp(
                base64.b64decode(str(response), validate=True), line, trusted
            )
        except BadStamp as error:
            self._fault(name, f"时间戳不成立：{error.zh}", f"the time stamp {error.en}")
        except Exception as error:  # what is damaged breaks in many ways
            self._fault(
                name, f"时间戳无法读取：{error!r}", f"the time stamp cannot be read: {error!r}"
            )

    def _check_erasure(self) -> None:
        """A deletion certificate: no record any more, but signed entries of its sealing and its end."""
        begun: dict[int, Any] = {}
        sealed, ended, number = set(), False, 0
        for position, line in enumerate((self._read("custody.jsonl") or b"").splitlines(True), 1):
            entry = self._custody_entry(line)
            if entry is None or entry["number"] <= number:
                name = f"custody.jsonl:{position}"
                self._fault(name, "已改动，或签名不成立", "changed, or its signature does not hold")
                return
            number, details = entry["number"], entry["details"]
            if entry["kind"] == "sealed":
                sealed.add(details.get("manifest_sha256"))
            elif entry["kind"] == "erasing":
                begun[number] = details
            elif entry["kind"] == "erased":
                why = begun.get(details.get("begun_by"))
                ended = why is not None and why.get("manifest_sha256") in {*sealed, ""}
                self.erased_at = str(entry.get("at"))
            self.entries += 1
        if not ended:
            self._fault(
                "custody.jsonl", "没有删除完成的记录", "does not tell that the erasure was ended"
            )

    def _check_added(self, details: dict[str, Any]) -> None:
        """Masked clips were made after the sealing: the custody chain vouches for them."""
        told = _entries(details)
        for name, sha256, size in told:
            if name in self.export.names:
                self._check_file(name, sha256, size)
        for name in {*self.export.names} - {name for name, _, _ in told}:
            if name.startswith("added/"):
                self._fault(
                    name, "保管记录中没有这个文件", "the custody does not tell of this file"
                )

    def _custody_entry(self, line: bytes) -> dict[str, Any] | None:
        """An entry about this record, or about keys, that a key of the site signed."""
        entry = self._signed_line(line)
        if entry is None or entry["key_id"] not in self.site_keys:
            return None
        is_of_keys = entry.get("evidence_id") == "" and str(entry.get("kind")).startswith("key ")
        return entry if entry.get("evidence_id") == self.evidence_id or is_of_keys else None

    def _signed_line(self, line: bytes) -> dict[str, Any] | None:
        """An entry whose signature holds; it covers the line without its signature member."""
        entry = _json(line)
        if not isinstance(entry, dict) or not line.endswith(b"\n"):
            return None
        signature = str(entry.get("signature"))
        member = f'"signature":"{signature}",'.encode()
        if line.count(member) != 1 or entry.get("format") != CUSTODY_FORMAT:
            return None
        body = line[:-1].replace(member, b"")
        if not self._is_signed(str(entry.get("key_id")), signature, body):
            return None
        is_whole = isinstance(entry.get("number"), int) and isinstance(entry.get("details"), dict)
        return entry if is_whole else None


class BadStamp(Exception):
    """A time stamp that does not hold."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


# object identifiers in DER, without tag and length
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
STAMP_INFO = bytes.fromhex("2a864886f70d0109100104")
CONTENT_TYPE, MESSAGE_DIGEST = (
    bytes.fromhex("2a864886f70d010903"),
    bytes.fromhex("2a864886f70d010904"),
)
HASHES: dict[bytes, type[hashes.HashAlgorithm]] = {
    bytes.fromhex("608648016503040201"): hashes.SHA256,
    bytes.fromhex("608648016503040202"): hashes.SHA384,
    bytes.fromhex("608648016503040203"): hashes.SHA512,
}


class Der(NamedTuple):
    """One element of DER: its tag, content, and all of its bytes."""

    tag: int
    content: bytes
    whole: bytes

    def parts(self) -> list[Der]:
        """The elements that it is made of."""
        found, at = [], 0
        while at < len(self.content):
            found.append(der(self.content[at:]))
            at += len(found[-1].whole)
        return found


def der(content: bytes) -> Der:
    """The first element."""
    length, begin = content[1], 2
    if length & 0x80:
        octets = length & 0x7F
        length, begin = int.from_bytes(content[2 : 2 + octets], "big"), 2 + octets
    if begin + length > len(content):
        raise BadStamp("不完整", "is cut off")
    return Der(content[0], content[begin : begin + length], content[: begin + length])


def check_stamp(response: bytes, line: bytes, trusted: list[x509.Certificate]) -> tuple[str, str]:
    """Check that an RFC 3161 response stamps a line, and who vouches for it.

    Returns:
        (time of the stamp in ISO 8601, name of the authority).
    Raises:
        BadStamp: it does not hold. Other exceptions: it cannot be read.
    """
    status, token = der(response).parts()[:2]
    if int.from_bytes(status.parts()[0].content, "big") != 0:
        raise BadStamp("机构拒绝了请求", "was refused by the authority")
    kind, body = token.parts()
    signed = body.parts()[0].parts()
    if kind.content != SIGNED_DATA or signed[2].parts()[0].content != STAMP_INFO:
        raise BadStamp("不是时间戳", "is no time stamp")
    info = signed[2].parts()[1].parts()[0].content
    told = der(info).parts()
    algorithm, imprint = told[2].parts()
    is_of = HASHES[algorithm.parts()[0].content]
    if imprint.content != _digest(is_of, line):
        raise BadStamp("所证明的不是这条封存记录", "is of something else, not of this sealing")
    at = datetime.strptime(
        told[4].content.decode("ascii").partition(".")[0].rstrip("Z"), "%Y%m%d%H%M%S"
    ).replace(tzinfo=timezone.utc)  # noqa: UP017  # Python 3.9 has no UTC
    sent = [x509.load_der_x509_certificate(each.whole) for each in signed[3].parts()]
    signer = _signer_of(signed[-1].parts(), sent, info)
    usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    if not usage.critical or list(usage.value) != [x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]:
        raise BadStamp(
            "签名证书不是时间戳证书", "is signed with a certificate that is not for that"
        )
    _check_chain(signer, sent, trusted, at)
    return at.isoformat(), signer.subject.rfc4514_string()


def _signer_of(infos: list[Der], sent: list[x509.Certificate], info: bytes) -> x509.Certificate:
    """The certificate whose signature over the stamp holds."""
    (_, who, hashed_with, attributes, _, signature, *_) = infos[0].parts()
    algorithm = HASHES[hashed_with.parts()[0].content]
    signed = {each.parts()[0].content: each.parts()[1].parts()[0] for each in attributes.parts()}
    if signed[CONTENT_TYPE].content != STAMP_INFO:
        raise BadStamp("签名的不是时间戳", "has a signature of something else")
    if signed[MESSAGE_DIGEST].content != _digest(algorithm, info):
        raise BadStamp("内容已改动", "was changed: its signature is of another content")
    issuer, serial = who.parts()
    for each in sent:
        is_issuer = each.issuer.public_bytes() == issuer.whole
        if is_issuer and each.serial_number == int.from_bytes(serial.content, "big"):
            content = b"\x31" + attributes.whole[1:]  # signed as a SET, sent as [0]
            _check_signature(each.public_key(), signature.content, content, algorithm())
            return each
    raise BadStamp("缺少签名者的证书", "lacks the certificate of who signed it")


def _check_signature(
    key: Any, signature: bytes, content: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, content, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, content, ec.ECDSA(algorithm))
        else:
            raise BadStamp("签名算法不支持", "is signed in a way that is not known here")
    except InvalidSignature:
        raise BadStamp("机构的签名不成立", "has a signature that does not hold") from None


def _check_chain(
    signer: x509.Certificate,
    sent: list[x509.Certificate],
    trusted: list[x509.Certificate],
    at: datetime,
) -> None:
    """From the signer's certificate to one that is trusted, all valid at that time."""
    current = signer
    for _ in range(8):
        begins, ends = _validity(current)
        if not begins <= at <= ends:
            raise BadStamp(
                f"证书当时无效：{current.subject.rfc4514_string()}",
                f"was made with a certificate not valid then: {current.subject.rfc4514_string()}",
            )
        if current in trusted:
            return
        issuers = [each for each in (*trusted, *sent) if _has_issued(each, current)]
        if not issuers or issuers[0] == current:
            break
        current = issuers[0]
    raise BadStamp(
        "出具机构不受信任",
        f"is by an authority that is not trusted: {signer.issuer.rfc4514_string()}",
    )


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
        return issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except Exception:
        return False


def _validity(certificate: x509.Certificate) -> tuple[datetime, datetime]:
    """Also with versions of cryptography that know times without a zone only."""
    if hasattr(certificate, "not_valid_before_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    begins, ends = certificate.not_valid_before, certificate.not_valid_after
    utc = timezone.utc  # noqa: UP017  # Python 3.9 has no UTC
    return begins.replace(tzinfo=utc), ends.replace(tzinfo=utc)


def _digest(algorithm: type[hashes.HashAlgorithm], content: bytes) -> bytes:
    digest = hashes.Hash(algorithm())
    digest.update(content)
    return digest.finalize()


def _fingerprint(key: Ed25519PublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()


def _json(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def _entries(listing: dict[str, Any]) -> list[tuple[str, str, int]]:
    """(name, sha256, size) of each file that a listing names."""
    files = listing.get("files")
    return [
        (str(each.get("name")), str(each.get("sha256")), _size(each.get("size_bytes")))
        for each in (files if isinstance(files, list) else [])
        if isinstance(each, dict)
    ]


def _size(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else -1


def _shown(text: str) -> str:
    """Words of an export as a terminal may get them: nothing in them steers it."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text)


def report(checker: Checker, fingerprint: str) -> int:
    """Tell people, in Chinese and English; the exit code."""
    for fault in checker.faults:
        print(f"✗ {_shown(fault.name)}: {_shown(fault.zh)} / {_shown(fault.en)}")
    for name in checker.withheld:
        print(
            f"- {_shown(name)}: 原件未随附，清单载有其 SHA-256 / original withheld, its SHA-256 is listed"
        )
    for name in checker.export.litter:
        print(f"- {_shown(name)}: 不属于导出，未核验 / no part of the export, not checked")
    if checker.faults:
        print(
            f"核验未通过：{len(checker.faults)} 处问题 / does not verify: {len(checker.faults)} faults"
        )
        return CHANGED
    if checker.erased_at:
        erased_at = _shown(checker.erased_at)
        print(f"✓ {_shown(checker.evidence_id)}: 已于 {erased_at} 删除，删除证明的签名成立")
        print(
            f"✓ {_shown(checker.evidence_id)}: erased on {erased_at}; the certificate's signatures hold"
        )
    else:
        print(f"✓ {_shown(checker.evidence_id)}: 与封存和导出时一致，签名成立")
        print(
            f"✓ {_shown(checker.evidence_id)}: as it was sealed and exported, and the signatures hold"
        )
    print(f"  保管记录 / custody entries: {checker.entries}")
    print(f"  公钥指纹 / key fingerprint: {checker.signed_by}")
    if checker.stamped_at:
        print(f"  时间戳 / time stamp: {checker.stamped_at}  {_shown(checker.stamped_by)}")
        if checker.authorities is None:
            print("  时间戳机构的证书取自导出本身；请用 --authority 指定可信来源的证书。")
            print(
                "  The authority's certificates came with the export; name trusted ones with --authority."
            )
    else:
        print("  没有时间戳：封存时间仅依据现场设备的时钟")
        print("  No time stamp: the time of the sealing is the site's own clock")
    if not fingerprint:
        print("  请与执法单位公布的指纹核对。")
        print("  Compare the fingerprint with the one that the authority publishes.")
    return VERIFIED


def _trusted(path: Path | None) -> list[x509.Certificate] | None:
    if path is None:
        return None
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CannotCheck(f"{path}: needs certificates in PEM: {error}") from None


def main() -> int:
    """Check what the command line names."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("export", type=Path, help="the zip, or the folder it was unpacked to")
    parser.add_argument("--fingerprint", default="", help="as the authority publishes it (64 hex)")
    parser.add_argument(
        "--authority", type=Path, help="certificates (PEM) of the time-stamping authority you trust"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for programs to read")
    given = parser.parse_args()
    fingerprint = re.sub(r"[^0-9a-f]", "", given.fingerprint.lower())
    if given.fingerprint and not HEX_64.fullmatch(fingerprint):
        parser.error("--fingerprint needs 64 hexadecimal digits")
    try:
        checker = Checker(Export(given.export), _trusted(given.authority))
        checker.check()
    except CannotCheck as error:
        print(f"无法核验 / cannot be checked: {error}", file=sys.stderr)
        return NOT_CHECKED
    if fingerprint and fingerprint not in checker.site_keys:
        checker.faults.insert(
            0,
            Fault(
                "export.json",
                "不是该指纹的密钥所签",
                "is not signed by the key of that fingerprint, nor by one that it led to",
            ),
        )
    if given.json:
        told = {"evidence_id": checker.evidence_id, "fingerprint": checker.signed_by}
        told_more = {"withheld": checker.withheld, "custody_entries": checker.entries}
        told_more |= {"stamped_at": checker.stamped_at, "stamped_by": checker.stamped_by}
        faults = [{"file": each.name, "zh": each.zh, "en": each.en} for each in checker.faults]
        print(json.dumps({**told, **told_more, "faults": faults}, ensure_ascii=False))
        return CHANGED if checker.faults else VERIFIED
    return report(checker, fingerprint)


if __name__ == "__main__":
    sys.exit(main())
