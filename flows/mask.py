"""Wire the mask flow: sealed evidence -> masked copies of its clips beside it -> events that say so.

Takes longer than all else that evidence needs, so it runs in a process of its own, at low priority and
a bounded rate: sealing never waits for it.
"""

from __future__ import annotations

from collections.abc import Callable

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from domain.errors import TryAgain
from domain.events.catalog import Event, EvidenceSealed
from domain.processes.backoff import Backoff
from domain.saved_state import Saved
from event_log.consumers import Answerer
from event_log.rows import LoggedEvent
from flows.keyed_logic import RetryingLogic
from flows.masks.record import masked_event_id
from flows.put_aside import Asides, StepAside
from flows.signals import StopFlag
from flows.waking import Timers, Waking, WakingSource

log = structlog.get_logger()

FLOW_ID = "mask"
# what the flow's source has to deliver
WANTED_TYPES = (EvidenceSealed.event_type,)

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0

# what is still to be masked, the log says: nothing is saved elsewhere
MASKED = Answerer("mask", EvidenceSealed.event_type, lambda sealed: masked_event_id(sealed.subject))


class Stopped(TryAgain):
    """The program is asked to end; the copy is made after the next start."""


def build_mask_flow(
    mask: Callable[[Event], Event],
    events: Source[LoggedEvent],
    masked: Sink[tuple[str, Event]],
    stop: StopFlag,
    beat: Callable[[], None] = lambda: None,
    asides: Asides | None = None,
) -> Dataflow:
    """Wire sealed evidence -> masked copies -> events.

    `mask` makes the copies of one record and raises TryAgain, and Stopped once `stop` is set;
    `events` delivers WANTED_TYPES in order, one at a time, from the place of MASKED on; `masked` is an
    EventLogSink that keeps that place; `asides` is told what was put aside.
    """

    timers, aside = Timers(), (asides or Asides()).step("mask")

    def make_logic(resume: Saved | None) -> MaskLogic:
        return MaskLogic(mask, stop, beat, timers, aside)

    flow = Dataflow(FLOW_ID)
    logged = op.input("events", flow, WakingSource(events, timers))
    by_record = op.key_on("by_record", logged, _record_of)
    made = op.stateful_batch("mask", by_record, make_logic)
    by_site = op.map("by_site", made, lambda keyed: (keyed[1].source, keyed[1]))
    op.output("masked", by_site, masked)
    return flow


def _record_of(item: LoggedEvent | Waking) -> str:
    return item.key if isinstance(item, Waking) else item.event.subject


class MaskLogic(RetryingLogic[LoggedEvent]):
    """Mask one record once; tried again, more and more seldom, while something is away."""

    longest_wait_s = 5.0

    def __init__(
        self,
        mask: Callable[[Event], Event],
        stop: StopFlag,
        beat: Callable[[], None],
        timers: Timers | None = None,
        aside: StepAside | None = None,
    ) -> None:
        self._mask = mask
        self._sealed: Event | None = None
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        super().__init__(stop, beat, backoff, is_due=False, timers=timers, aside=aside)

    @property
    def key(self) -> str:
        """The record's id."""
        return self._sealed.subject if self._sealed else ""

    @property
    def work(self) -> Event | None:
        """The event of the record that was sealed."""
        return self._sealed

    def take(self, values: list[LoggedEvent]) -> tuple[list[Event], bool]:
        """Mask a record that was sealed."""
        self._sealed = values[-1].event
        return self.try_now()

    def snapshot(self) -> Saved:
        """Return nothing: a restart reads the log."""
        return {}

    def attempt(self) -> tuple[list[Event], bool]:
        """Make the masked copies, if all that is needed answers."""
        assert self._sealed is not None
        self._beat()
        try:
            return [self._mask(self._sealed)], self.DISCARD
        except Stopped:
            self._try_at_s = None
            return [], self.RETAIN
        except TryAgain as error:
            log.warning("masking_waits", subject=self._sealed.subject, reason=str(error))
            return self.try_after_error(error)
