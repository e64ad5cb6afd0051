"""`forewarn models` and `forewarn triton` as people and scripts call them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.errors import Stop, TryAgain
from forewarn.commands import models, triton
from models.registry import ROOT

runner = CliRunner()


def test_list_prints_json_for_programs() -> None:
    result = runner.invoke(models.app, ["list", "--json"])
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["name"] for row in rows] == ["detector", "embedder", "face_detector"]
    assert all(row["licence"] and row["sha256"] for row in rows)


def test_build_leaves_what_is_up_to_date_alone() -> None:
    result = runner.invoke(models.app, ["build", "embedder", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [{"name": "embedder", "built_because": None}]


def test_verify_answers_for_each_model() -> None:
    result = runner.invoke(models.app, ["verify", "embedder", "face_detector", "--json"])
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [(row["ok"], row["faults"]) for row in rows] == [(True, []), (True, [])]


def test_an_unknown_model_is_a_stop() -> None:
    result = runner.invoke(models.app, ["pull", "plate_reader"])
    assert isinstance(result.exception, Stop)


def test_status_without_a_server_can_be_tried_again(tmp_path: Path) -> None:
    result = runner.invoke(triton.app, ["status", "--data", str(tmp_path)])
    assert isinstance(result.exception, TryAgain)
    assert result.exception.exit_code == 75


@pytest.mark.triton
def test_status_of_a_server_says_what_it_serves(triton_address: str) -> None:
    result = runner.invoke(triton.app, ["status", "--triton", triton_address, "--json"])
    assert result.exit_code == 0
    status = json.loads(result.stdout)
    assert status["answers_right"] is True and status["fault"] is None
    assert {(m["name"], m["state"]) for m in status["models"]} == {
        ("detector", "READY"),
        ("embedder", "READY"),
        ("face_detector", "READY"),
    }


@pytest.mark.triton
def test_serve_prints_its_address_and_ends_in_order(tmp_path: Path) -> None:
    code = "from forewarn.commands.triton import app; app()"
    command = [sys.executable, "-c", code, "serve", "--data", str(tmp_path), "--json"]
    served = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT)
    assert served.stdout is not None
    said = json.loads(served.stdout.readline())
    found = runner.invoke(triton.app, ["status", "--data", str(tmp_path), "--json"])
    assert json.loads(found.stdout)["address"] == said["address"]
    served.send_signal(signal.SIGTERM)
    served.communicate(timeout=60)
    assert served.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(said["pid"], 0)
