"""Run a server, and end it with all its helpers when its owner dies or asks.

A program of its own, standard library only: `python guardian.py OWNER_PID GRACE_S COMMAND…`. It
prints the server's process id, then stays until everything below it is gone. The owner may be
killed without warning; a server that goes on alone would hold its ports and 600 MB for ever.

`python guardian.py --become GUARDIAN_PID PIPE COMMAND…` is what it starts: the same process becomes the
server once the kernel has promised to end it with its guardian.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from typing import NoReturn

_WATCHED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_LOOK_EVERY_S = 0.5  # whether the owner still lives

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


def guard(owner_pid: int, grace_s: float, command: list[str]) -> int:
    """Run the command until it ends, the owner dies, or SIGTERM comes; return its exit code."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    # helpers of a killed server become our children, so that they can be ended and waited for
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    became, becomes = os.pipe()
    itself = [sys.executable, "-I", "-S", __file__, "--become", str(os.getpid()), str(becomes)]
    server = subprocess.Popen(
        [*itself, *command],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,  # ours is the owner's: it reads the process id and closes it
        pass_fds=(becomes,),
    )
    os.close(becomes)
    os.read(became, 1)  # its end: the process is the server now, as those who look for it expect
    os.close(became)
    print(server.pid, flush=True)
    os.close(1)  # the owner reads until here
    why = ""
    while server.poll() is None:
        came = signal.sigtimedwait(_WATCHED, _LOOK_EVERY_S)
        if came is not None and came.si_signo != signal.SIGCHLD:
            why = f"asked to by {_name(came.si_signo)} of process {came.si_pid}"
        elif os.getppid() != owner_pid:
            why = f"its owner, process {owner_pid}, has ended"
        if why and server.poll() is None:
            _end(server, grace_s)
    _say_how_it_ended(server.returncode, why)
    _end_helpers(grace_s=3.0)
    return server.returncode


def become(guardian_pid: int, pipe: int, command: list[str]) -> NoReturn:
    """Turn into the command, which is sent SIGTERM when the guardian dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != guardian_pid:
        sys.exit("its guardian has ended already")
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WATCHED)
    for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(ignored_by_python, signal.SIG_DFL)
    os.set_inheritable(pipe, False)
    os.execv(command[0], command)


def _say_how_it_ended(code: int, why: str) -> None:
    """Write the last line of the server's log, which our stderr is; an error where nobody asked for its end."""
    how = f"exit code {code}" if code >= 0 else f"killed by {_name(-code)}"
    kind, why = ("info", why) if why else ("error", "not on our demand")
    with contextlib.suppress(OSError):  # a full disk
        print(f"{kind}: the server has ended, {how}: {why}", file=sys.stderr, flush=True)


def _name(signal_number: int) -> str:
    try:
        return signal.Signals(signal_number).name
    except ValueError:  # real-time signals have none
        return f"signal {signal_number}"


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
    if sys.argv[1] == "--become":
        become(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
    code = guard(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
    sys.exit(code if code >= 0 else 128 - code)
