"""How a running dataflow is asked to end: at once, or after what is left."""

from __future__ import annotations

import signal
import threading
from types import FrameType

StopAndDrain = tuple[threading.Event, threading.Event]


def install_stop_signals() -> StopAndDrain:
    """Turn signals into events that the sources look at; call it in the main thread.

    Without a handler SIGTERM kills the process on the spot and up to one epoch is repeated at the
    next start. With one, the sources end their input, Bytewax takes a last snapshot, and the
    process exits with 0.

    Returns:
        (stop, drain). stop is set by SIGTERM and SIGINT: end as soon as what was read is dealt
        with. drain is set by SIGUSR1: end once nothing is left to read.
    """
    stop, drain = threading.Event(), threading.Event()

    def on_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    def on_drain(_number: int, _frame: FrameType | None) -> None:
        drain.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_stop)
    signal.signal(signal.SIGUSR1, on_drain)
    return stop, drain
