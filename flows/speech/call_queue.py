"""Make the calls of one speaker: one at a time, the gravest first, none after it has lost its use.

A plain class that never blocks: the call that is being made runs on a thread of its own, and
`advance` looks how it stands. What waits and what was said lately is in `state`, which a restart
needs; a call that was made before the restart is found by its note or in the log and not repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.errors import TryAgain
from domain.events.announcements import announcement_of
from domain.events.catalog import (
    AnnouncementMade,
    Event,
    EventData,
    OffenceComplied,
    OffenceDismissed,
    OffenceMerged,
    OffenceUnknown,
    OffenceWarned,
    expect_event,
)
from event_log.rows import LoggedEvent
from flows.speech.announce import (
    AnnounceRules,
    AnnounceTools,
    announce_rung,
    broken_off,
    not_made,
    said_with,
)
from flows.speech.queue_state import LastCall, LineState, Said, may_have_been_heard, talks_until

# ends of an offence after which its call is not made: nobody may be there to be spoken to
WITHDRAWS: dict[type[EventData], str] = {
    OffenceComplied: "the subject had left",
    OffenceDismissed: "an operator had dismissed the offence",
    OffenceMerged: "its subject had turned out to have an older offence, which goes on",
    OffenceUnknown: "nobody could see any more whether the subject was there",
}
WRITTEN_WITHIN_S = 0.02  # a file mostly is; the other lines wait no longer for it
# no sound is as long; a clock that was set back must not keep a speaker silent until it is there again
LONGEST_SOUND_S = 300.0
SEVERITIES = ("slight", "ordinary", "serious")


@dataclass(slots=True)
class _Call:
    logged: LoggedEvent
    is_settled: bool  # dealt with before a restart: to be told again, not to be made

    @property
    def data(self) -> OffenceWarned:
        return expect_event(self.logged.event, OffenceWarned).data


@dataclass(slots=True)
class _Running:
    call: _Call
    result: Future[Event[AnnouncementMade]]
    along: list[_Call] = field(default_factory=list)  # other offences that it stands for


class SpeakerLine:
    """Keep one line of calls."""

    def __init__(
        self,
        tools: AnnounceTools,
        rules: AnnounceRules,
        *,
        is_heard: bool,
        severity_of: Callable[[str], str] = lambda _: "ordinary",
        name: str = "",
        state: LineState | None = None,
    ) -> None:
        """Go on from a saved state, or begin with nothing.

        Args:
            tools: what a call needs.
            rules: how long a call has its use.
            is_heard: a real speaker, heard by people who are there. Else calls are files: they are
                written in the order in which they came, each for itself.
            severity_of: of a rule, by its id; "ordinary" where it is not known.
            name: for people: the speaker's id.
            state: from before a restart.
        """
        self._tools = tools
        self._rules = rules
        self._is_heard = is_heard
        self._severity_of = severity_of
        self._name = name
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"speaker {name}")
        self._running: _Running | None = None
        self._last = state.last if state else None
        self._said: list[Said] = list(state.said) if state else []
        self._waiting: list[_Call] = []
        for logged in state.waiting if state else ():
            self.take(logged)
        self._unreturned: list[Event] = []

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is being said."""
        return self._running is None and not self._waiting and not self._unreturned

    @property
    def state(self) -> LineState:
        """Return a copy that does not change any more."""
        running = [self._running.call, *self._running.along] if self._running else []
        calls = sorted([*running, *self._waiting], key=lambda call: call.logged.seq)
        return LineState(tuple(call.logged for call in calls), tuple(self._said), self._last)

    def take(self, logged: LoggedEvent) -> list[Event]:
        """Take a warning, or the end of an offence whose call may still wait."""
        data = logged.event.data
        if isinstance(data, OffenceWarned):
            self._waiting.append(_Call(logged, self._was_dealt_with(logged)))
        elif self._is_heard and (what := WITHDRAWS.get(type(data))):
            offence_id = getattr(data, "offence_id", "")
            gone = [call for call in self._open_calls() if call.data.offence_id == offence_id]
            reason = f"{self._name}: {what} before the call could be made"
            return [self._drop(call, "too late", reason) for call in gone]
        return []

    def keep_going(self) -> None:
        """Begin the next call where another line is waited for; `advance` returns what came of it."""
        # Bytewax takes events of the key that it called only, and that is the other line's
        self._unreturned = self.advance()

    def advance(self) -> list[Event]:
        """Return what has come of calls since the last look, and begin the next call."""
        # kept there until all is done: what is known must not be lost where a later call raises
        events = self._unreturned
        while True:
            events += self._finish()
            # what was just said may stand for calls that wait; only those that are left can have
            # waited too long; and what has lost its use must not be begun
            if self._is_heard:
                events += self._join_said()
                events += self._expire()
            if self._running is not None or not self._waiting or self._is_still_talking():
                break
            self._begin(self._choose())
            if self._is_heard:
                break
        self._unreturned = []
        return events

    @property
    def in_hand(self) -> LoggedEvent | None:
        """Return the warning whose call is being made, or else that of the first that waits."""
        if self._running is not None:
            return self._running.call.logged
        return self._waiting[0].logged if self._waiting else None

    def refuse(self, logged: LoggedEvent, reason: str) -> list[Event]:
        """Record a warning that could not be taken in as a call that failed."""
        if not isinstance(logged.event.data, OffenceWarned):
            return []
        return [not_made(logged, self._tools, self._rules, "failed", reason)]

    def give_up(self, reason: str) -> list[Event]:
        """Record the call in hand, or else the first that waits, as one that failed; the others go on."""
        if self._running is not None:
            running, self._running = self._running, None
            self._waiting += running.along
            call, tools = running.call, self._tools
            is_over = running.result.done()
            made = broken_off(call.logged, tools, self._rules, reason, is_over=is_over)
            self._talks(call, made)
            return [made]
        if self._waiting:
            return [self._drop(self._waiting[0], "failed", reason)]
        return []

    def finish_current(self) -> list[Event]:
        """Wait for the call that is being made; the others stay in `state`."""
        if self._running is not None:
            self._running.result.exception()
        events, self._unreturned = self._unreturned, []
        return events + self._finish()

    def _was_dealt_with(self, logged: LoggedEvent) -> bool:
        if self._tools.find(announcement_of(logged.event.id)) is not None:
            return True
        camera_id = expect_event(logged.event, OffenceWarned).data.camera_id
        try:
            return self._tools.speaker.find_spoken(camera_id, logged.event.id) is not None
        except TryAgain:
            return True  # it may have been: announce_rung looks again and says what is wrong

    def _open_calls(self) -> list[_Call]:
        return [call for call in self._waiting if not call.is_settled]

    def _choose(self) -> _Call:
        """Choose what an operator asked for, then the gravest; of equals the one that came first.

        What needs no speaker goes before all.
        """
        if not self._is_heard:
            return self._waiting[0]
        return min(
            self._waiting,
            key=lambda call: (not call.is_settled, -self._weight(call), call.logged.seq),
        )

    def _weight(self, call: _Call) -> int:
        if call.data.by_hand is not None:
            return len(SEVERITIES)
        return SEVERITIES.index(self._severity_of(call.data.rule_id))

    def _begin(self, call: _Call) -> None:
        self._waiting.remove(call)
        result = self._thread.submit(announce_rung, call.logged, self._tools, self._rules)
        self._running = _Running(call, result)
        if not self._is_heard:
            wait([result], WRITTEN_WITHIN_S)  # so that the next can mostly be begun at once

    def _finish(self) -> list[Event]:
        running = self._running
        if running is None or not running.result.done():
            return []
        made = running.result.result()
        self._running = None
        said = Said(running.call.logged, made)
        self._talks(running.call, made)
        self._remember(said)
        # one that nobody heard stands for no other: those go on waiting, each with its own time
        if not may_have_been_heard(made):
            self._waiting += running.along
            return [made]
        return [made, *(said_with(call.logged, made) for call in running.along)]

    def _join_said(self) -> list[Event]:
        """Let one call stand for all that come with the same words within a few seconds."""
        events: list[Event] = []
        for call in self._open_calls():
            if self._running is not None and self._is_same(call, self._running.call.logged):
                self._waiting.remove(call)
                self._running.along.append(call)
                continue
            for said in self._said:
                if may_have_been_heard(said.made) and self._is_same(call, said.warned):
                    self._waiting.remove(call)
                    events.append(said_with(call.logged, said.made))
                    break
        return events

    def _is_same(self, call: _Call, other: LoggedEvent) -> bool:
        words = expect_event(other.event, OffenceWarned).data
        apart = abs(call.logged.recorded_at - other.recorded_at)
        return (
            call.data.text == words.text
            and call.data.by_hand is None  # a person wants to hear it said
            and call.data.offence_id != words.offence_id
            and apart <= timedelta(seconds=self._rules.say_once_within_s)
        )

    def _expire(self) -> list[Event]:
        """Drop calls that cannot be begun in time any more."""
        events: list[Event] = []
        for call in self._open_calls():
            if self._tools.age_s(call.logged) <= self._rules.too_late_after_s:
                continue
            blocker = self._blocker_of(call)
            if blocker is None:
                continue  # nobody was in the way: announce_rung says why it is late
            reason = (
                f"{self._name}: was busy with a call for {blocker} for all the "
                f"{self._rules.too_late_after_s:g} s in which this one had its use"
            )
            events.append(self._drop(call, "busy", reason))
        return events

    def _blocker_of(self, call: _Call) -> str | None:
        """Return the offence whose call was in the way."""
        if self._running is not None:
            return self._running.call.data.offence_id
        if self._last is not None and self._last.until > self._tools.of_wall(
            call.logged.recorded_at
        ):
            return self._last.offence_id
        return None

    def _is_still_talking(self) -> bool:
        if self._last is None:
            return False
        left_s = (self._last.until - self._tools.steady_now()).total_seconds()
        return 0 < left_s <= LONGEST_SOUND_S

    def _drop(self, call: _Call, result: Any, reason: str) -> Event:
        self._waiting.remove(call)
        return self._not_made(call, result, reason)

    def _not_made(self, call: _Call, result: Any, reason: str) -> Event:
        return not_made(call.logged, self._tools, self._rules, result, reason)

    def _talks(self, call: _Call, made: Event) -> None:
        """Note until when the speaker is at it."""
        if self._is_heard:
            until = talks_until(made, self._tools.steady_now(), self._tools.of_wall)
            self._last = LastCall(call.data.offence_id, until)

    def _remember(self, said: Said) -> None:
        newest = said.warned.recorded_at
        keep = timedelta(seconds=self._rules.say_once_within_s + self._rules.too_late_after_s)
        self._said = [each for each in self._said if newest - each.warned.recorded_at <= keep]
        if self._is_heard and self._rules.say_once_within_s:
            self._said.append(said)
