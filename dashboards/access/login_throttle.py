"""Slow down guesses at passwords: wrong ones use up tries, which come back with time.

Nobody is locked out for good: who forgot a password waits some seconds more each time, and whoever
guesses gets about one try a minute for a name.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

MOST_KEYS = 10_000  # remembered at once; the oldest are forgotten


@dataclass(frozen=True, slots=True)
class Limit:
    """Wrong tries in a row that are allowed, and the pace of one more afterwards."""

    tries: int
    one_more_every_s: float


FOR_NAME_FROM_ADDRESS = Limit(5, 60.0)
FOR_NAME = Limit(30, 30.0)  # from anywhere: guesses may come from many machines
FROM_ADDRESS = Limit(40, 5.0)  # a proxy is one address for everybody


class LoginThrottle:
    """Counts wrong passwords; belongs to the event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: dict[tuple[str, str, str], tuple[float, float]] = {}  # tries left, when

    def wait_s(self, who: str, address: str) -> int:
        """Return the seconds until this name may be tried from this address; 0: now."""
        waits = [self._wait_s(key, limit) for key, limit in _limits(who, address)]
        return math.ceil(max(waits))

    def count_wrong(self, who: str, address: str) -> None:
        """Count a wrong password, or a name that nobody has."""
        now_s = self._clock()
        for key, limit in _limits(who, address):
            left = self._tries_left(key, limit)
            self._left.pop(key, None)  # to the end: the oldest are forgotten first
            self._left[key] = (left - 1.0, now_s)
        while len(self._left) > MOST_KEYS:
            del self._left[next(iter(self._left))]

    def forgive(self, who: str, address: str) -> None:
        """Forget wrong tries of this name from this address: the right password came."""
        self._left.pop(("name from", who, address), None)

    def _wait_s(self, key: tuple[str, str, str], limit: Limit) -> float:
        missing = 1.0 - self._tries_left(key, limit)
        return max(0.0, missing * limit.one_more_every_s)

    def _tries_left(self, key: tuple[str, str, str], limit: Limit) -> float:
        left, at_s = self._left.get(key, (float(limit.tries), self._clock()))
        return min(limit.tries, left + (self._clock() - at_s) / limit.one_more_every_s)


def _limits(who: str, address: str) -> list[tuple[tuple[str, str, str], Limit]]:
    return [
        (("name from", who, address), FOR_NAME_FROM_ADDRESS),
        (("name", who, ""), FOR_NAME),
        (("from", "", address), FROM_ADDRESS),
    ]
