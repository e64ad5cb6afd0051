"""Time stamps by a real authority (`openssl ts` on loopback): got, kept, checked, and found out."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder
from sealed_record import EVIDENCE_ID as ID
from sealed_record import a_record
from time_stamping import Authority, make_authority, serving

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop, TryAgain
from domain.evidence import EvidenceRecord
from domain.site.time_stamping import TimeStamping
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.custody.time_stamper import StampBook, Stamper, open_authority, stamp_waiting
from evidence_store.custody.time_stamps import (
    TimeStampAuthority,
    check_stamp,
    publish_authority,
    read_certificates,
)
from evidence_store.export.archive import VERIFIER_FILE
from evidence_store.export.export import Exporter
from evidence_store.export.summary_pdf import write_summaries
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.vault.vault import Vault
from evidence_store.verify_data_folder import Verifier

OTHER_ID = "evd-00000000000000bb"


class Site:
    """A data folder whose records are sealed and signed."""

    def __init__(self, root: Path) -> None:
        self.data = DataDir(root)
        self.signer = KeyFolder(self.data.keys).create()
        self.chain = CustodyChain(self.data.custody, self.signer)
        self.records: list[EvidenceRecord] = []

    def seal(self, evidence_id: str = ID) -> EvidenceRecord:
        vault = Vault(self.data.evidence)
        with vault.draft(evidence_id) as draft:
            (draft / "clip.mp4").write_bytes(b"packets")
            made = vault.seal(draft, a_record(evidence_id), {"clip.mp4": "clip"}, {}, self.signer)
        note_sealed(self.chain, vault.folder_of(evidence_id), "ofc-1")
        self.records.append(made)
        return made

    def stamp(self, authority: Authority) -> int:
        settings = settings_of(authority)
        asked = open_authority(settings, authority.folder, self.data)
        return stamp_waiting(StampBook(self.chain), asked, settings.url)

    def problems(self) -> list[str]:
        verifier = Verifier.open(self.data)
        found = [verifier.problems_of(each) for each in self.records]
        return [*verifier.problems, *(problem for each in found for problem in each)]

    def entries(self, kind: str) -> list[dict[str, Any]]:
        entries = [json.loads(line) for line in self.data.custody.read_bytes().splitlines()]
        return [entry for entry in entries if entry["kind"] == kind]

    def forge(self, **details: object) -> None:
        """Append a stamped entry that the site's own key signs: only the authority's word speaks against it."""
        real = self.entries("stamped")[-1]["details"]
        self.chain.append("stamped", ID, real | details)


def settings_of(authority: Authority) -> TimeStamping:
    return TimeStamping(url=authority.url, ca_file="ca.pem", timeout_s=20)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    with serving(make_authority(tmp_path_factory.mktemp("tsa"))) as made:
        yield made


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "var")


def test_a_sealing_is_stamped_once_and_verifies(site: Site, authority: Authority) -> None:
    site.seal()
    assert site.stamp(authority) == 1 and site.stamp(authority) == 0
    assert site.problems() == []
    verifier = Verifier.open(site.data)
    stamp = verifier.stamp_of(ID)
    assert stamp is not None and "Test Stamping" in stamp.by
    assert abs((stamp.at - datetime.now(UTC)).total_seconds()) < 300
    assert verifier.has_stamp(ID) and verifier.clock_remark(ID) == ""
    site.seal(OTHER_ID)
    assert Verifier.open(site.data).stamp_of(OTHER_ID) is None
    assert site.stamp(authority) == 1 and site.problems() == []


def test_an_authority_with_a_key_on_an_elliptic_curve_is_as_good(
    site: Site, tmp_path: Path
) -> None:
    with serving(make_authority(tmp_path / "ec", elliptic=True)) as authority:
        site.seal()
        assert site.stamp(authority) == 1 and site.problems() == []


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (b"", "ends too early"),
        (b"<html>please log in</html>", "is no time stamp"),
        (
            bytes.fromhex("30 05 30 03 02 01 02"),
            r"refused \(status 2\)",
        ),  # a refusal without a token
    ],
)
def test_what_is_no_stamp_is_not_kept(
    site: Site, authority: Authority, answers: bytes, words: str
) -> None:
    site.seal()
    authority.answers = answers
    try:
        with pytest.raises(TryAgain, match=words):
            site.stamp(authority)
    finally:
        authority.answers = None
    assert site.entries("stamped") == [] and site.problems() == []


def test_a_stamp_of_an_earlier_question_is_not_taken(site: Site, authority: Authority) -> None:
    site.seal()
    asked = open_authority(settings_of(authority), authority.folder, site.data)
    line = site.data.custody.read_bytes().splitlines()[0]
    _, authority.answers = asked.stamp(line)
    try:
        with pytest.raises(TryAgain, match="Nonce mismatch"):
            asked.stamp(line)
    finally:
        authority.answers = None


def test_who_is_expired_or_not_trusted_is_named(site: Site, tmp_path: Path) -> None:
    over = (timedelta(days=-30), timedelta(days=-1))
    site.seal()
    with (
        serving(make_authority(tmp_path / "expired", valid=over)) as expired,
        pytest.raises(TryAgain, match="certificate that was not valid then"),
    ):
        site.stamp(expired)
    with serving(make_authority(tmp_path / "one")) as one:
        stranger = make_authority(tmp_path / "other", "Somebody Else")
        asked = TimeStampAuthority(settings_of(one), read_certificates(stranger.ca_file))
        with pytest.raises(TryAgain, match="is by an authority that is not trusted here"):
            asked.stamp(b"a line")
        site.stamp(one)
    for path in (site.data.keys / "time-stamping").iterdir():
        path.unlink()
    assert "no certificate of its authority is known here" in site.problems()[0]
    publish_authority(site.data.keys, read_certificates(stranger.ca_file))
    assert f"{ID}: its time stamp is by an authority that is not trusted here" in site.problems()[0]


def test_a_stamp_that_says_something_else_is_named_though_the_chain_is_signed(
    site: Site, authority: Authority
) -> None:
    site.seal()
    site.seal(OTHER_ID)
    site.stamp(authority)
    first, second = (each["details"] for each in site.entries("stamped"))
    site.forge(entry=first["entry"], response=second["response"])
    assert site.problems() == [f"{ID}: its time stamp is of something else, not of this entry"]
    site.forge(entry=first["entry"], response=first["response"], stamped_at="2020-01-01T00:00:00")
    assert "its entry another time" in site.problems()[0]
    site.forge(entry=first["entry"], response="?")
    assert "cannot be read" in site.problems()[0]


def test_no_byte_of_a_stamp_can_be_changed_to_say_another_time(
    site: Site, authority: Authority
) -> None:
    site.seal()
    site.stamp(authority)
    details = site.entries("stamped")[0]["details"]
    response, digest = base64.b64decode(details["response"]), bytes.fromhex(details["sha256"])
    certificates = read_certificates(authority.ca_file)
    sound = check_stamp(response, digest, certificates)
    found = 0
    for position in range(len(response)):
        changed = bytearray(response)
        changed[position] ^= 1 << position % 8
        try:
            assert check_stamp(bytes(changed), digest, certificates) == sound
        except PutAside:
            found += 1
    # what is left are bytes that say nothing: the root's certificate, which is known here anyway
    assert found > len(response) / 3


def test_an_authority_that_is_away_holds_up_no_sealing_and_stamps_later(
    site: Site, authority: Authority
) -> None:
    authority.is_down = True
    asked = open_authority(settings_of(authority), authority.folder, site.data)
    try:
        with Stamper(site.chain, asked):
            site.seal()
            assert site.problems() == []
    finally:
        authority.is_down = False
    assert site.entries("stamped") == [] and len(site.entries("sealed")) == 1
    with pytest.raises(TryAgain, match="gave no answer"):
        dead = replace_url(settings_of(authority), "http://127.0.0.1:9/stamp")
        TimeStampAuthority(dead, asked.certificates).stamp(b"line")
    with Stamper(site.chain, asked):
        wait_for(lambda: len(site.entries("stamped")) == 1)
        site.seal(OTHER_ID)
    assert len(site.entries("stamped")) == 2 and site.problems() == []


def test_two_stampers_and_a_kill_leave_a_chain_that_verifies(
    site: Site, authority: Authority, tmp_path: Path
) -> None:
    for number in range(3):
        site.seal(f"evd-{number:016x}")
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from domain.data_dir import DataDir\nfrom domain.site.time_stamping import TimeStamping\n"
        "from evidence_store.custody.signing_key import open_chain\n"
        "from evidence_store.custody.time_stamper import StampBook, open_authority, stamp_waiting\n"
        f"data = DataDir(Path({str(site.data.root)!r}))\n"
        f"settings = TimeStamping(url={authority.url!r}, ca_file='ca.pem')\n"
        f"asked = open_authority(settings, Path({str(authority.folder)!r}), data)\n"
        "print('ready', flush=True)\n"
        "stamp_waiting(StampBook(open_chain(data)), asked, settings.url)\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "FOREWARN_KEYS"}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment
    ) as child:
        assert child.stdout and child.stdout.readline() == b"ready\n"
        wait_for(lambda: bool(site.entries("stamped")))
        child.send_signal(signal.SIGKILL)
    site.stamp(authority)
    assert site.problems() == []
    assert all(Verifier.open(site.data).has_stamp(each.evidence_id) for each in site.records)


def test_a_clock_that_was_ahead_is_remarked(site: Site, authority: Authority) -> None:
    site.seal()
    site.stamp(authority)
    verifier = Verifier.open(site.data)
    sealing = verifier.chain.sealings[ID]
    for offset_s, words in ((90, "clock was 90 s ahead"), (-3600, "after this machine sealed it")):
        stamp = verifier.stamp_of(ID)
        assert stamp is not None
        at = (stamp.at + timedelta(seconds=offset_s)).isoformat()
        verifier.chain.sealings[ID] = replace(sealing, at=at)
        assert words in verifier.clock_remark(ID)


def test_settings_that_lead_nowhere_are_refused(tmp_path: Path) -> None:
    for url in ("ftp://stamps", "stamps", "http://me:secret@stamps/"):
        with pytest.raises(ValueError, match="url"):
            TimeStamping(url=url, ca_file="ca.pem")
    with pytest.raises(Stop, match="ca_file"):
        read_certificates(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(Stop, match="needs certificates in PEM"):
        read_certificates(tmp_path / "ca.pem")


def replace_url(settings: TimeStamping, url: str) -> TimeStamping:
    return settings.model_copy(update={"url": url})


def wait_for(holds: Any) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Path:
    """Unpack a stamped record's export."""
    folder = tmp_path_factory.mktemp("exported")
    site = Site(folder / "var")
    record = site.seal()
    site.stamp(authority)
    verifier = Verifier.open(site.data)
    exporter = Exporter(
        verifier.vault,
        site.chain,
        verifier.keys,
        verifier.authorities,
        summarise=write_summaries,
    )
    exporter.export(record, folder / "out.zip")
    with zipfile.ZipFile(folder / "out.zip") as archive:
        archive.extractall(folder)
    return folder / ID


