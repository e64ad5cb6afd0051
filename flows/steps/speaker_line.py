"""The calls of one speaker: one at a time, the gravest first, none after it has lost its use.

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
from domain.events import Event, EventData, OffenceComplied, OffenceDismissed, OffenceWarned
from event_log.rows import LoggedEvent
from flows.steps.announce_rung import (
    AnnounceRules,
    AnnounceTools,
    age_s,
    announce_rung,
    announcement_id,
    not_made,
    said_with,
)
from flows.steps.line_state import LastCall, LineState, Said, may_have_been_heard, talks_until

# ends of an offence after which nobody is there to be spoken to
WITHDRAWS: tuple[type[EventData], ...] = (OffenceComplied, OffenceDismissed)
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
        assert isinstance(self.logged.event.data, OffenceWarned)
        return self.logged.event.data


@dataclass(slots=True)
class _Running:
    call: _Call
    result: Future[Event]
    along: list[_Call] = field(default_factory=list)  # other offences that it stands for


class SpeakerLine:
    """One line of calls.

    Args:
        is_heard: a real speaker, heard by people who are there. Else calls are files: they are
            written in the order in which they came, each for itself.
        severity_of: of a rule, by its id; "ordinary" where it is not known.
        name: for people: the speaker's id.
    """

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
        self._untold: list[Event] = []

    @property
    def is_idle(self) -> bool:
        """True when nothing waits and nothing is being said."""
        return self._running is None and not self._waiting and not self._untold

    @property
    def state(self) -> LineState:
        """A copy that does not change any more."""
        running = [self._running.call, *self._running.along] if self._running else []
        calls = sorted([*running, *self._waiting], key=lambda call: call.logged.seq)
        return LineState(tuple(call.logged for call in calls), tuple(self._said), self._last)

    def take(self, logged: LoggedEvent) -> list[Event]:
        """Take a warning, or the end of an offence whose call may still wait."""
        data = logged.event.data
        if isinstance(data, OffenceWarned):
            self._waiting.append(_Call(logged, self._was_dealt_with(logged)))
        elif isinstance(data, WITHDRAWS) and self._is_heard:
            offence_id = getattr(data, "offence_id", "")
            gone = [call for call in self._open_calls() if call.data.offence_id == offence_id]
            what = "the subject had left"
            if isinstance(data, OffenceDismissed):
                what = "an operator had dismissed the offence"
            reason = f"{self._name}: {what} before the call could be made"
            return [self._drop(call, "too late", reason) for call in gone]
        return []

    def keep_going(self) -> None:
        """Begin the next call where another line is waited for; `advance` tells what came of it."""
        self._untold = self.advance()

    def advance(self) -> list[Event]:
        """What has come of calls since the last look; begins the next call."""
        events, self._untold = self._untold, []
        while True:
            events += self._finish()
            if self._is_heard:
                events += self._join_said()
                events += self._expire()
            if self._running is not None or not self._waiting or self._is_still_talking():
                return events
            self._begin(self._choose())
            if self._is_heard:
                return events

    def finish_current(self) -> list[Event]:
        """Wait for the call that is being made; the others stay in `state`."""
        if self._running is not None:
            self._running.result.exception()
        events, self._untold = self._untold, []
        return events + self._finish()

    def _was_dealt_with(self, logged: LoggedEvent) -> bool:
        if self._tools.find(announcement_id(logged.event)) is not None:
            return True
        assert isinstance(logged.event.data, OffenceWarned)
        try:
            camera_id = logged.event.data.camera_id
            return self._tools.speaker.find_spoken(camera_id, logged.event.id) is not None
        except TryAgain:
            return True  # it may have been: announce_rung looks again and says what is wrong

    def _open_calls(self) -> list[_Call]:
        return [call for call in self._waiting if not call.is_settled]

    def _choose(self) -> _Call:
        """What an operator asked for, then the gravest; of equals the one that came first.

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
        self._running = None
        made = running.result.result()
        said = Said(running.call.logged, made)
        if self._is_heard:
            self._last = LastCall(
                running.call.data.offence_id, talks_until(made, self._tools.now())
            )
        self._remember(said)
        if not may_have_been_heard(made):
            # too late for one is not too late for all
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
        words = other.event.data
        assert isinstance(words, OffenceWarned)
        apart = abs(call.logged.recorded_at - other.recorded_at)
        return (
            call.data.text == words.text
            and call.data.by_hand is None  # a person wants to hear it said
            and call.data.offence_id != words.offence_id
            and apart <= timedelta(seconds=self._rules.say_once_within_s)
        )

    def _expire(self) -> list[Event]:
        """Calls that cannot be begun in time any more."""
        events: list[Event] = []
        now = self._tools.now()
        for call in self._open_calls():
            if age_s(call.logged, now) <= self._rules.too_late_after_s:
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
        """The offence whose call was in the way."""
        if self._running is not None:
            return self._running.call.data.offence_id
        if self._last is not None and self._last.until > call.logged.recorded_at:
            return self._last.offence_id
        return None

    def _is_still_talking(self) -> bool:
        if self._last is None:
            return False
        left_s = (self._last.until - self._tools.now()).total_seconds()
        return 0 < left_s <= LONGEST_SOUND_S

    def _drop(self, call: _Call, result: Any, reason: str) -> Event:
        self._waiting.remove(call)
        return not_made(call.logged, self._tools, self._rules, result, reason)

    def _remember(self, said: Said) -> None:
        newest = said.warned.recorded_at
        keep = timedelta(seconds=self._rules.say_once_within_s + self._rules.too_late_after_s)
        self._said = [each for each in self._said if newest - each.warned.recorded_at <= keep]
        if self._is_heard and self._rules.say_once_within_s:
            self._said.append(said)
