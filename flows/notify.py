"""Wire the notify flow: requests and alarms of the event log -> each recipient told once -> events that say so.

Every message is sent by its recipient's own thread, so one dead mail server holds up nobody else's
messages, and the flow itself never waits.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from domain.errors import TryAgain
from domain.events.catalog import Event
from domain.processes.backoff import Backoff
from domain.saved_state import Formats, Saved, StateFormat
from event_log.rows import LoggedEvent
from flows.keyed_logic import RetryingLogic
from flows.notices.deliver import deliver, recipients_of
from flows.notices.tools import NoticeTools
from flows.put_aside import Asides, StepAside
from flows.signals import StopFlag
from flows.sources.event_log import PLACE_FORMAT
from flows.waking import Timers, Waking, WakingSource

log = structlog.get_logger()

FLOW_ID = "notify"
LOOK_S = 0.1  # between looks at whether a message is through
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hold one message until it is over; saved with every epoch."""

    recipient_id: str
    logged: LoggedEvent

    @property
    def key(self) -> str:
        """The key that the message is kept under."""
        return f"{self.recipient_id}|{self.logged.event.id}"


DELIVERY_FORMAT = StateFormat[Delivery | None](Delivery | None)
SAVED_STEPS: Formats = {"requests": PLACE_FORMAT, "deliver": DELIVERY_FORMAT}


class Lanes:
    """Keep a thread for each recipient."""

    def __init__(self) -> None:
        self._threads: dict[str, ThreadPoolExecutor] = {}

    def submit(self, delivery: Delivery, tools: NoticeTools) -> Future[Event]:
        """Deliver after what was submitted for the same recipient before."""
        lane = self._threads.get(delivery.recipient_id)
        if lane is None:
            lane = ThreadPoolExecutor(1, thread_name_prefix=f"to-{delivery.recipient_id}")
            self._threads[delivery.recipient_id] = lane
        return lane.submit(deliver, delivery.logged, delivery.recipient_id, tools)


def build_notify_flow(
    tools: NoticeTools,
    requests: Source[LoggedEvent],
    made: Sink[tuple[str, Event]],
    stop: StopFlag,
    beat: Callable[[], None] = lambda: None,
    asides: Asides | None = None,
) -> Dataflow:
    """notification requests -> messages -> events

    The step names are part of the saved state: renaming one forgets what is still to be sent.
    `requests` delivers WANTED_TYPES of flows/notices/deliver.py in order; `made` is an EventLogSink. When `stop` is set, what is
    waited for is left to the next start; `beat` is called often while the flow is alive; `asides` is
    told what was put aside.
    """
    lanes, timers, asides = Lanes(), Timers(), asides or Asides()
    aside = asides.step("deliver")

    def fan_out(item: LoggedEvent | Waking) -> list[tuple[str, Delivery | Waking]]:
        if isinstance(item, Waking):
            return [(item.key, item)]
        messages = [Delivery(each, item) for each in recipients_of(item, tools.site)]
        return [(message.key, message) for message in messages]

    flow = Dataflow(FLOW_ID)
    logged = op.input("requests", flow, WakingSource(requests, timers))
    messages = op.flat_map(
        "for_each_recipient", logged, asides.step("for_each_recipient").each(fan_out, [])
    )

    def make_logic(resume: Saved | None) -> DeliveryLogic:
        return DeliveryLogic(tools, lanes, stop, beat, resume, timers, aside)

    through = op.stateful_batch("deliver", messages, make_logic)
    by_site = op.map("by_site", through, lambda keyed: (keyed[1].source, keyed[1]))
    op.output("made", by_site, made)
    return flow


class DeliveryLogic(RetryingLogic[Delivery]):
    """Hand one message to its recipient's lane, and look whether it is through.

    It is handed over again after a pause where the service was not reached.
    """

    def __init__(
        self,
        tools: NoticeTools,
        lanes: Lanes,
        stop: StopFlag,
        beat: Callable[[], None],
        resume: Saved | None,
        timers: Timers | None = None,
        aside: StepAside | None = None,
    ) -> None:
        self._tools, self._lanes = tools, lanes
        self._delivery = DELIVERY_FORMAT.restore(resume) if resume else None
        self._under_way: Future[Event] | None = None
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        super().__init__(stop, beat, backoff, is_due=True, timers=timers, aside=aside)

    @property
    def key(self) -> str:
        """The message's key."""
        return self._delivery.key if self._delivery else ""

    @property
    def work(self) -> Delivery | None:
        """The message that is to be delivered."""
        return self._delivery

    def take(self, values: list[Delivery]) -> tuple[list[Event], bool]:
        """Take a request; one that comes again after a crash is the same delivery."""
        if self._delivery is None:
            self._delivery = values[0]
        return self.try_now()

    def on_eof(self) -> tuple[list[Event], bool]:
        """Stay until the message is through, unless asked to stop."""
        made, is_over = super().on_eof()
        if is_over:
            return made, is_over
        made, is_over = self.attempt()  # it may have come through meanwhile
        if not is_over and self._under_way is not None:
            self._under_way.cancel()  # if it has not begun; its note tells either way
        return made, is_over

    def snapshot(self) -> Saved:
        """Return what a restart needs; the note on disk knows how far the message has come."""
        return DELIVERY_FORMAT.save(self._delivery)

    def attempt(self) -> tuple[list[Event], bool]:
        """Hand the message over if it is time, or see what has come of it."""
        if self._delivery is None:
            return [], self.DISCARD
        if self._under_way is None:
            if self._is_time() and not self._stop.is_set():
                self._under_way = self._lanes.submit(self._delivery, self._tools)
                self.try_after(LOOK_S)
            return [], self.RETAIN
        if not self._under_way.done():
            return self.try_after(LOOK_S)
        through, self._under_way = self._under_way, None
        pause_s = self._backoff.pause_s
        try:
            return [through.result()], self.DISCARD
        except TryAgain as error:
            log.warning("message_waits", retry_in_s=pause_s, reason=str(error))
            return self.try_after_error(error)
        except Exception:  # a fault of ours with one message must not stop all others
            log.exception("message_waits", retry_in_s=pause_s)
        return self.try_after(self._backoff.next_s())
