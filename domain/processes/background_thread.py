"""Run one loop in a thread of its own, from start to stop; needs only the standard library."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class BackgroundThread(ABC):
    """Base of what looks again and again in a daemon thread; may be started once."""

    def __init__(self, name: str) -> None:
        """Make the thread, named for those who debug; it does not run yet."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to look; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking and wait for the thread to end, 10 s at most."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    @abstractmethod
    def _run(self) -> None:
        """Loop until `_stopping` is set; wait on it between two looks."""
