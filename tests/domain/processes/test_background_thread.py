"""A background thread looks until it is stopped, and stopping waits for it."""

from __future__ import annotations

import threading
import time

from domain.processes.background_thread import BackgroundThread


class Ticker(BackgroundThread):
    """Count looks, as fast as they come."""

    def __init__(self) -> None:
        super().__init__("ticker")
        self.looks = 0
        self.has_looked = threading.Event()
        self.names: set[str] = set()

    def _run(self) -> None:
        while not self._stopping.wait(0.001):
            self.looks += 1
            self.names.add(threading.current_thread().name)
            self.has_looked.set()


def test_it_looks_in_a_thread_of_its_own_until_it_is_stopped() -> None:
    ticker = Ticker()
    assert not ticker.has_looked.wait(0.05), "it runs before it was started"
    ticker.start()
    assert ticker.has_looked.wait(30)
    ticker.stop()
    looks = ticker.looks
    time.sleep(0.05)
    assert ticker.looks == looks > 0
    assert ticker.names == {"ticker"}


def test_stopping_what_never_began_is_fine_and_so_is_stopping_twice() -> None:
    ticker = Ticker()
    ticker.stop()
    ticker.start()
    ticker.stop()
    ticker.stop()
    assert ticker.looks == 0