def outsider() -> ModuleType:
    """Load the single-file verifier as a module."""
    spec = importlib.util.spec_from_file_location("verify_evidence", VERIFIER_FILE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_outsider_checks_the_stamp_with_one_file(
    exported: Path, authority: Authority, tmp_path: Path
) -> None:
    def check(*words: object) -> tuple[int, dict[str, Any]]:
        argv = [sys.executable, "-I", VERIFIER_FILE, exported, "--json", *words]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)

    code, output = check()
    assert (code, output["faults"], output["stamped_by"]) == (0, [], "CN=Test Stamping")
    at = datetime.fromisoformat(output["stamped_at"])
    assert abs((at - datetime.now(UTC)).total_seconds()) < 300
    assert check("--authority", authority.ca_file)[0] == 0
    stranger = make_authority(tmp_path / "other", "Somebody Else")
    code, output = check("--authority", stranger.ca_file)
    assert code == 1 and "not trusted" in output["faults"][0]["en"] and output["stamped_at"] == ""


def test_openssl_checks_it_as_well(exported: Path, authority: Authority) -> None:
    stamp = exported / "time-stamp"
    argv = ["openssl", "ts", "-verify", "-data", stamp / "sealing.json"]
    argv += ["-in", stamp / "response.tsr", "-CAfile", authority.ca_file]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Verification: OK" in done.stdout + done.stderr


