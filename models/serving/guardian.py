"""Run a server, and end it with all its helpers when its owner dies or asks.

A program of its own, standard library only: `python guardian.py OWNER_PID GRACE_S COMMAND…`. It
prints the server's process id, then stays until everything below it is gone. The owner may be
killed without warning; a server that goes on alone would hold its ports and 600 MB for ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time

_WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_LOOK_EVERY_S = 0.5  # whether the owner still lives

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


def guard(owner_pid: int, grace_s: float, command: list[str]) -> int:
    """Run the command until it ends, the owner dies, or SIGTERM comes; its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    # helpers of a killed server become our children, so that they can be ended and waited for
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # ours is the owner's: it reads the process id and closes it
        preexec_fn=_end_with_guardian,
    )
    print(server.pid, flush=True)
    os.close(1)  # the owner reads until here
    while server.poll() is None:
        came = signal.sigtimedwait(_WATCHED, _LOOK_EVERY_S)
        asked = came is not None and came.si_signo != signal.SIGCHLD
        if asked or os.getppid() != owner_pid:
            _end(server, grace_s)
    _end_helpers(grace_s=3.0)
    return server.returncode


def _end_with_guardian() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _end(server: subprocess.Popen[bytes], grace_s: float) -> None:
    server.terminate()
    try:
        server.wait(grace_s)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _end_helpers(grace_s: float) -> None:
    """Wait for what is left; kill what stays longer than the grace."""
    deadline = time.monotonic() + grace_s
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            if time.monotonic() > deadline:
                for child in _children():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
            time.sleep(0.05)


def _children() -> list[int]:
    with open(f"/proc/self/task/{os.getpid()}/children") as listing:  # noqa: PTH123
        return [int(pid) for pid in listing.read().split()]


if __name__ == "__main__":
    code = guard(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    sys.exit(code if code >= 0 else 128 - code)
