"""Bytewax's face of SpeakerLine: one for each speaker, so that one that hangs holds up only itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bytewax.operators import StatefulBatchLogic

from domain.events import Event
from event_log.rows import LoggedEvent
from flows.steps.line_state import LineState
from flows.steps.speaker_line import SpeakerLine

LOOK_AGAIN_S = 0.05  # while something is being said

LineItem = tuple[str, LoggedEvent]  # the line's name rides along, for Bytewax does not tell it


class SpeakingLogic(StatefulBatchLogic[LineItem, Event, tuple[str, LineState]]):
    """Runs one line. Nothing here waits for a speaker but the end of the program.

    Args:
        make: the line of a name, with what it knew before the restart.
        stop: when set, only the call that is being made is waited for.
        beat: called while the end is waited for.
        lines: of all speakers; each adds its own. One is waited for at the end while the others go on.
    """

    def __init__(
        self,
        make: Callable[[str, LineState | None], SpeakerLine],
        stop: threading.Event,
        beat: Callable[[], None],
        lines: list[SpeakerLine],
        resume: tuple[str, LineState] | None,
    ) -> None:
        self._make = make
        self._stop = stop
        self._beat = beat
        self._lines = lines
        self._name, state = resume or ("", None)
        self._line = self._open(state) if resume else None

    def on_batch(self, values: list[LineItem]) -> tuple[list[Event], bool]:
        """Take warnings and ends of offences; tell what is known already."""
        if self._line is None:
            self._name = values[0][0]
            self._line = self._open(None)
        events: list[Event] = []
        for _, logged in values:
            events += self._line.take(logged)
        return events + self._line.advance(), StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[list[Event], bool]:
        """See what has come of the call that is being made."""
        return self._line.advance() if self._line else [], StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[Event], bool]:
        """No more events: stay until all is said, or, when asked to stop, the call in hand."""
        events: list[Event] = []
        while self._line is not None and not self._line.is_idle:
            if self._stop.is_set():
                events += self._line.finish_current()
                break
            self._beat()
            for other in self._lines:
                other.keep_going()
            events += self._line.advance()
            time.sleep(LOOK_AGAIN_S)
        return events, StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """When to look again."""
        if self._line is None or self._line.is_idle:
            return None
        return datetime.now(UTC) + timedelta(seconds=LOOK_AGAIN_S)

    def snapshot(self) -> tuple[str, LineState]:
        """What is needed to go on after a restart."""
        return self._name, self._line.state if self._line else LineState()

    def _open(self, state: LineState | None) -> SpeakerLine:
        line = self._make(self._name, state)
        self._lines.append(line)
        return line
