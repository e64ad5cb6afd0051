"""Start a module of ours as a child that ends with us, and be that child.

`python -m forewarn.programs.supervision.child PARENT_PID MODULE …` runs MODULE's main(). Code between fork and exec
(preexec_fn) may hang where threads or gRPC's fork handlers are, so the child itself asks the kernel for
the signal, and only then looks whether its parent is still there.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import threading
from typing import IO, Any

from flows.signals import end_at_once_by_sigterm, install_stop_signals, keep_exit_code

_PR_SET_PDEATHSIG = 1


def python_program(module: str, argv: list[str]) -> list[str]:
    """Return the command line that runs a module's main() with this interpreter, as our child."""
    return [sys.executable, "-m", __name__, str(os.getpid()), module, *argv]


def start_child(argv: list[str], output: IO[Any] | int, **more: Any) -> subprocess.Popen[Any]:
    """Start a `python_program`, without an input; call it in the main thread.

    Args:
        argv: its command line.
        output: takes what it prints.
        more: for subprocess.Popen.
    """
    if threading.current_thread() is not threading.main_thread():
        # the kernel sends the signal when the thread that started the child ends, not the process
        raise RuntimeError("a child that ends with its parent must be started in the main thread")
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **more
    )


def end_with_parent(parent_pid: int) -> None:
    """Be sent SIGTERM when the parent is killed; end at once where it is gone already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent_pid:
        sys.exit(0)


def main() -> None:
    """Be the child.

    Signals are noted before the imports of the module, which take seconds; but SIGTERM ends it at once until
    it has something to save, and says so (`note_sigterm`).
    """
    install_stop_signals()
    end_at_once_by_sigterm()
    end_with_parent(int(sys.argv[1]))
    module = importlib.import_module(sys.argv[2])
    sys.argv = sys.argv[2:]
    try:
        module.main()
    finally:
        keep_exit_code()


if __name__ == "__main__":
    main()
