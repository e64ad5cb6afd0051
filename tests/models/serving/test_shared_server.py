"""A test that waits for the shared Triton server fails when that stays away, not when its own patience ends."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import shared_server


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """Stand in for the server."""
    server = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setenv(shared_server.ADDRESS, f"127.0.0.1:{server.getsockname()[1]}")
    return server


def test_a_wait_fails_with_the_servers_log_when_it_stays_away(
    listening: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "tritonserver.log"
    log.write_text("error: the server has ended, killed by SIGSEGV: not on our demand\n")
    monkeypatch.setenv(shared_server.FOLDER, str(tmp_path))
    with (
        pytest.raises(pytest.fail.Exception, match=r"(?s)is away.*killed by SIGSEGV"),
        shared_server.failing_when_it_stays_away(away_s=0.1, look_every_s=0.02),
    ):
        listening.close()
        time.sleep(600)
    with (
        pytest.raises(pytest.fail.Exception, match="is away"),
        shared_server.failing_when_it_stays_away(away_s=0.1, look_every_s=0.02),
    ):
        raise AssertionError("nothing may begin")


def test_nothing_is_done_while_it_listens_or_comes_back_soon(listening: socket.socket) -> None:
    address = listening.getsockname()
    with shared_server.failing_when_it_stays_away(away_s=60, look_every_s=0.02):
        listening.close()
        time.sleep(0.2)
        with socket.create_server(address):
            time.sleep(0.2)
