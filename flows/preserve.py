"""Wire the preserve flow: ended offences -> evidence sealed in the vault -> events that say so.

Slow work, so it runs in a process of its own and never holds up the watch flow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from domain.errors import TryAgain
from domain.events.announcements import announcement_of
from domain.events.catalog import (
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
    OffencePaused,
    OffenceResumed,
    OffenceTakenOver,
    OffenceWarned,
    OffenceWithheld,
    OfficerRequested,
    OutcomeData,
)
from domain.processes.backoff import Backoff
from domain.saved_state import Formats, Saved, StateFormat
from event_log.rows import LoggedEvent
from evidence_store.custody.records_on_chain import AlreadyErased
from evidence_store.recordings.footage import StillRecording
from flows.keyed_logic import RetryingLogic
from flows.preservation.draft_record import PreserveParts
from flows.preservation.seal import preserve
from flows.preservation.sounds import awaited_calls
from flows.put_aside import Asides, StepAside
from flows.signals import StopFlag
from flows.sources.event_log import PLACE_FORMAT
from flows.waking import Timers, Waking, WakingSource

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
    OffencePaused.event_type,
    OffenceResumed.event_type,
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
    """Hold what the flow remembers of one offence; saved with every epoch."""

    history: tuple[Event, ...] = ()  # its events so far
    ended: Event | None = None  # set: its evidence is still to be sealed


OFFENCE_FORMAT = StateFormat[OffenceState](OffenceState)
SAVED_STEPS: Formats = {"events": PLACE_FORMAT, "preserve": OFFENCE_FORMAT}


def build_preserve_flow(
    parts: PreserveParts,
    events: Source[LoggedEvent],
    sealed: Sink[tuple[str, Event]],
    stop: StopFlag,
    beat: Callable[[], None] = lambda: None,
    asides: Asides | None = None,
) -> Dataflow:
    """Wire offence events -> evidence of each ended offence -> events.

    The step names are part of the saved state: renaming one forgets what is still to be sealed.
    `events` delivers WANTED_TYPES in order, in small batches; `sealed` is an EventLogSink. When
    `stop` is set, what is waited for is left to the next start; `beat` is called often; `asides` is
    told what was put aside.
    """

    timers, aside = Timers(), (asides or Asides()).step("preserve")

    def make_logic(resume: Saved | None) -> PreserveLogic:
        return PreserveLogic(parts, stop, beat, resume, timers, aside)

    flow = Dataflow(FLOW_ID)
    logged = op.input("events", flow, WakingSource(events, timers))
    by_offence = op.key_on("by_offence", logged, _offence_of)
    kept = op.stateful_batch("preserve", by_offence, make_logic)
    by_site = op.map("by_site", kept, lambda keyed: (keyed[1].source, keyed[1]))
    op.output("sealed", by_site, sealed)
    return flow


def _offence_of(item: LoggedEvent | Waking) -> str:
    return item.key if isinstance(item, Waking) else _offence_about(item.event)


def _offence_about(event: Event) -> str:
    return str(getattr(event.data, "offence_id", event.subject))


class PreserveLogic(RetryingLogic[LoggedEvent]):
    """Gather the events of one offence, and seal its evidence when it has ended.

    What may be away meanwhile: the model server, the disk, the end of a recording.
    """

    def __init__(
        self,
        parts: PreserveParts,
        stop: StopFlag,
        beat: Callable[[], None],
        resume: Saved | None,
        timers: Timers | None = None,
        aside: StepAside | None = None,
    ) -> None:
        self._parts = parts
        self._state = OFFENCE_FORMAT.restore(resume) if resume else OffenceState()
        self._calls_until_s = time.monotonic() + WAIT_FOR_CALLS_S
        backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        due = self.is_at_work
        super().__init__(stop, beat, backoff, is_due=due, timers=timers, aside=aside)

    @property
    def key(self) -> str:
        """The offence's id."""
        return _offence_about(self._state.ended) if self._state.ended else ""

    @property
    def knows_nothing(self) -> bool:
        """Whether nothing of the offence came by yet, or all is done."""
        return not (self.is_at_work or self._state.history)

    @property
    def work(self) -> Event | None:
        """The event that ended the offence."""
        return self._state.ended

    def take(self, values: list[LoggedEvent]) -> tuple[list[Event], bool]:
        """Remember events; deal with an outcome at once."""
        was_open = not self.is_at_work
        for logged in values:
            self._state = remember(self._state, logged.event)
        if was_open:
            self._calls_until_s = time.monotonic() + WAIT_FOR_CALLS_S
        if self.is_at_work:
            return self.try_now()
        # an announcement that comes after the end opens nothing
        return [], self.RETAIN if self._state.history else self.DISCARD

    def on_eof(self) -> tuple[list[Event], bool]:
        """Stay until the evidence is sealed, unless asked to stop."""
        self._calls_until_s = 0.0  # what is not known of calls by now will not be
        return super().on_eof()

    def snapshot(self) -> Saved:
        """Return what a restart needs."""
        return OFFENCE_FORMAT.save(self._state)

    def attempt(self) -> tuple[list[Event], bool]:
        """Seal the evidence, if all that belongs to it is there."""
        ended = self._state.ended
        assert ended is not None
        self._beat()
        if self._look_up_calls() and time.monotonic() < self._calls_until_s:
            return self.try_after(FIRST_PAUSE_S)
        try:
            return [preserve(ended, self._state.history, self._parts)], self.DISCARD
        except AlreadyErased as error:
            log.warning("evidence_not_sealed_again", event_id=ended.id, reason=str(error))
            return [], self.DISCARD
        except StillRecording as error:  # the tail of a live recording is always waited for
            log.debug("evidence_waits", event_id=ended.id, reason=str(error))
            return self.try_after(FIRST_PAUSE_S)
        except TryAgain as error:
            pause_s = self.pause_after(error)
            write = log.warning if pause_s >= NOTEWORTHY_PAUSE_S else log.info
            write("evidence_waits", event_id=ended.id, retry_in_s=pause_s, reason=str(error))
        return self.try_after(pause_s)

    def _look_up_calls(self) -> bool:
        """Tell whether it is still not known what came of some call.

        The log is asked: on a busy machine its events come by here late, behind other offences' evidence.
        """
        for warned in awaited_calls(self._state.history):
            if logged := self._parts.find(announcement_of(warned.id)):
                self._state = remember(self._state, logged.event)
        return bool(awaited_calls(self._state.history))


def remember(state: OffenceState, event: Event) -> OffenceState:
    """Add one event to what is known of its offence."""
    if isinstance(event.data, OutcomeData):
        return replace(state, ended=event)
    if not state.history and not isinstance(event.data, OffenceOpened):
        return state
    if any(each.id == event.id for each in state.history):
        return state  # it was looked up before it came by
    return replace(state, history=(*state.history, event))
