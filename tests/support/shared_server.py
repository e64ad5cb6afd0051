"""The Triton server that all workers of a run share: kept alive; a test that waits for it in vain fails soon."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from forewarn.programs.triton import serving
from models.serving import server as embedded

ADDRESS, FOLDER = "FOREWARN_TRITON", "FOREWARN_TRITON_FOLDER"
LOOK_EVERY_S = 2.0
# the backend that the server loads; its environment knows nothing of forewarn
MODEL_PY = f"""\
import sys

sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})
from tests.support.remembering_backend import RememberingModel as TritonPythonModel
"""
# it is started again within some 20 s, on a busy machine within a minute
AWAY_S = 120.0


@contextmanager
def kept_alive(folder: Path) -> Iterator[dict[str, str]]:
    """Serve all models as a run does, and start the server again when it dies; yield variables that tell of it.

    It infers each picture once: most of what a suite's runs cost are inferences of the same pictures.
    """
    data, over = DataDir(folder / "data"), threading.Event()
    embedded.OPENVINO_BACKEND = _write_backend(folder / "backend")
    with serving(None, data) as server:

        def keep() -> None:
            while not over.wait(LOOK_EVERY_S):
                server.keep_alive()

        keeper = threading.Thread(target=keep)
        keeper.start()
        try:
            yield {ADDRESS: server.address, FOLDER: str(data.triton)}
        finally:
            over.set()
            keeper.join()


def _write_backend(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.py").write_text(MODEL_PY)
    return folder


def last_death(folder: Path) -> str:
    """Return the end of the log of a server that had to be started again; "" where none had."""
    log = folder / "tritonserver.log.1"
    return _tail(log) if log.exists() else ""


@contextmanager
def failing_when_it_stays_away(
    away_s: float = AWAY_S, look_every_s: float = LOOK_EVERY_S
) -> Iterator[None]:
    """Wait for the shared server, then fail what runs in the main thread, a long wait too, when it dies for good."""
    address = os.environ.get(ADDRESS)
    if address is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    over = threading.Event()
    words = _wait_in_vain(address, away_s, look_every_s, over, until_back=True)
    if words:
        pytest.fail(words)

    def fail(*_: object) -> None:
        if not over.is_set():
            pytest.fail(words)

    def look() -> None:
        nonlocal words
        words = _wait_in_vain(address, away_s, look_every_s, over, until_back=False)
        if words:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, fail)
    watch = threading.Thread(target=look, daemon=True)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
        signal.signal(signal.SIGUSR2, before)


def _wait_in_vain(
    address: str, away_s: float, look_every_s: float, over: threading.Event, *, until_back: bool
) -> str:
    """Look until the server was away for so long, and return words for it; "" when it is over, or back."""
    away_since_s: float | None = None
    while True:
        why = _why_away(address)
        if not why:
            away_since_s = None
            if until_back:
                return ""
        elif away_since_s is None:
            away_since_s = time.monotonic()
        elif time.monotonic() - away_since_s >= away_s:
            folder = Path(os.environ.get(FOLDER, "/unknown"))
            end = last_death(folder) or _tail(folder / "tritonserver.log")
            return f"the Triton server that all tests share, {address}, is away: {why}:\n{end}"
        if over.wait(look_every_s):
            return ""


def _why_away(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=LOOK_EVERY_S):
            return ""
    except TimeoutError:
        return ""  # it is only busy
    except OSError as error:
        return str(error)


def _tail(log: Path, lines: int = 30) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(its log is not known)"
