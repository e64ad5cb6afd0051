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
from forewarn.commands import triton
from forewarn.commands.models import group as models
from models.registry import ROOT, Registry, read_registry
from models.source_kinds import UrlSource
from models.sources import MIRROR_VARIABLE

runner = CliRunner()


def test_list_prints_json_for_programs() -> None:
    result = runner.invoke(models.app, ["list", "--json"])
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [row["name"] for row in rows] == list(read_registry().names)
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


@pytest.fixture
def unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a registry with the embedder, and the likeness model at an address where nobody answers."""
    registry = read_registry()
    away = UrlSource(kind="url", url="http://127.0.0.1:9/model.xml")
    optional = registry.model("likeness").model_copy(
        update={"source": away, "name": "likeness_that_is_away"}
    )
    only = Registry(models=(registry.model("embedder"), optional))
    monkeypatch.setattr(models, "read_registry", lambda: only)
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    return tmp_path / "cache"


def test_an_optional_model_that_cannot_be_had_is_left_out_in_words(unreachable: Path) -> None:
    result = runner.invoke(models.app, ["build", "--json", "--cache", str(unreachable)])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [{"name": "embedder", "built_because": None}]
    assert (
        "likeness_that_is_away: left out" in result.stderr
        and "colours of their clothes" in result.stderr
    )
    verified = runner.invoke(models.app, ["verify", "--json", "--cache", str(unreachable)])
    assert verified.exit_code == 0
    assert [row["ok"] for row in json.loads(verified.stdout)] == [True, True]
    listed = runner.invoke(
        models.app, ["verify", "likeness_that_is_away", "--cache", str(unreachable)]
    )
    assert "optional: without it people are told apart by the colours" in listed.stderr


def test_a_server_that_is_away_is_waited_for_once(
    unreachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = models.read_registry().model("likeness_that_is_away")
    asked = []

    def fetch_all(entries, cache, show, mirror):
        asked.extend(entry.name for entry in entries)
        if entries:
            raise TryAgain("nobody answers")
        return {}

    monkeypatch.setattr(models, "fetch_all", fetch_all)
    other = away.model_copy(update={"name": "from_there_too"})
    _, left_out = models._fetch([away, other], unreachable, None, needed=())
    assert asked == [away.name]
    assert left_out[away.name] == "nobody answers"
    assert "127.0.0.1:9 could not be reached" in left_out[other.name]


def test_an_optional_model_that_is_asked_for_by_name_is_not_left_out(unreachable: Path) -> None:
    result = runner.invoke(
        models.app, ["build", "likeness_that_is_away", "--cache", str(unreachable)]
    )
    assert isinstance(result.exception, TryAgain)
    assert MIRROR_VARIABLE in str(result.exception)


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
    assert status["answers_right"] is True and status["fault"] is None and not status["left_out"]
    served = {(m["name"], m["state"]) for m in status["models"]}
    assert served - {("likeness", "READY")} == {
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
    server = json.loads(served.stdout.readline())
    found = runner.invoke(triton.app, ["status", "--data", str(tmp_path), "--json"])
    assert json.loads(found.stdout)["address"] == server["address"]
    served.send_signal(signal.SIGTERM)
    served.communicate(timeout=60)
    assert served.returncode == 0
    with pytest.raises(ProcessLookupError):
        os.kill(server["pid"], 0)
