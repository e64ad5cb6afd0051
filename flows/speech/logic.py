"""Bytewax adapter for `SpeakerLine`; one per speaker, so that one that hangs holds up only itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from domain.events.catalog import Event
from domain.saved_state import Saved
from event_log.rows import LoggedEvent
from flows.keyed_logic import KeyedLogic
from flows.put_aside import StepAside, only_logged
from flows.signals import StopFlag
from flows.speech.call_queue import SpeakerLine
from flows.speech.queue_state import LINE_FORMAT, LineState
from flows.waking import AT_ONCE

LOOK_AGAIN_S = 0.05  # at the end, while something is being said

LineItem = tuple[str, LoggedEvent]  # the line's name rides along, for Bytewax does not tell it


class SpeakingLogic(KeyedLogic[LineItem, Event]):
    """Run the line of one speaker. Nothing here waits for a speaker but the end of the program."""

    def __init__(
        self,
        make: Callable[[str, LineState | None], SpeakerLine],
        stop: StopFlag,
        beat: Callable[[], None],
        lines: list[SpeakerLine],
        resume: Saved | None,
        aside: StepAside | None = None,
    ) -> None:
        """Go on with a line that was saved, or wait for the first item to name one.

        Args:
            make: the line of a name, with what it knew before the restart.
            stop: when set, only the call that is being made is waited for.
            beat: called while the end is waited for.
            lines: of all speakers; each adds its own. One is waited for at the end while the others
                go on.
            resume: as Bytewax gives it back after a restart.
            aside: is told what was put aside; None: the log file alone is.
        """
        self._make = make
        self._aside = aside or only_logged("speak")
        self._stop = stop
        self._beat = beat
        self._lines = lines
        self._name, state = LINE_FORMAT.restore(resume) if resume else ("", None)
        self._line = self._open(state) if resume else None

    def on_batch(self, values: list[LineItem]) -> tuple[list[Event], bool]:
        """Take warnings and ends of offences; return what is known already."""
        if self._line is None:
            self._name = values[0][0]
            self._line = self._open(None)
        events: list[Event] = []
        for _, logged in values:
            try:
                events += self._line.take(logged)
            except Exception as error:
                self._aside.note(logged, error)
                events += self._line.refuse(logged, _words(error))
        return events + self._advance(self._line), self.RETAIN

    def on_notify(self) -> tuple[list[Event], bool]:
        """See what has come of the call that is being made."""
        return self._advance(self._line) if self._line else [], self.RETAIN

    def _advance(self, line: SpeakerLine) -> list[Event]:
        """See what has come of calls; one that raises is given up, for it would hold up all others."""
        try:
            return line.advance()
        except Exception as error:
            call = line.in_hand
            self._aside.note(call or self._name, error)
            return line.give_up(_words(error)) if call else []

    def on_eof(self) -> tuple[list[Event], bool]:
        """Stay until all is said, or, when asked to stop, the call in hand."""
        events: list[Event] = []
        while self._line is not None and not self._line.is_idle:
            if self._stop.is_set():
                events += self._line.finish_current()
                break
            self._beat()
            for other in self._lines:
                with suppress(Exception):  # its own key is told when it is waited for
                    other.keep_going()
            events += self._advance(self._line)
            time.sleep(LOOK_AGAIN_S)
        return events, self.RETAIN

    def notify_at(self) -> datetime | None:
        """Ask to be called at each round of the flow while something is said; its source paces the rounds."""
        return None if self._line is None or self._line.is_idle else AT_ONCE

    def snapshot(self) -> Saved:
        """Return what a restart needs."""
        return LINE_FORMAT.save((self._name, self._line.state if self._line else LineState()))

    def _open(self, state: LineState | None) -> SpeakerLine:
        line = self._make(self._name, state)
        self._lines.append(line)
        return line


def _words(error: Exception) -> str:
    return f"{type(error).__name__} while the call was made: {error}"
