"""A whole live run whose real Triton server becomes slow: told to people, and over when it is over."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from slow_wire import wire_to

from domain.data_dir import DataDir
from domain.events.catalog import CameraChanged
from event_log.log import EventLog

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 180.0

pytestmark = [pytest.mark.slow(file_takes_s=80), pytest.mark.triton]


def write_light_site(target: Path, sample: Path, clip: Path) -> Path:
    """One camera of the sample site, two frames a second: any machine keeps up with that."""
    yaml = YAML()
    site = yaml.load(sample.read_text("utf-8"))
    camera = site["cameras"][0]
    camera.pop("starts_at", None)
    camera |= {"url": str(clip), "analyse_fps": 2.0}
    zones = {zone["id"] for zone in camera["zones"]}
    site["cameras"] = [camera]
    site["rules"] = [
        rule for rule in site["rules"] if zones & set(rule["condition"]["present"]["zones"])
    ]
    for rule in site["rules"]:
        rule["condition"]["present"]["zones"] = sorted(zones)
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(site, file)
    return target


def changes(data: DataDir) -> list[CameraChanged]:
    if not data.events_db.exists():
        return []
    with EventLog.open(data.events_db) as log:
        found = [each.event.data for each in log.read(types=[CameraChanged.event_type])]
    return [each for each in found if isinstance(each, CameraChanged)]


def wait_for(holds: Callable[[], bool], run: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds():
        assert run.poll() is None, "the run ended"
        assert time.monotonic() < give_up_at
        time.sleep(0.2)


def test_a_triton_that_becomes_slow_is_told_of_and_so_is_its_coming_back(
    tmp_path: Path, triton_address: str, sample_site_file: Path, sample_clip: Path
) -> None:
    data, output_file = DataDir(tmp_path / "data"), tmp_path / "told"
    site = write_light_site(tmp_path / "site.yaml", sample_site_file, sample_clip)
    with wire_to(triton_address) as wire, output_file.open("wb") as output:
        argv = ["run", site, "--data", data.root, "--unsealed", "--triton", wire.address]
        run = subprocess.Popen(
            [sys.executable, "-m", "forewarn", *map(str, argv)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=output,
        )
        try:
            wait_for(lambda: [e.status for e in changes(data)] == ["up"], run)
            wire.pause_s = 2.5
            wait_for(lambda: changes(data)[-1].status == "slow", run)
            wait_for(lambda: "frames a second are analysed" in output_file.read_text(), run)
            wire.pause_s = 0.0
            wait_for(lambda: changes(data)[-1].status == "up", run)
            wait_for(lambda: "is well again" in output_file.read_text(), run)
        finally:
            run.terminate()
            run.wait(PATIENCE_S)
    slow = next(each for each in changes(data) if each.status == "slow")
    assert "of 2.0 frames a second are analysed" in slow.reason
    assert "每秒应分析 2.0 帧" in slow.reason_zh
