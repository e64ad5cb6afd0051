"""What a process costs is counted, its children included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import own_cpu_s, peak_rss_mb, pss_mb, tree_cpu_s
from benchmarks.workload import write_site
from domain.site.loading import load_site

BURN = "import time\nwhile time.process_time() < 0.3: pass"


def test_cpu_of_a_child_that_lives_is_counted() -> None:
    burn_and_wait = f"{BURN}\nprint(flush=True); input()"
    before_s = tree_cpu_s(os.getpid())
    with subprocess.Popen(
        [sys.executable, "-c", burn_and_wait], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert tree_cpu_s(child.pid) >= 0.25
        assert tree_cpu_s(os.getpid()) - before_s >= 0.25
        child.communicate(b"\n")
    assert tree_cpu_s(child.pid) == 0


def test_own_cpu_only_grows() -> None:
    before_s = own_cpu_s()
    sum(range(200_000))
    assert own_cpu_s() >= before_s


def test_the_peak_remembers_memory_that_was_given_back() -> None:
    hold = "x = bytearray(200_000_000); del x; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert peak_rss_mb(child.pid) > 200
        assert 0 < pss_mb(child.pid) < 200
        child.communicate(b"\n")


def test_the_generated_site_has_as_many_cameras_and_zones_of_their_own(tmp_path: Path) -> None:
    site = load_site(write_site(tmp_path / "site.yaml", 3))
    assert [camera.id for camera in site.cameras] == ["cam-00", "cam-01", "cam-02"]
    assert {zone.id for camera in site.cameras for zone in camera.zones} == set(
        site.rules[0].condition.places()
    )
    assert all(camera.stretch_s is None for camera in site.cameras)
    json.loads((tmp_path / "site.yaml").read_text(encoding="utf-8"))
