"""The preserve flow: ended offences -> evidence sealed in the vault -> events that say so.

Slow work, so it runs in a process of its own and never holds up the watch flow.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import Sink

from domain.announcements import announcement_of
from domain.errors import TryAgain
from domain.events import (
    OUTCOME_TYPES,
    AnnouncementMade,
    CaseRequested,
    Event,
    NotificationMade,
    NotificationRequested,
    OffenceClimbed,
    OffenceDispatched,
    OffenceHandedBack,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
    OffenceWithheld,
    OfficerRequested,
    OutcomeData,
)
from event_log.rows import LoggedEvent
from evidence_store.erasure import AlreadyErased
from evidence_store.footage import StillRecording
from flows.steps.preserve_offence import preserve
from flows.steps.preserve_parts import PreserveParts
from flows.steps.preserve_sounds import awaited_calls

log = structlog.get_logger()

FLOW_ID = "preserve"
# what the flow's source has to deliver
WANTED_TYPES = (
    *OUTCOME_TYPES,
    OffenceOpened.event_type,
    OffenceWarned.event_type,
    OffenceClimbed.event_type,
    OffenceTakenOver.event_type,
    OffenceHandedBack.event_type,
    OffenceDispatched.event_type,
    OffenceWithheld.event_type,
    AnnouncementMade.event_type,
    NotificationRequested.event_type,
    CaseRequested.event_type,
    OfficerRequested.event_type,
    NotificationMade.event_type,
)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
NOTEWORTHY_PAUSE_S = 8.0
# the last call may still be spoken, or wait for its speaker, when the subject has left
WAIT_FOR_CALLS_S = 30.0


@dataclass(frozen=True)
class OffenceState:
    """What the flow remembers of one offence; saved with every epoch."""

    history: tuple[Event, ...] = ()  # its events so far
    ended: Event | None = None  # set: its evidence is still to be sealed


def build_preserve_flow(
    parts: PreserveParts,
    events: Source[LoggedEvent],
    sealed: Sink[tuple[str, Event]],
    stop: threading.Event,
    beat: Callable[[], None] = lambda: None,
) -> Dataflow:
    """offence events -> evidence of each ended offence -> events

    The step names are part of the saved state: renaming one forgets what is still to be sealed.

    Args:
        events: delivers WANTED_TYPES in order (EventLogSource, with a small batch).
        sealed: takes (key, Event) (EventLogSink).
        stop: when set, what is waited for is left to the next start.
        beat: called often while the flow is alive.
    """

    def make_logic(resume: OffenceState | None) -> PreserveLogic:
        return PreserveLogic(parts, stop, beat, resume)

    flow = Dataflow(FLOW_ID)
    logged = op.input("events", flow, events)
    by_offence = op.key_on("by_offence", logged, _offence_of)
    kept = op.stateful_batch("preserve", by_offence, make_logic)
    by_site = op.map("by_site", kept, lambda keyed: (keyed[1].source, keyed[1]))
    op.output("sealed", by_site, sealed)
    return flow


def _offence_of(logged: LoggedEvent) -> str:
    return str(getattr(logged.event.data, "offence_id", logged.event.subject))


class PreserveLogic(StatefulBatchLogic[LoggedEvent, Event, OffenceState]):
    """One offence: gathers its events, and seals its evidence when it has ended.

    Where something is away (model server, disk, the end of a recording) it tries again, after
    longer and longer pauses, while the other offences go on. It never gives one up.
    """

    def __init__(
        self,
        parts: PreserveParts,
        stop: threading.Event,
        beat: Callable[[], None],
        resume: OffenceState | None,
    ) -> None:
        self._parts = parts
        self._stop = stop
        self._beat = beat
        self._state = resume or OffenceState()
        self._pause_s = FIRST_PAUSE_S
        self._try_at = datetime.now(UTC) if self._state.ended else None
        self._calls_until_s = time.monotonic() + WAIT_FOR_CALLS_S

    def on_batch(self, values: list[LoggedEvent]) -> tuple[list[Event], bool]:
        """Remember events; an outcome is dealt with at once."""
        was_open = self._state.ended is None
        for logged in values:
            self._state = remember(self._state, logged.event)
        if was_open:
            self._calls_until_s = time.monotonic() + WAIT_FOR_CALLS_S
        if self._state.ended is not None:
            return self._attempt()
        # an announcement that comes after the end opens nothing
        return [], not self._state.history

    def on_notify(self) -> tuple[list[Event], bool]:
        """Try once more. Bytewax also calls this for times that no longer hold."""
        if self._try_at is None or datetime.now(UTC) < self._try_at:
            return [], self.RETAIN
        return self._attempt()

    def on_eof(self) -> tuple[list[Event], bool]:
        """No more events: stay with this one until it is sealed, unless asked to stop."""
        self._calls_until_s = 0.0  # what is not told by now will not be
        while self._state.ended is not None and not self._stop.is_set():
            done, is_over = self._attempt()
            if is_over:
                return done, is_over
            self._wait()
        return [], self.RETAIN  # a stop is not the end of an offence

    def notify_at(self) -> datetime | None:
        """When to try again."""
        return self._try_at

    def snapshot(self) -> OffenceState:
        """What is needed to go on after a restart."""
        return self._state

    def _attempt(self) -> tuple[list[Event], bool]:
        ended = self._state.ended
        assert ended is not None
        self._beat()
        if self._look_up_calls() and time.monotonic() < self._calls_until_s:
            self._try_at = datetime.now(UTC) + timedelta(seconds=FIRST_PAUSE_S)
            return [], self.RETAIN
        try:
            return [preserve(ended, self._state.history, self._parts)], self.DISCARD
        except AlreadyErased as error:
            log.warning("evidence_not_sealed_again", event_id=ended.id, reason=str(error))
            return [], self.DISCARD
        except StillRecording as error:  # the tail of a live recording is always waited for
            log.debug("evidence_waits", event_id=ended.id, reason=str(error))
            self._try_at = datetime.now(UTC) + timedelta(seconds=FIRST_PAUSE_S)
            return [], self.RETAIN
        except TryAgain as error:
            say = log.warning if self._pause_s >= NOTEWORTHY_PAUSE_S else log.info
            say("evidence_waits", event_id=ended.id, retry_in_s=self._pause_s, reason=str(error))
        self._try_at = datetime.now(UTC) + timedelta(seconds=self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return [], self.RETAIN

    def _look_up_calls(self) -> bool:
        """Whether it is still not told what came of some call.

        The log is asked: on a busy machine its events come by here late, behind other offences' evidence.
        """
        for warned in awaited_calls(self._state.history):
            if logged := self._parts.find(announcement_of(warned.id)):
                self._state = remember(self._state, logged.event)
        return bool(awaited_calls(self._state.history))

    def _wait(self) -> None:
        """Sleep until the next try or a stop, giving signs of life."""
        assert self._try_at is not None
        while (left_s := (self._try_at - datetime.now(UTC)).total_seconds()) > 0:
            self._beat()
            if self._stop.wait(min(left_s, 1.0)):
                return


def remember(state: OffenceState, event: Event) -> OffenceState:
    """Add one event to what is known of its offence."""
    if isinstance(event.data, OutcomeData):
        return replace(state, ended=event)
    if not state.history and not isinstance(event.data, OffenceOpened):
        return state
    if any(each.id == event.id for each in state.history):
        return state  # it was looked up before it came by
    return replace(state, history=(*state.history, event))
