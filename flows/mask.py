"""The mask flow: sealed evidence -> masked copies of its clips beside it -> events that say so.

Takes longer than all else that evidence needs, so it runs in a process of its own, at low priority and
a bounded rate: sealing never waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import Sink

from domain.errors import TryAgain
from domain.events import Event, EvidenceSealed
from event_log.rows import LoggedEvent

log = structlog.get_logger()

FLOW_ID = "mask"
# what the flow's source has to deliver
WANTED_TYPES = (EvidenceSealed.event_type,)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


class Stopped(TryAgain):
    """The program is asked to end; the copy is made after the next start."""


def build_mask_flow(
    mask: Callable[[Event], Event],
    events: Source[LoggedEvent],
    masked: Sink[tuple[str, Event]],
    stop: threading.Event,
    beat: Callable[[], None] = lambda: None,
) -> Dataflow:
    """sealed evidence -> masked copies -> events

    The step names are part of the saved state: renaming one forgets what is still to be masked.

    Args:
        mask: makes the copies of one record; raises TryAgain, and Stopped once `stop` is set.
        events: delivers WANTED_TYPES in order, one at a time.
        masked: takes (key, Event) (EventLogSink).
    """

    def make_logic(resume: Event | None) -> MaskLogic:
        return MaskLogic(mask, stop, beat, resume)

    flow = Dataflow(FLOW_ID)
    logged = op.input("events", flow, events)
    by_record = op.key_on("by_record", logged, lambda each: each.event.subject)
    made = op.stateful_batch("mask", by_record, make_logic)
    by_site = op.map("by_site", made, lambda keyed: (keyed[1].source, keyed[1]))
    op.output("masked", by_site, masked)
    return flow


class MaskLogic(StatefulBatchLogic[LoggedEvent, Event, Event]):
    """One record: masked once; tried again, more and more seldom, while something is away."""

    def __init__(
        self,
        mask: Callable[[Event], Event],
        stop: threading.Event,
        beat: Callable[[], None],
        resume: Event | None,
    ) -> None:
        self._mask = mask
        self._stop = stop
        self._beat = beat
        self._sealed = resume
        self._pause_s = FIRST_PAUSE_S
        self._try_at = datetime.now(UTC) if resume else None

    def on_batch(self, values: list[LoggedEvent]) -> tuple[list[Event], bool]:
        """A record was sealed."""
        self._sealed = values[-1].event
        return self._attempt()

    def on_notify(self) -> tuple[list[Event], bool]:
        """Try once more. Bytewax also calls this for times that no longer hold."""
        if self._try_at is None or datetime.now(UTC) < self._try_at:
            return [], self.RETAIN
        return self._attempt()

    def on_eof(self) -> tuple[list[Event], bool]:
        """No more events: stay with this one until it is masked, unless asked to stop."""
        while self._sealed is not None and not self._stop.is_set():
            done, is_over = self._attempt()
            if is_over:
                return done, is_over
            self._beat()
            self._stop.wait(min(self._pause_s, 5.0))
        return [], self.RETAIN

    def notify_at(self) -> datetime | None:
        """When to try again."""
        return self._try_at

    def snapshot(self) -> Event | None:  # type: ignore[override]
        """What is needed to go on after a restart."""
        return self._sealed

    def _attempt(self) -> tuple[list[Event], bool]:
        assert self._sealed is not None
        self._beat()
        try:
            return [self._mask(self._sealed)], self.DISCARD
        except Stopped:
            self._try_at = None
        except TryAgain as error:
            log.warning("masking_waits", subject=self._sealed.subject, reason=str(error))
            self._try_at = datetime.now(UTC) + timedelta(seconds=self._pause_s)
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return [], self.RETAIN
