"""Keep the time of a simulation: it passes only where the simulation says so."""

from __future__ import annotations

import datetime as real
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

BEGAN = real.datetime(2026, 3, 2, 8, tzinfo=real.UTC)
# modules that ask by themselves what time it is, or for how long to wait
BY_THE_WALL = ("event_log.log", "event_log.commands")
BY_SECONDS = (
    "flows.keyed_logic",
    "flows.waking",
    "flows.preserve",
    "flows.sources.event_log",
    "flows.sinks.event_log",
    "flows.speech.announce",
)


class OwnClock:
    """A machine's clocks: seconds since its start, and the wall's, which may be set."""

    def __init__(self) -> None:
        self.now_s = 0.0  # since the simulation began
        self.set_by_s = 0.0  # the wall's clock is ahead by that
        self.boots = 1
        self._booted_s = -100.0

    @property
    def boot_name(self) -> str:
        """Name this start of the machine."""
        return f"boot-{self.boots}"

    def boot_s(self) -> float:
        """Return the seconds since the machine was started."""
        return self.now_s - self._booted_s

    def wall_s(self) -> float:
        """Return what the wall's clock says, seconds since 1970."""
        return BEGAN.timestamp() + self.now_s + self.set_by_s

    def wall(self) -> real.datetime:
        """Return what the wall's clock says."""
        return real.datetime.fromtimestamp(round(self.wall_s(), 6), real.UTC)

    def restart(self) -> None:
        """Start the machine anew."""
        self.boots += 1
        self._booted_s = self.now_s - 20.0

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Let the modules that ask for the time ask this clock; a pause is over at once."""
        clock = self

        class Wall(real.datetime):
            """Says the simulation's time."""

            @classmethod
            def now(cls, tz: Any = None) -> real.datetime:
                return clock.wall()

        seconds = SimpleNamespace(
            monotonic=lambda: 1e6 + clock.now_s, sleep=lambda _: None, time=clock.wall_s
        )
        modules = [(name, "datetime", Wall) for name in BY_THE_WALL]
        modules += [(name, "time", seconds) for name in BY_SECONDS]
        patches = [patch.object(importlib.import_module(n), what, to) for n, what, to in modules]
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in patches:
                each.stop()
