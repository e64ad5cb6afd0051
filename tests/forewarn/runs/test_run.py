"""`forewarn run` over real footage with a real Triton server: the whole chain."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml_site
from footage_files import write_clip, write_sound

from domain.data_dir import DataDir
from event_log.cloud_events import to_dict
from event_log.log import EventLog
from event_log.schema_files import render
from evidence_store.keys.signing_keys import KeyFolder
from tests.support.played_run import PlayedRun

ROOT = Path(__file__).resolve().parents[3]
DEMO = Path(__file__).with_name("demo")

Run = Callable[..., "subprocess.CompletedProcess[str]"]

# on a machine that others use, too, a run alone may take more than ten minutes
pytestmark = [pytest.mark.slow(file_takes_s=300), pytest.mark.triton, pytest.mark.timeout(1800)]


def test_offences_were_warned_complied_and_escalated(played: PlayedRun) -> None:
    printed = played.printed
    assert len({offence["camera_id"] for offence in printed["offences"]}) == 2
    assert printed["outcomes"]["complied"] >= 3
    assert printed["outcomes"]["escalated"] >= 1
    assert printed["announcements"] == {"written": sum(o["calls"] for o in printed["offences"])}
    escalated = [o for o in printed["offences"] if o["outcome"] == "escalated"]
    assert all(offence["spoken"] == 3 for offence in escalated)


def test_every_offence_has_evidence_that_verifies(played: PlayedRun) -> None:
    printed = played.printed
    assert printed["problems"] == []
    assert printed["evidence_sealed"] == printed["evidence_verified"] == len(printed["offences"])


def test_all_evidence_is_signed_and_a_tampered_copy_does_not_verify(
    played: PlayedRun, forewarn: Run, tmp_path: Path
) -> None:
    printed, copy = played.printed, tmp_path / "copy"
    keys = ("--keys", played.copy(copy).keys)
    sound = json.loads(forewarn("evidence", "verify", "--data", copy, *keys, "--json").stdout)
    assert (sound["records"], sound["unsigned"]) == (len(printed["offences"]), 0)
    assert sound["problems"] == [] and sound["custody_entries"] >= sound["records"]
    clip = next(DataDir(copy).evidence.glob("evd-*/clip.mp4.enc"))
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.chmod(0o644)
    clip.write_bytes(content)
    tampered = forewarn("evidence", "verify", "--data", copy, *keys)
    assert tampered.returncode == 1
    assert f"{clip.parent.name}/clip.mp4: changed" in tampered.stderr


def test_an_export_of_it_verifies_elsewhere_and_a_tampered_one_does_not(
    played: PlayedRun, forewarn: Run, tmp_path: Path
) -> None:
    printed, data = played.printed, played.copy(tmp_path / "copy")
    evidence_id = next(o["evidence_id"] for o in printed["offences"] if o["outcome"] == "escalated")
    words = ("evidence", "export", evidence_id, "--to", tmp_path / "out.zip", "--data", data.root)
    exported = forewarn(*words, "--keys", data.keys, "--json")
    assert exported.returncode == 0, exported.stderr
    fingerprint = json.loads(exported.stdout)["signed_by"]
    assert fingerprint == KeyFolder(data.keys).signer().key_id
    shutil.copyfile(
        ROOT / "evidence_store" / "export" / "verify_evidence.py", tmp_path / "verify.py"
    )

    def check(path: Path) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-I", tmp_path / "verify.py", path, "--fingerprint", fingerprint]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert check(tmp_path / "out.zip").returncode == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    (summary,) = (tmp_path / "elsewhere").glob("evd-*/summary.zh.pdf")
    assert summary.stat().st_size > 20_000, "with the masked pictures in it"
    (picture,) = (tmp_path / "elsewhere").glob("evd-*/record/first.masked.jpg")
    content = bytearray(picture.read_bytes())
    content[len(content) // 2] ^= 1
    picture.write_bytes(content)
    tampered = check(tmp_path / "elsewhere")
    assert tampered.returncode == 1
    assert "record/first.masked.jpg: 已改动" in tampered.stdout


def test_without_a_key_a_run_ends_and_says_how_to_make_one(
    forewarn: Run, sample_site_file: Path, tmp_path: Path
) -> None:
    no_key = tmp_path / "no-key"
    words = ("run", sample_site_file, "--until-end", "--data", tmp_path / "data", "--keys", no_key)
    done = forewarn(*words)
    assert done.returncode == 78
    assert f"forewarn keys create --keys {no_key}" in done.stderr and "--unsealed" in done.stderr
    assert not (tmp_path / "data" / "evidence").exists()


def test_every_emitted_event_fits_its_schema(played: PlayedRun) -> None:
    data = played.data
    schemas = {Path(name).name: json.loads(text) for name, text in render().items()}
    logged = EventLog.open(data.events_db).read(limit=10_000)
    kinds = set()
    for each in logged:
        event = to_dict(each)
        kinds.add(event["type"])
        jsonschema.validate(event["data"], schemas[f"{event['type']}.schema.json"])
    assert {"forewarn.offence.escalated.v1", "forewarn.evidence.sealed.v1"} <= kinds


def test_it_says_and_leaves_what_it_always_did(played: PlayedRun) -> None:
    data = played.data
    golden = DEMO / ("bfloat16" if _infers_in_bfloat16() else "float32")
    if not golden.exists():
        pytest.skip(
            f"nobody has taken {golden.name} on a machine that infers so since it last changed"
        )
    events = {
        each.event.id: to_dict(each) for each in EventLog.open(data.events_db).read(limit=10_000)
    }
    before = [json.loads(line) for line in (golden / "events.jsonl").read_text().splitlines()]
    assert sorted(events) == [each["id"] for each in before]
    for each in before:
        now = events[each["id"]]
        assert {name: now[name] for name in ("type", "source", "subject")} == {
            name: each[name] for name in ("type", "source", "subject")
        }
        assert datetime.fromisoformat(now["time"]) == datetime.fromisoformat(each["time"])
        _assert_alike(now["data"], each["data"], each["type"])
    files = (path for path in data.evidence.rglob("*") if path.is_file())
    names = sorted(str(path.relative_to(data.evidence)) for path in files)
    assert names == sorted((golden / "files.txt").read_text().splitlines())


def _infers_in_bfloat16() -> bool:
    """Tell which precision OpenVINO picks by itself: scores near a threshold fall to either side of it."""
    flags = Path("/proc/cpuinfo").read_text().split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _assert_alike(now: Any, before: Any, where: str) -> None:
    """Equal, but for what another processor's rounding changes: boxes, scores, what is hashed of them."""
    if isinstance(before, dict):
        assert now.keys() == before.keys(), where
        for name in before.keys() - {"sha256", "size_bytes", "manifest_sha256", "signed_by"}:
            _assert_alike(now[name], before[name], f"{where}.{name}")
    elif isinstance(before, list):
        assert len(now) == len(before), where
        for one, other in zip(now, before, strict=True):
            _assert_alike(one, other, f"{where}[]")
    elif isinstance(before, float):
        assert now == pytest.approx(before, rel=0.02, abs=2 if "box_xyxy" in where else 0.02), where
    else:
        assert now == before, where


