"""Tell who started a run that a program could not use what it had saved."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from domain.data_dir import DataDir


class SavedStateNews:
    """Reports each store that a program sets aside, once; calling it looks.

    What a run that was killed did not get to report is reported by the next.
    """

    # written by programs/recovery_store.py, which is not imported here: it takes Bytewax with it
    PATTERN = "*.set-aside-*"
    REASON_FILE = "why-set-aside.txt"
    REPORTED_FILE = "why-set-aside.reported.txt"  # the reason's name from then on

    def __init__(self, data: DataDir, report: Callable[[str], None]) -> None:
        """Begin."""
        self._folder = data.recovery
        self._report = report
        self._known: set[Path] = set()

    def __call__(self) -> None:
        """Report what is new."""
        for aside in sorted(set(self._folder.glob(self.PATTERN)) - self._known):
            self._known.add(aside)
            if (aside / self.REPORTED_FILE).exists():
                continue
            try:
                words = (aside / self.REASON_FILE).read_text("utf-8", errors="replace")
            except OSError as error:
                words = f"{aside}: saved state was set aside; why cannot be read: {error.strerror}"
            self._report(words)
            # where it stays, the next run reports it again
            with suppress(OSError):
                (aside / self.REASON_FILE).rename(aside / self.REPORTED_FILE)
