"""A machine whose clocks a test moves, for what lives in one event log: its wall may be set at any time."""

from __future__ import annotations

import datetime as real
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from domain.cameras.steady_clock import SteadyClock

BEGAN = real.datetime(2026, 3, 2, 8, tzinfo=real.UTC)


class MadeUpMachine:
    """Seconds since it was started, and by how much its wall's clock is wrong."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.set_by_s = 0.0

    def wall_s(self) -> float:
        """Return what the wall's clock says, seconds since 1970."""
        return BEGAN.timestamp() + self.now_s + self.set_by_s

    def clock(self, known: SteadyClock | None = None) -> SteadyClock:
        """Return the steady clock of a program; `known`: that of the program before, as its file kept it."""
        anchor_s, stretches = (known.anchor_s, known.stretches) if known else (None, ())
        return SteadyClock(anchor_s, stretches, boot_s=lambda: self.now_s, wall_s=self.wall_s)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Let the event log ask this machine for the time."""
        machine = self

        class Wall(real.datetime):
            """Says the machine's time."""

            @classmethod
            def now(cls, tz: Any = None) -> real.datetime:
                return real.datetime.fromtimestamp(round(machine.wall_s(), 6), real.UTC)

        with patch("event_log.log.datetime", Wall):
            yield
