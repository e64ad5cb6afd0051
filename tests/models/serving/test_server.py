"""The embedded server: it starts, it ends with its owner, and its users survive its death."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
from starting_server import wait_for_models

from domain.errors import Stop, TryAgain
from models.face_detector.golden import read_golden
from models.registry import ROOT, read_registry
from models.serving.client import FaceDetector
from models.serving.connection import connect
from models.serving.environment import inspect_environment
from models.serving.libpython import find_libpython
from models.serving.running import STUB, end_helpers, find_running, read_note
from models.serving.server import TritonServer
from models.serving.status import why_not_loaded
from models.triton_config import put_config

pytestmark = pytest.mark.triton

PATIENCE_S = 120.0  # for a server to start beside much else
LIGHT = ["face_detector"]  # each start loads it
# 127.0.0.1 as /proc/net/tcp writes it, and the same within IPv6
LOOPBACK = {"0100007F", "0000000000000000FFFF00000100007F"}


def wait_until(what: Callable[[], bool], timeout_s: float = 60.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return what()


def helpers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children]


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def write_broken_model(repo: Path, name: str) -> Path:
    entry = read_registry().model(*LIGHT).model_copy(update={"name": name})
    put_config(entry, repo)
    (repo / name / "1").mkdir()
    (repo / name / "1" / "model.xml").write_text("<broken")
    return repo


def test_a_server_is_found_on_loopback_only_leaves_nothing_and_does_not_fall_for_a_broken_model(
    tmp_path: Path,
) -> None:
    assert find_running(tmp_path) is None
    broken = write_broken_model(tmp_path / "repo", "newcomer")
    with TritonServer(tmp_path, more_repos=[broken], models=[*LIGHT, "newcomer"]) as server:
        server.wait_ready(timeout_s=PATIENCE_S)
        assert find_running(tmp_path) == server.address
        with connect(server.address, deadline_s=20) as connection:
            assert connection.has_model(*LIGHT) and not connection.has_model("newcomer")
            assert "model.xml" in why_not_loaded(connection)["newcomer"]
        assert not server.has_lost_a_helper
        with pytest.raises(Stop, match=re.escape(server.address)):
            TritonServer(tmp_path, models=LIGHT).start()
        # gRPC, HTTP, and metrics, which comes up a moment after the others
        assert wait_until(lambda: len(listening_addresses(server.pid)) >= 3)
        assert {a.split(":")[0] for a in listening_addresses(server.pid)} <= LOOPBACK
        pids = [server.pid, *helpers_of(server.pid)]
        assert len(pids) >= 2
    assert not any(lives(pid) for pid in pids)
    assert find_running(tmp_path) is None
    server.stop()  # twice does no harm


def _handle(path: Path) -> str:
    try:
        return str(path.readlink())
    except FileNotFoundError:  # closed since it was listed
        return ""


def listening_addresses(pid: int) -> set[str]:
    """Local addresses, as /proc/net writes them, on which a process accepts connections."""
    handles = [_handle(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {h.removeprefix("socket:[").rstrip("]") for h in handles if h.startswith("socket:")}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1] for row in rows if row[9] in inodes and row[3] == "0A"}


def test_users_survive_the_servers_death_and_find_the_next(tmp_path: Path) -> None:
    picture = read_golden().image_rgb
    first = TritonServer(tmp_path, models=LIGHT)
    first.start()
    first.wait_ready(timeout_s=PATIENCE_S)
    stubs = helpers_of(first.pid)
    with connect(first.address, deadline_s=20, shared_memory=True) as connection:
        detector = FaceDetector(connection)
        before = detector.find(picture)

        os.kill(first.pid, signal.SIGKILL)
        assert wait_until(lambda: not first.is_alive)
        assert first.log_tail(1).endswith("ended, killed by SIGKILL: not on our demand")
        assert stubs
        assert wait_until(lambda: not any(lives(pid) for pid in stubs))  # they end with it
        assert find_running(tmp_path) is None
        with pytest.raises(TryAgain):
            detector.find(picture)

        grpc_port = int(first.address.split(":")[1])
        with TritonServer(tmp_path, models=LIGHT, grpc_port=grpc_port) as second:
            second.wait_ready(timeout_s=PATIENCE_S)
            wait_for_models(connection, LIGHT, timeout_s=60)
            after = detector.find(picture)
            assert connection.uses_shared_memory
    assert len(before[1]) == 1 and all(map(np.array_equal, before, after))


def test_the_server_ends_when_its_owner_is_killed(tmp_path: Path) -> None:
    own = f"""
