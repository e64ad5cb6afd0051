"""Signals that ask a program to end are only noted: no burst of them hangs it, none is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from flows.signals import SignalFlag

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0


def run_child(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program that installs our handlers; one that hangs fails the test."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )


def test_a_signal_that_comes_inside_the_handler_of_another_hangs_nothing() -> None:
    # threading.Event.set() holds a lock while it calls this: here the second signal comes
    ended = run_child("""
import signal, threading
from flows.signals import install_stop_signals
stop, drain = install_stop_signals()
plain, once = threading.Condition.notify_all, []
def interrupted(self):
    if not once:
        once.append(1)
        signal.raise_signal(signal.SIGTERM)
    plain(self)
threading.Condition.notify_all = interrupted
signal.raise_signal(signal.SIGTERM)
print(stop.is_set(), drain.is_set())
""")
    assert (ended.returncode, ended.stdout) == (0, "True False\n")


def test_threads_and_the_main_thread_that_wait_are_woken_by_a_signal() -> None:
    ended = run_child("""
import os, signal, threading
from flows.signals import install_stop_signals
stop, drain = install_stop_signals()
waits = threading.Thread(target=lambda: print(drain.wait(), flush=True))
waits.start()
os.kill(os.getpid(), signal.SIGUSR1)
waits.join()
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
print(stop.wait(600))
""")
    assert (ended.returncode, ended.stdout) == (0, "True\nTrue\n")


def test_what_came_first_is_not_forgotten_where_handlers_are_installed_again() -> None:
    ended = run_child("""
import signal
from flows.signals import install_stop_signals, signals_as_usual
install_stop_signals()
signal.raise_signal(signal.SIGTERM)
stop, drain = install_stop_signals()
print(stop.number, signals_as_usual(), signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
""")
    assert ended.stdout == "15 15 True\n"


def test_a_signal_after_the_work_changes_no_exit_code() -> None:
    """Python takes handlers back while it shuts down: a signal that comes then would kill it."""
    ended = run_child("""
import signal, sys
from flows.signals import install_stop_signals, keep_exit_code
class Late:
    def __del__(self, send=signal.raise_signal):
        send(15)
sys.modules["late"] = Late()  # goes after the handlers
install_stop_signals()
signal.raise_signal(signal.SIGTERM)
keep_exit_code()
signal.raise_signal(signal.SIGINT)
raise SystemExit(3)
""")
    assert (ended.returncode, ended.stderr) == (3, "")


def test_a_flag_is_waited_for_no_longer_than_asked() -> None:
    flag = SignalFlag()
    assert not flag.wait(0.0)
    assert not flag.wait(0.15)
    flag.note(signal.SIGTERM)
    assert flag.wait(600)
    assert flag.is_set()


def test_one_flag_wakes_all_that_wait_for_it() -> None:
    flag, woken = SignalFlag(), []
    threads = [threading.Thread(target=lambda: woken.append(flag.wait(600))) for _ in range(5)]
    for thread in threads:
        thread.start()
    flag.note(signal.SIGTERM)
    for thread in threads:
        thread.join(PATIENCE_S)
    assert woken == [True] * 5
