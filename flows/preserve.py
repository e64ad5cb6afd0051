"""The preserve flow: ended offences -> evidence sealed in the vault -> events that say so.

Slow work, so it runs in a process of its own and never holds up the watch flow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from domain.errors import TryAgain
from domain.events import (
    OUTCOME_TYPES,
    AnnouncementMade,
    Event,
    OffenceOpened,
    OffenceWarned,
    OutcomeData,
)
from event_log.rows import LoggedEvent
from flows.steps.preserve_offence import PreserveParts, preserve

log = structlog.get_logger()

FLOW_ID = "preserve"
# what the flow's source has to deliver
WANTED_TYPES = (
    *OUTCOME_TYPES,
    OffenceOpened.event_type,
    OffenceWarned.event_type,
    AnnouncementMade.event_type,
)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0

Ended = tuple[Event, tuple[Event, ...]]  # how the offence ended, and its events before


class Interrupted(TryAgain):
    """Asked to stop while waiting; the offence is taken up again at the next start."""


def build_preserve_flow(
    parts: PreserveParts,
    events: Source[LoggedEvent],
    sealed: Sink[tuple[str, Event]],
    stop: threading.Event,
    beat: Callable[[], None] = lambda: None,
) -> Dataflow:
    """offence events -> ended offences with their history -> evidence -> events

    The step names are part of the saved state: renaming one forgets the history of open offences.

    Args:
        events: delivers WANTED_TYPES in order (EventLogSource, with a small batch).
        sealed: takes (key, Event) (EventLogSink).
        stop: when set while something is waited for, the flow ends with Interrupted.
        beat: called often while the flow is alive.
    """
    keep = Preserver(parts, stop, beat=beat)
    flow = Dataflow(FLOW_ID)
    logged = op.input("events", flow, events)
    by_offence = op.key_on("by_offence", logged, _offence_of)
    ended = op.stateful_flat_map("gather", by_offence, gather)
    kept = op.map_value("preserve", ended, keep)
    by_site = op.map("by_site", kept, lambda keyed: (keyed[1].source, keyed[1]))
    op.output("sealed", by_site, sealed)
    return flow


def _offence_of(logged: LoggedEvent) -> str:
    return str(getattr(logged.event.data, "offence_id", logged.event.subject))


def gather(
    history: tuple[Event, ...] | None, logged: LoggedEvent
) -> tuple[tuple[Event, ...] | None, list[Ended]]:
    """Remember an offence's events until it ends; then forget it (the state becomes None)."""
    event = logged.event
    if isinstance(event.data, OutcomeData):
        return None, [(event, history or ())]
    if history is None and not isinstance(event.data, OffenceOpened):
        return None, []  # an announcement that came after the end
    return (*(history or ()), event), []


@dataclass
class Preserver:
    """Preserves one offence after the other, however long it takes: none is passed over."""

    parts: PreserveParts
    stop: threading.Event
    work: Callable[[Event, tuple[Event, ...], PreserveParts], Event] = preserve
    beat: Callable[[], None] = lambda: None

    def __call__(self, ended: Ended) -> Event:
        """Seal one offence's evidence; waits, longer each time, while something is away.

        Raises:
            Interrupted: asked to stop while waiting.
            Stop: the set-up is wrong.
        """
        event, history = ended
        pause_s = FIRST_PAUSE_S
        while True:
            self.beat()
            try:
                return self.work(event, history, self.parts)
            except TryAgain as error:
                log.warning(
                    "evidence_waits", event_id=event.id, retry_in_s=pause_s, reason=str(error)
                )
            if self._wait(pause_s):
                raise Interrupted(f"{event.id}: stopped while waiting to preserve its evidence")
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _wait(self, pause_s: float) -> bool:
        """Pause, giving signs of life; True: asked to stop."""
        ends_s = time.monotonic() + pause_s
        while (left_s := ends_s - time.monotonic()) > 0:
            self.beat()
            if self.stop.wait(min(left_s, 1.0)):
                return True
        return self.stop.is_set()