import sys, time
from pathlib import Path
from models.serving.server import TritonServer
from models.serving.status import why_not_loaded
from models.triton_config import put_config
server = TritonServer(Path({str(tmp_path)!r}), models={LIGHT})
server.start(); server.wait_ready({PATIENCE_S}); print("ready", flush=True); time.sleep(600)
"""
    owner = subprocess.Popen(
        [sys.executable, "-c", own], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert owner.stdout is not None and owner.stdout.readline().strip() == "ready"
    note = read_note(tmp_path)
    assert note is not None and note.is_alive
    stubs = helpers_of(note.pid)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert wait_until(lambda: not lives(note.pid) and not any(lives(pid) for pid in stubs))
    assert find_running(tmp_path) is None


def test_a_server_whose_guardian_is_killed_while_it_starts_ends_and_may_be_started_again(
    tmp_path: Path,
) -> None:
    with TritonServer(tmp_path, models=LIGHT) as server:
        note = read_note(tmp_path)
        assert note is not None
        guardian = psutil.Process(note.pid).parent()
        assert guardian is not None
        guardian.kill()
        with pytest.raises(TryAgain, match="killed while starting"):
            server.wait_ready()
        server.stop()
        assert not note.is_alive
        server.start()
        server.wait_ready()


def test_helpers_that_outlived_server_and_guardian_are_ended_and_those_of_others_are_not(
    tmp_path: Path,
) -> None:
    def helper_of(folder: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen([str(folder / STUB), "600"], executable="sleep")

    with helper_of(tmp_path / "own") as own, helper_of(tmp_path / "other") as other:
        end_helpers(tmp_path / "own")
        assert own.wait(60) == -signal.SIGKILL
        assert other.poll() is None
        other.kill()


def test_models_that_are_not_built_are_named(tmp_path: Path) -> None:
    (tmp_path / "repo" / "detector").mkdir(parents=True)
    (tmp_path / "repo" / "detector" / "config.pbtxt").write_text('name: "detector"')
    server = TritonServer(tmp_path / "run", triton_repo=tmp_path / "repo")
    with pytest.raises(Stop, match=r"(?s)detector.*forewarn models build"):
        server.start()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    repo = write_broken_model(tmp_path / "repo", "detector")
    server = TritonServer(tmp_path / "run", triton_repo=repo)
    with server, pytest.raises(Stop, match=r"(?s)ended while starting.*model\.xml"):
        server.wait_ready(timeout_s=PATIENCE_S)
    assert not server.is_alive


def test_a_missing_server_environment_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"requirements/server\.lock"):
        inspect_environment(tmp_path / "none")


def test_numpy_2_in_the_server_environment_is_refused() -> None:
    # this very environment has it
    with pytest.raises(Stop, match="NumPy below 2"):
        inspect_environment(Path(sys.prefix))


def test_libpython_is_looked_for_first_where_the_interpreter_lives(tmp_path: Path) -> None:
    (tmp_path / "libpython3.11.so.1.0").touch()
    assert find_libpython("3.11", [tmp_path / "none", tmp_path]) == tmp_path


def test_a_missing_libpython_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(Stop, match=r"apt install libpython3\.99;.*dnf install python3\.99-libs"):
        find_libpython("3.99", [tmp_path])
