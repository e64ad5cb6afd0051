"""The server of a run comes up although somebody kills parts of it meanwhile."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psutil
import pytest

from domain.data_dir import DataDir
from forewarn.serving import serving
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
