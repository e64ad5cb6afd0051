"""How many calls were made in the last hour: on one speaker, on all, in one zone, to one subject."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from domain.calls import Calls
from flows.speech.attempts import AttemptNotes
from flows.speech.speaker import NOBODY, Addressed

WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Caps:
    """Calls within an hour, whichever speaker makes them; None: no limit."""

    site: int | None = None
    zone: int | None = None
    subject: int | None = None

    @classmethod
    def of(cls, calls: Calls) -> Self:
        """What a site file says."""
        return cls(calls.max_per_hour, calls.max_per_hour_in_zone, calls.max_per_hour_to_subject)


@dataclass(frozen=True, slots=True)
class Begun:
    """A call that was given to its speaker, or is about to be."""

    at: datetime
    speaker_id: str
    to: Addressed = NOBODY


class CallCounter:
    """Counts what was begun; shared by the speakers of a site, whose calls run side by side.

    Calls from before a restart are counted from their notes, once.
    """

    def __init__(self, notes: AttemptNotes, caps: Caps | None = None) -> None:
        self._notes = notes
        self._caps = caps or Caps()
        self._begun: list[Begun] | None = None
        self._lock = threading.Lock()

    def why_not(self, call: Begun, speaker_cap: int | None) -> str:
        """Which cap keeps a call from being made, for people; '' if none does."""
        with self._lock:
            return self._cap_reached(call, speaker_cap)

    def reserve(self, call: Begun, speaker_cap: int | None) -> str:
        """Count a call that is about to be made; '' if it may be, else why not.

        A call that a person wants despite the cap is counted, whatever the count.
        """
        with self._lock:
            why_not = self._cap_reached(call, speaker_cap)
            if (not why_not or "cap" in call.to.despite) and self._begun is not None:
                self._begun.append(call)
            return why_not

    def release(self, call: Begun) -> None:
        """Take back a call that did not reach its speaker."""
        with self._lock:
            if self._begun and call in self._begun:
                self._begun.remove(call)

    def _cap_reached(self, call: Begun, speaker_cap: int | None) -> str:
        caps, to = self._caps, call.to
        if (speaker_cap, caps) == (None, Caps()):
            return ""
        begun = self._since(call.at - WINDOW)
        counts = (
            (speaker_cap, [e for e in begun if e.speaker_id == call.speaker_id], ""),
            (caps.site, begun, " on all speakers"),
            (caps.zone if to.zone else None, _alike(begun, "zone", to.zone), f" in {to.zone}"),
            (
                caps.subject if to.subject else None,
                _alike(begun, "subject", to.subject),
                f" to {to.subject}",
            ),
        )
        for cap, made, where in counts:
            if cap is not None and len(made) >= cap:
                return f"{call.speaker_id}: {cap} calls within an hour{where}"
        return ""

    def _since(self, since: datetime) -> list[Begun]:
        if self._begun is None:
            self._begun = [
                Begun(each.started_at, each.speaker_id, Addressed(each.zone, each.subject))
                for each in self._notes.begun_since(since)
            ]
        self._begun = [each for each in self._begun if each.at > since]
        return self._begun


def _alike(begun: list[Begun], what: str, value: str) -> list[Begun]:
    return [each for each in begun if getattr(each.to, what) == value]
