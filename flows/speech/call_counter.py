"""How many calls were made in the last hour, on one speaker and on all."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from flows.speech.attempts import AttemptNotes

WINDOW = timedelta(hours=1)


class CallCounter:
    """Counts what was begun; shared by the speakers of a site, whose calls run side by side.

    Calls from before a restart are counted from their notes, once.
    """

    def __init__(self, notes: AttemptNotes, site_cap: int | None = None) -> None:
        self._notes = notes
        self._site_cap = site_cap
        self._begun: list[tuple[datetime, str]] | None = None
        self._lock = threading.Lock()

    def reserve(self, speaker_id: str, at: datetime, cap: int | None) -> str:
        """Count a call that is about to be made; '' if it may be, else why not, for people."""
        if cap is None and self._site_cap is None:
            return ""
        with self._lock:
            begun = self._since(at - WINDOW)
            own = sum(each == speaker_id for _, each in begun)
            if cap is not None and own >= cap:
                return f"{speaker_id}: {cap} calls within an hour"
            if self._site_cap is not None and len(begun) >= self._site_cap:
                return f"{speaker_id}: {self._site_cap} calls within an hour on all speakers"
            begun.append((at, speaker_id))
            return ""

    def release(self, speaker_id: str, at: datetime) -> None:
        """Take back a call that did not reach its speaker."""
        with self._lock:
            if self._begun and (at, speaker_id) in self._begun:
                self._begun.remove((at, speaker_id))

    def _since(self, since: datetime) -> list[tuple[datetime, str]]:
        begun = self._notes.begun_since(since) if self._begun is None else self._begun
        self._begun = [each for each in begun if each[0] > since]
        return self._begun
