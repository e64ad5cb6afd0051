"""Wait longer after each failure: the one way in which forewarn tries again."""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Double a pause after each failure, from the first up to the longest.

    >>> backoff = Backoff(first_s=1.0, longest_s=3.0)
    >>> [backoff.next_s() for _ in range(4)]
    [1.0, 2.0, 3.0, 3.0]
    """

    def __init__(
        self, first_s: float, longest_s: float, share: Callable[[], float] = lambda: 1.0
    ) -> None:
        """Begin with the first pause, above 0; the longest is not below it.

        `share` gives the part of a pause that is waited, in [0, 1]. With `random.random` those who
        lost the same server at the same moment do not come back to it at the same moment.
        """
        self._first_s, self._longest_s, self._share = first_s, longest_s, share
        self.pause_s = first_s  # the whole of what `next_s` will return

    def next_s(self) -> float:
        """Return how long to wait now, and double the pause for the next failure."""
        pause_s = self.pause_s
        self.pause_s = min(2 * pause_s, self._longest_s)
        return pause_s * self._share()

    def reset(self) -> None:
        """Begin anew after a success."""
        self.pause_s = self._first_s
