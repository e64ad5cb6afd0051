"""Note the signals that ask a program to end: at once, or after what is left.

A handler here does nothing but note a number. One that set a threading.Event hung for ever where a second
signal came inside it, for Event.set() takes a lock that is not reentrant.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol

LOOK_EVERY_S = 0.1

ENDING = (signal.SIGTERM, signal.SIGINT)


class StopFlag(Protocol):
    """Says whether the program is asked to end; a threading.Event is one, where no signal sets it."""

    def is_set(self) -> bool:
        """Return True once it was asked."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is asked, `timeout` seconds at most (None: for ever); return whether it was."""


class SignalFlag:
    """A flag that signal handlers may set at any moment, for any thread to look at and wait for."""

    def __init__(self) -> None:
        """Begin with no signal."""
        self.number = 0  # of the last signal that came

    def note(self, number: int, _frame: FrameType | None = None) -> None:
        """Remember a signal; the whole of a handler."""
        self.number = number

    def is_set(self) -> bool:
        """Return True once a signal came."""
        return self.number != 0

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a signal, `timeout` seconds at most; its coming is seen within LOOK_EVERY_S."""
        until_s = None if timeout is None else time.monotonic() + timeout
        while not self.number:
            left_s = LOOK_EVERY_S if until_s is None else until_s - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(left_s, LOOK_EVERY_S))
        return True


StopAndDrain = tuple[SignalFlag, SignalFlag]


@dataclass(frozen=True)
class _Installed:
    flags: StopAndDrain
    before: dict[signal.Signals, Any]  # handlers


_installed: _Installed | None = None  # a process has one handler for each signal


def install_stop_signals() -> StopAndDrain:
    """Turn signals into flags that the sources look at, (stop, drain); call it in the main thread.

    Without a handler SIGTERM kills the process on the spot and up to one epoch is repeated at the
    next start. With one, the sources end their input, Bytewax takes a last snapshot, and the
    process exits with 0. stop is set by SIGTERM and SIGINT: end as soon as what was read is dealt
    with. drain is set by SIGUSR1: end once nothing is left to read.

    Called again it returns the same flags: what came since a program's first moment is not forgotten.
    """
    global _installed
    if _installed is None:
        stop, drain = SignalFlag(), SignalFlag()
        before = {number: signal.signal(number, stop.note) for number in ENDING}
        before[signal.SIGUSR1] = signal.signal(signal.SIGUSR1, drain.note)
        _installed = _Installed((stop, drain), before)
    return _installed.flags


def end_at_once_by_sigterm() -> None:
    """Let SIGTERM end the process on the spot, while it still loads and there is nothing to save."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def note_sigterm() -> None:
    """Note SIGTERM from now on: what runs has something to save."""
    (stop, _) = install_stop_signals()
    signal.signal(signal.SIGTERM, stop.note)


def signals_as_usual() -> int:
    """Give the signals back to the handlers of before; return the number of one that came, or 0."""
    global _installed
    if _installed is None:
        return 0
    for number, handler in _installed.before.items():
        signal.signal(number, handler)
    (stop, _), _installed = _installed.flags, None
    return stop.number


def keep_exit_code() -> None:
    """Leave further signals without effect, where one was noted: the work is done, and so it counts."""
    if _installed is not None and any(flag.is_set() for flag in _installed.flags):
        for number in _installed.before:
            signal.signal(number, signal.SIG_IGN)
