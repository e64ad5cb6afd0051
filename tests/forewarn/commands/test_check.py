"""`forewarn check` tells what is wrong, for people and for programs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml_site
from misleading_cameras import http_camera

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_sample_site_is_well(forewarn: Run, sample_site_file: Path) -> None:
    done = forewarn("check", sample_site_file, "--json")
    assert done.returncode == 0
    printed = json.loads(done.stdout)
    assert printed["problems"] == []
    assert [camera["width_px"] for camera in printed["cameras"]] == [768, 768]


def test_faults_are_printed_with_file_and_line(forewarn: Run, tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("site:\n  id: Bad Id\n")
    done = forewarn("check", tmp_path / "site.yaml")
    assert done.returncode == 78
    assert f"{tmp_path}/site.yaml:2: site.id" in done.stderr
    assert done.stdout == ""


def test_a_camera_that_cannot_be_read_is_named(forewarn: Run, tmp_path: Path) -> None:
    site_file = yaml_site.write(tmp_path / "site.yaml", {"gate": "nowhere.mp4"})
    done = forewarn("check", site_file, "--json")
    assert done.returncode == 65
    assert "found nothing" in json.loads(done.stdout)["cameras"][0]["problem"]


def test_a_camera_that_refuses_is_named(forewarn: Run, tmp_path: Path) -> None:
    with http_camera(lambda path, password: (401, {}, b"")) as asked:
        site_file = yaml_site.write(
            tmp_path / "site.yaml", {"gate": f"http://{asked.host}:{asked.port}/live"}
        )
        site = json.loads(site_file.read_text())
        site["speakers"] = [{"id": "horn", "kind": "file"}]
        site["cameras"][0]["speaker"] = "horn"
        site_file.write_text(json.dumps(site))
        done = forewarn("check", site_file, "--json")
    assert done.returncode == 65
    assert "401 Unauthorized" in json.loads(done.stdout)["cameras"][0]["problem"]
    assert "Traceback" not in done.stderr


def test_what_a_terminal_takes_for_markup_is_printed_as_it_stands(
    forewarn: Run, tmp_path: Path
) -> None:
    site_file = yaml_site.write(tmp_path / "site.yaml", {"gate": "no[/where].mp4"})
    done = forewarn("check", site_file)
    assert done.returncode == 65
    assert done.stderr.splitlines()[0] == "ok test: 1 cameras, 1 zones, 1 rules, 1 ladders"
    assert "no[/where].mp4" in "".join(done.stderr.split())
    (tmp_path / "site.yaml").write_text("site:\n  id: Bad Id\n")
    assert "'^[a-z0-9][a-z0-9-]{0,62}$'" in forewarn("check", site_file).stderr


def test_a_zone_that_crosses_itself_is_refused(
    forewarn: Run, tmp_path: Path, sample_clip: Path
) -> None:
    site_file = yaml_site.write(tmp_path / "site.yaml", {"gate": str(sample_clip)})
    site = json.loads(site_file.read_text())
    site["cameras"][0]["zones"][0]["polygon"] = [[0, 0], [1, 1], [1, 0], [0, 1]]
    site_file.write_text(json.dumps(site))
    done = forewarn("check", site_file)
    assert done.returncode == 78
    assert "does not cross itself" in done.stderr


def test_the_schema_for_editors_is_json_schema(forewarn: Run, sample_site_file: Path) -> None:
    schema = json.loads(forewarn("check", sample_site_file, "--schema").stdout)
    assert {"site", "cameras"} <= set(schema["properties"])


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "run",
        "up",
        "triton",
        "models",
        "events",
        "evidence",
        "keys",
        "audit",
        "console",
        "notify",
    ],
)
def test_every_command_teaches_by_help(forewarn: Run, command: str) -> None:
    done = forewarn(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout) > 300


def test_a_recording_that_is_not_there_is_named_with_its_line(
    forewarn: Run, tmp_path: Path, sample_clip: Path
) -> None:
    site_file = yaml_site.write(tmp_path / "site.yaml", {"gate": str(sample_clip)})
    site = json.loads(site_file.read_text())
    says = {"zh": "唔該離開", "en": "Please leave"}
    recording = {"language": "yue", "file": "lost.ogg", "says": says}
    site["ladders"][0] |= {"languages": ["yue"]}
    site["ladders"][0]["rungs"][0]["recordings"] = [recording]
    site_file.write_text(json.dumps(site, indent=1))
    done = forewarn("check", site_file)
    assert done.returncode == 78
    line = site_file.read_text().splitlines().index('       "file": "lost.ogg",') + 1
    assert f"site.yaml:{line}: ladders[0].rungs[0].recordings[0].file: " in done.stderr
    assert "there is no such sound file" in done.stderr