def test_outsider_and_site_find_the_same_bytes_of_a_stamp_changed(
    exported: Path, authority: Authority
) -> None:
    tool, stamp = outsider(), exported / "time-stamp"
    line, response = (stamp / "sealing.json").read_bytes(), (stamp / "response.tsr").read_bytes()
    certificates = read_certificates(authority.ca_file)
    sound = tool.check_stamp(response, line, certificates)
    assert found_by(lambda: tool.check_stamp(response, line + b" ", certificates))
    differ, positions = [], range(0, len(response), 3)
    for position in positions:
        changed = bytearray(response)
        changed[position] ^= 1 << position % 8

        def outside(content: bytes = bytes(changed)) -> None:
            assert tool.check_stamp(content, line, certificates) == sound

        def inside(content: bytes = bytes(changed)) -> None:
            check_stamp(content, hashlib.sha256(line).digest(), certificates)

        if found_by(outside) != found_by(inside):
            differ.append(position)
    # they may differ in what neither the signature nor the meaning rests on
    assert len(differ) < len(positions) / 10, differ


def test_an_outsider_names_a_certificate_that_was_not_valid_then(tmp_path: Path) -> None:
    expired = make_authority(tmp_path / "tsa", valid=(timedelta(days=-30), timedelta(days=-1)))
    query = TimestampRequestBuilder(b"line", HashAlgorithm.SHA256).build().as_bytes()
    with pytest.raises(Exception, match="not valid then"):
        outsider().check_stamp(expired.stamp(query), b"line", read_certificates(expired.ca_file))


def found_by(check: Callable[[], object]) -> bool:
    try:
        check()
    except AssertionError:
        raise
    except Exception:
        return True
    return False