def test_a_second_pass_gives_the_same_events_and_writes_nothing_twice(
    played: PlayedRun, forewarn: Run, triton_address: str, short_site: Path, tmp_path: Path
) -> None:
    data = played.copy(tmp_path / "data")
    before = [logged.event.id for logged in EventLog.open(data.events_db).read(limit=10_000)]
    done = forewarn(
        *("run", short_site, "--until-end", "--data", data.root),
        *("--triton", triton_address, "--json"),
        key_folder=data.keys,
    )
    assert done.returncode == 0, done.stderr
    after = [logged.event.id for logged in EventLog.open(data.events_db).read(limit=10_000)]
    assert after == before
    assert json.loads(done.stdout)["offences"] == played.printed["offences"]


def test_bad_cameras_are_reported_and_the_good_one_goes_on(
    forewarn: Run, triton_address: str, sample_clip: Path, tmp_path: Path
) -> None:
    bad = {"missing": "gone.mp4", "text": "text.mp4", "empty": "empty.mp4", "sound": "sound.mp4"}
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    write_sound(tmp_path / "sound.mp4")
    whole = write_clip(tmp_path / "whole.mkv", frames=60).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    urls = {"good": str(sample_clip), "cut": "cut.mkv", **bad}
    site_file = yaml_site.write(tmp_path / "site.yaml", urls, stretch_s=(0, 3))
    done = forewarn(
        *("run", site_file, "--until-end", "--data", tmp_path / "data"),
        *("--triton", triton_address, "--json"),
    )
    assert done.returncode == 0, done.stderr
    cameras = json.loads(done.stdout)["cameras"]
    assert cameras["good"] == "ended"
    assert cameras["cut"].startswith("ended")
    assert {name for name in bad if cameras[name].startswith("failed: ")} == set(bad)
    assert "gone.mp4: needs a video file, found nothing" in cameras["missing"]


def test_an_interrupted_run_ends_with_0_and_the_next_one_finishes_it(
    played: PlayedRun,
    triton_address: str,
    short_site: Path,
    tmp_path: Path,
    forewarn: Run,
    site_key: Path,
) -> None:
    import signal
    import sys
    import time

    data = DataDir(tmp_path)
    argv = ["run", short_site, "--until-end", "--data", data.root, "--triton", triton_address]
    argv += ["--keys", site_key]
    first = subprocess.Popen([sys.executable, "-m", "forewarn", *map(str, argv)])
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if data.events_db.exists() and EventLog.open(data.events_db).last_seq() > 6:
            break
        time.sleep(0.1)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    done = forewarn(*argv, "--json")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert [o["offence_id"] for o in again["offences"]] == [
        o["offence_id"] for o in played.printed["offences"]
    ]
    assert again["problems"] == []


def test_a_server_that_is_not_there_is_told(
    forewarn: Run, sample_site_file: Path, tmp_path: Path
) -> None:
    done = forewarn(
        "run", sample_site_file, "--until-end", "--data", tmp_path, "--triton", "127.0.0.1:9"
    )
    assert done.returncode == 75
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
