"""The notify flow: requests of the event log -> each recipient told once -> events that say so.

Every message is sent by its recipient's own thread, so one dead mail server holds up nobody else's
messages, and the flow itself never waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import Sink

from domain.errors import TryAgain
from domain.events import Event, NotificationRequested, OffenceWithheld
from event_log.rows import LoggedEvent
from flows.notices.deliver import NoticeTools, deliver, recipients_of

log = structlog.get_logger()

FLOW_ID = "notify"
WANTED_TYPES = (NotificationRequested.event_type, OffenceWithheld.event_type)
LOOK_S = 0.1  # between looks at whether a message is through
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is remembered of one message until it is over; saved with every epoch."""

    recipient_id: str
    logged: LoggedEvent


class Lanes:
    """A thread for each recipient."""

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
    stop: threading.Event,
    beat: Callable[[], None] = lambda: None,
) -> Dataflow:
    """requests -> messages -> events

    The step names are part of the saved state: renaming one forgets what is still to be sent.

    Args:
        requests: delivers WANTED_TYPES in order (EventLogSource).
        made: takes (key, Event) (EventLogSink).
        stop: when set, what is waited for is left to the next start.
        beat: called often while the flow is alive.
    """
    lanes = Lanes()

    def fan_out(logged: LoggedEvent) -> list[tuple[str, Delivery]]:
        return [
            (f"{recipient_id}|{logged.event.id}", Delivery(recipient_id, logged))
            for recipient_id in recipients_of(logged, tools.site)
        ]

    flow = Dataflow(FLOW_ID)
    logged = op.input("requests", flow, requests)
    messages = op.flat_map("for_each_recipient", logged, fan_out)
    through = op.stateful_batch(
        "deliver", messages, lambda resume: DeliveryLogic(tools, lanes, stop, beat, resume)
    )
    by_site = op.map("by_site", through, lambda keyed: (keyed[1].source, keyed[1]))
    op.output("made", by_site, made)
    return flow


class DeliveryLogic(StatefulBatchLogic[Delivery, Event, Delivery | None]):
    """One message to one recipient: hands it to its lane, looks whether it is through, and hands it
    over again after a pause where the service was not reached.
    """

    def __init__(
        self,
        tools: NoticeTools,
        lanes: Lanes,
        stop: threading.Event,
        beat: Callable[[], None],
        resume: Delivery | None,
    ) -> None:
        self._tools, self._lanes, self._stop, self._beat = tools, lanes, stop, beat
        self._delivery = resume
        self._under_way: Future[Event] | None = None
        self._pause_s = FIRST_PAUSE_S
        self._look_at = datetime.now(UTC)

    def on_batch(self, values: list[Delivery]) -> tuple[list[Event], bool]:
        """The same request may come again after a crash; it is one delivery all the same."""
        if self._delivery is None:
            self._delivery = values[0]
        return self._go_on()

    def on_notify(self) -> tuple[list[Event], bool]:
        """Look again. Bytewax also calls this for times that no longer hold."""
        if datetime.now(UTC) < self._look_at:
            return [], self.RETAIN
        return self._go_on()

    def on_eof(self) -> tuple[list[Event], bool]:
        """No more requests: stay until this one is over, unless asked to stop."""
        while True:
            made, is_over = self._go_on()
            if is_over:
                return made, is_over
            if self._stop.is_set():
                if self._under_way is not None:
                    self._under_way.cancel()  # if it has not begun; its note tells either way
                return [], self.RETAIN
            self._beat()
            self._stop.wait(LOOK_S)

    def notify_at(self) -> datetime | None:
        """When to look again."""
        return self._look_at

    def snapshot(self) -> Delivery | None:
        """What is needed to go on after a restart; the note on disk knows how far it has come."""
        return self._delivery

    def _go_on(self) -> tuple[list[Event], bool]:
        if self._delivery is None:
            return [], self.DISCARD
        if self._under_way is None:
            if datetime.now(UTC) >= self._look_at and not self._stop.is_set():
                self._under_way = self._lanes.submit(self._delivery, self._tools)
                self._look_after(LOOK_S)
            return [], self.RETAIN
        if not self._under_way.done():
            self._look_after(LOOK_S)
            return [], self.RETAIN
        through, self._under_way = self._under_way, None
        try:
            return [through.result()], self.DISCARD
        except TryAgain as error:
            log.warning("message_waits", retry_in_s=self._pause_s, reason=str(error))
        except Exception:  # a fault of ours with one message must not stop all others
            log.exception("message_waits", retry_in_s=self._pause_s)
        self._look_after(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return [], self.RETAIN

    def _look_after(self, pause_s: float) -> None:
        self._look_at = datetime.now(UTC) + timedelta(seconds=pause_s)
