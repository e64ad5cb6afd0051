"""Count the calls of the last hour: on one speaker, on all, in one zone, to one subject."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from domain.cameras.clock_note import boot_s
from domain.site.speech.calls import Calls
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
        """Read the caps from a site file's settings."""
        return cls(calls.max_per_hour, calls.max_per_hour_in_zone, calls.max_per_hour_to_subject)


@dataclass(frozen=True, slots=True)
class BegunCall:
    """A call that was given to its speaker, or is about to be."""

    at: datetime
    speaker_id: str
    to: Addressed = NOBODY


class CallCounter:
    """Counts what was begun; shared by the speakers of a site, whose calls run side by side.

    Calls from before a restart are counted from their notes, once. A clock that is set back makes no call
    count for longer: an hour by a clock that nobody sets is enough, and notes that are dated ahead count not.
    """

    def __init__(
        self,
        notes: AttemptNotes,
        caps: Caps | None = None,
        steady_s: Callable[[], float] = boot_s,
    ) -> None:
        """Count from notes, and what is begun; `steady_s`: seconds since any moment."""
        self._notes = notes
        self._steady_s = steady_s
        self._steady_times: dict[int, float] = {}  # by the identity of a call that was begun here
        self._caps = caps or Caps()
        self._begun: list[BegunCall] | None = None
        self._lock = threading.Lock()

    def why_not(self, call: BegunCall, speaker_cap: int | None) -> str:
        """Return which cap keeps a call from being made, for people; '' if none does."""
        with self._lock:
            return self._cap_reached(call, speaker_cap)

    def reserve(self, call: BegunCall, speaker_cap: int | None) -> str:
        """Count a call that is about to be made; '' if it may be, else why not.

        A call that a person wants despite the cap is counted, whatever the count.
        """
        with self._lock:
            why_not = self._cap_reached(call, speaker_cap)
            if (not why_not or "cap" in call.to.despite) and self._begun is not None:
                self._begun.append(call)
                self._steady_times[id(call)] = self._steady_s()
            return why_not

    def release(self, call: BegunCall) -> None:
        """Take back a call that did not reach its speaker."""
        with self._lock:
            if self._begun and call in self._begun:
                self._begun.remove(call)

    def _cap_reached(self, call: BegunCall, speaker_cap: int | None) -> str:
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

    def _since(self, since: datetime) -> list[BegunCall]:
        if self._begun is None:
            self._begun = [
                BegunCall(
                    attempt.started_at, attempt.speaker_id, Addressed(attempt.zone, attempt.subject)
                )
                for attempt in self._notes.begun_since(since)
                if attempt.started_at <= since + WINDOW
            ]
        hour_ago_s = self._steady_s() - WINDOW.total_seconds()
        self._begun = [
            call
            for call in self._begun
            if call.at > since and self._steady_times.get(id(call), hour_ago_s + 1) > hour_ago_s
        ]
        kept = {id(call) for call in self._begun}
        self._steady_times = {key: at_s for key, at_s in self._steady_times.items() if key in kept}
        return self._begun


def _alike(begun: list[BegunCall], what: str, value: str) -> list[BegunCall]:
    return [call for call in begun if getattr(call.to, what) == value]
