"""The server of a run comes up although somebody kills parts of it meanwhile."""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from starting_server import wait_for_models

from domain.data_dir import DataDir
from forewarn.programs.triton import serving
from models.registry import read_registry
from models.serving.check import check_answers
from models.serving.connection import connect
from models.serving.running import read_note

pytestmark = pytest.mark.triton


def kill_the_first_helper(data: DataDir, killed: list[int], over: threading.Event) -> None:
    while not over.is_set():
        note = read_note(data.triton)
        helpers = psutil.Process(note.pid).children() if note and note.is_alive else []
        for each in helpers:
            each.kill()
            killed.append(each.pid)
            return
        time.sleep(0.002)


def helpers_of(data: DataDir) -> list[psutil.Process]:
    note = read_note(data.triton)
    assert note is not None
    found = psutil.Process(note.pid).children()
    return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]


def test_a_server_that_has_lost_a_helper_is_started_again_at_the_same_address(
    tmp_path: Path,
) -> None:
    data = DataDir(tmp_path)
    with serving(None, data) as server:
        address, all_helpers = server.address, len(helpers_of(data))
        assert all_helpers
        victim = helpers_of(data)[0]
        victim.kill()
        give_up_at = time.monotonic() + 240
        while True:
            server.keep_alive()
            with contextlib.suppress(psutil.NoSuchProcess, AssertionError):
                now = helpers_of(data)
                if len(now) == all_helpers and victim not in now:
                    break
            assert time.monotonic() < give_up_at
            time.sleep(0.1)
        assert server.address == address
        with closing(connect(address)) as connection:
            wait_for_models(connection, read_registry().required, timeout_s=120)
            check_answers(connection)


def test_a_helper_that_is_killed_while_the_server_starts_does_not_end_the_run(
    tmp_path: Path,
) -> None:
    data, killed, over = DataDir(tmp_path), [], threading.Event()
    killer = threading.Thread(target=kill_the_first_helper, args=(data, killed, over))
    killer.start()
    try:
        with serving(None, data) as server:
            assert killed
            assert server.is_embedded and server.address
    finally:
        over.set()
        killer.join()
