"""Ask a helper process by JSON lines; it is replaced when it hangs or dies."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

from domain.errors import Stop, TryAgain

Answer = dict[str, Any]


class JsonLinesWorker:
    """Starts `command` when first asked; one request at a time, from any thread.

    The process says {"ready": true} in its first line, or {"ready": false, "error": …}.
    """

    def __init__(self, name: str, command: Sequence[str], start_within_s: float) -> None:
        self._name = name
        self._command = list(command)
        self._start_within_s = start_within_s
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""
        self._one_at_a_time = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Return the running process's id; None while there is none."""
        return None if self._process is None else self._process.pid

    def ask(self, request: Answer, within_s: float) -> Answer:
        """Send one request and wait for its answer.

        Raises:
            TryAgain: no answer in time, or the process died; it is gone, the next call starts
                another.
            Stop: it says that it cannot work here.
        """
        with self._one_at_a_time:
            try:
                process = self._started()
                assert process.stdin is not None
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
                return self._answer(process, within_s)
            except OSError as error:
                self._end()
                raise TryAgain(f"{self._name}: its process died ({error}); try again") from error
            except TryAgain:
                self._end()  # a late answer would be taken for the next request's
                raise

    def close(self) -> None:
        """End the process."""
        with self._one_at_a_time:
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._end()
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        hello = self._answer(self._process, self._start_within_s)
        if not hello.get("ready"):
            self._end()
            raise Stop(f"{self._name}: cannot work here: {hello.get('error')}; is it installed?")
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], within_s: float) -> Answer:
        assert process.stdout is not None
        give_up_at = time.monotonic() + within_s
        while b"\n" not in self._unread:
            left_s = give_up_at - time.monotonic()
            readable, _, _ = select.select([process.stdout], [], [], max(0.0, left_s))
            if not readable:
                raise TryAgain(f"{self._name}: no answer within {within_s:g} s; try again")
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                raise TryAgain(f"{self._name}: its process ended without an answer; try again")
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise TryAgain(f"{self._name}: its answer was no JSON; try again") from error
        if not isinstance(answer, dict):
            raise TryAgain(f"{self._name}: its answer was no object; try again")
        return answer

    def _end(self) -> None:
        process, self._process, self._unread = self._process, None, b""
        if process is None:
            return
        process.kill()  # it holds nothing that has to be put in order
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was not sent is lost with the process
                    pipe.close()
