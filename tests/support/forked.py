"""Processes to be killed, forked off one that has imported everything: each would take seconds over that."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_CONTEXT = multiprocessing.get_context("forkserver")
# of modules only: a process that runs threads is no good parent
_CHILDREN = ("announce_child", "notify_child", "watch_child")
_CONTEXT.set_forkserver_preload(["pytest", *(f"tests.support.{name}" for name in _CHILDREN)])
PATIENCE_S = 60.0


class Forked:
    """A process with the face of a subprocess.Popen, as far as tests look at it."""

    def __init__(self, process: ForkServerProcess, said: Path | None) -> None:
        self._process, self._said = process, said

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Return its exit code, -n after a signal n; None while it lives."""
        return self._process.exitcode

    def wait(self, timeout_s: float | None = None) -> int:
        """Wait for its end; return its exit code, -n after a signal n."""
        self._process.join(timeout_s)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout_s or 0.0)
        return self._process.exitcode

    def wait_until_said(self, words: str) -> None:
        """Wait until it has printed these words."""
        assert self._said is not None
        give_up_at = time.monotonic() + PATIENCE_S
        while not (self._said.exists() and words in self._said.read_text("utf-8")):
            assert self.poll() is None and time.monotonic() < give_up_at, f"it did not say {words}"
            time.sleep(0.01)

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it lives."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send it SIGKILL, if it lives."""
        self.send_signal(signal.SIGKILL)


def fork(main: Callable[..., None], *given: object, said: Path | None = None) -> Forked:
    """Call a function of a module in a process of its own.

    Args:
        main: is found by its module and name.
        given: what it is called with.
        said: what it prints is added to this file.
    """
    process = _CONTEXT.Process(target=_call, args=(main, given, said), name=main.__module__)
    process.start()
    return Forked(process, said)


def _call(main: Callable[..., None], given: tuple[object, ...], said: Path | None) -> None:
    if said is not None:
        file = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for output in (1, 2):
            os.dup2(file, output)
    main(*given)
