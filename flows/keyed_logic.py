"""Bases of the classes that keep state for one key of a dataflow, with Bytewax's contract written once."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import structlog
from bytewax.operators import StatefulBatchLogic

from domain.errors import TryAgain, is_disk_trouble
from domain.events.catalog import Event
from domain.processes.backoff import Backoff
from domain.saved_state import Saved
from flows.put_aside import StepAside, ends_program, only_logged
from flows.signals import StopFlag
from flows.waking import AT_ONCE, Timers, Waking

log = structlog.get_logger()

ItemT = TypeVar("ItemT")
MadeT = TypeVar("MadeT")
LONGEST_SLEEP_S = 1.0  # between signs of life
NO_ROOM_PAUSE_S = 3.0  # between tries on a full disk
MOST_SINCE = 256  # items that are kept between two saves; an epoch has some
MOST_RAISED = 3  # then a piece of work is left to the program's next start


class KeyedLogic(StatefulBatchLogic[ItemT, MadeT, Saved]):
    """Keep the state of one key: a camera, a rule on a camera, a speaker, an offence, a message.

    Bytewax makes one for each key, does not say which key it is, and calls:

    - `on_batch` with what came for the key, in order. One thread runs all steps of a flow, so it must
      not wait for anything slow that others need to go on.
    - `on_notify` once `notify_at` has come, by the wall clock, which may be set: so only AT_ONCE is
      returned there, and waits are those of flows/waking.py. It is also called for times that no longer
      hold: look at the clock again.
    - `on_eof` when all sources have ended, which a stop by SIGTERM brings about as well. Only here
      anything may be waited for.
    - `snapshot` at the end of each epoch in which the key was awake: plain values, which later
      changes do not reach. They are given back as `resume` after a restart.

    All but `snapshot` return what was made and `RETAIN` or `DISCARD`. DISCARD forgets the key and its
    saved state: right only when its work is done and nothing that may still come would begin it again.
    """

    def on_eof(self) -> tuple[list[MadeT], bool]:
        """Keep everything: a stop is not the end of what is watched or waited for."""
        return [], self.RETAIN


class Watcher(Protocol):
    """A plain class that looks at what comes for one key; what it knows can be saved."""

    def save(self) -> Saved:
        """Return what a restart needs."""

    def restore(self, saved: Saved) -> None:
        """Go on from there."""


WatcherT = TypeVar("WatcherT", bound=Watcher)


class WatcherLogic(KeyedLogic[ItemT, MadeT], Generic[ItemT, MadeT, WatcherT]):
    """Bytewax adapter for a watcher, which is made when the first item tells the key.

    What the watcher raises on is put aside, and the watcher made anew as it was before: it is restored
    as last saved and given again what went well since, a second's items at most. A copy before each item
    would cost as much as the watching does. The events of that second are returned again, as after a
    crash; their ids are those that the log has.
    """

    def __init__(
        self,
        make: Callable[[str], WatcherT],
        resume: Saved | None,
        nothing: Saved,
        aside: StepAside | None = None,
    ) -> None:
        """Begin with no watcher.

        Args:
            make: the watcher of a key.
            resume: as Bytewax gives it back after a restart.
            nothing: what is saved where no item came yet.
            aside: is told what was put aside; None: the log file alone is.
        """
        self._make = make
        self._saved = resume
        self._nothing = nothing
        self._aside = aside or only_logged(type(self).__name__)
        self._watcher: WatcherT | None = None
        self._has_begun = False
        self._since: list[ItemT] = []  # went well since `_saved`

    @abstractmethod
    def key_of(self, item: ItemT) -> str:
        """Return the key, which Bytewax does not tell."""

    @abstractmethod
    def take(self, watcher: WatcherT, item: ItemT) -> list[MadeT]:
        """Give the watcher one item; return what it made of it."""

    def begin(self, watcher: WatcherT, key: str) -> list[MadeT]:
        """Do what is to be done once in the life of a program, before the first item."""
        return []

    def sum_up(self, watcher: WatcherT, key: str) -> list[MadeT]:
        """Return what is told once for all items that came together; it changes nothing."""
        return []

    def on_batch(self, values: list[ItemT]) -> tuple[list[MadeT], bool]:
        """Give the watcher the items one by one."""
        key, last = self.key_of(values[-1]), values[-1]
        made = self._begin_once(key, values[0])
        for item in values:
            made += self._take(key, item)
        if self._watcher is not None:
            try:
                made += self.sum_up(self._watcher, key)
            except Exception as error:
                self._aside.note(last, error, key)
        return made, self.RETAIN

    def _watcher_of(self, key: str) -> WatcherT:
        """Return the watcher, restored if it was made just now."""
        if self._watcher is None:
            watcher = self._make(key)
            if self._saved is not None:
                watcher.restore(self._saved)
            self._watcher = watcher
        return self._watcher

    def _begin_once(self, key: str, item: ItemT) -> list[MadeT]:
        if self._has_begun:
            return []
        self._has_begun = True
        try:
            made = self.begin(self._watcher_of(key), key)
            self._saved = self._watcher_of(key).save()
        except Exception as error:
            self._aside.note(item, error, key)
            self._watcher = None
            return []
        return made

    def _take(self, key: str, item: ItemT) -> list[MadeT]:
        try:
            made = self.take(self._watcher_of(key), item)
        except Exception as error:
            self._aside.note(item, error, key)
            return self._go_back(key)
        self._aside.went_well(item, key)
        self._since.append(item)
        if len(self._since) >= MOST_SINCE:
            self.snapshot()
        return made

    def _go_back(self, key: str) -> list[MadeT]:
        """Make the watcher anew as it was before an item that it raised on; return the events of that time."""
        self._watcher = None
        again: list[MadeT] = []
        try:
            for item in self._since:
                again += self.take(self._watcher_of(key), item)
        except Exception as error:  # what it asked elsewhere may have changed: then as last saved
            log.exception("state_as_last_saved", key=key, items_lost=len(self._since))
            if ends_program(error):
                raise
            self._watcher = None
            self._since.clear()
        return [each for each in again if isinstance(each, Event)]

    def snapshot(self) -> Saved:
        """Return what a restart needs; where that cannot be written, what was saved last."""
        if self._watcher is not None:
            try:
                self._saved = self._watcher.save()
            except Exception as error:
                log.exception("state_not_saved", items_lost=len(self._since))
                if self._since:
                    last = self._since[-1]
                    self._aside.note(last, error, self.key_of(last))
                elif ends_program(error):
                    raise
                self._watcher = None
            self._since.clear()
        return self._saved or self._nothing


class RetryingLogic(KeyedLogic[ItemT | Waking, Event], Generic[ItemT]):
    """Do one piece of work for a key, and try again after longer and longer pauses until it is done.

    It is never given up, and the other keys go on meanwhile. All pauses are counted by the monotonic clock.
    """

    longest_wait_s = 60.0  # between tries once all sources have ended

    def __init__(
        self,
        stop: StopFlag,
        beat: Callable[[], None],
        backoff: Backoff,
        *,
        is_due: bool,
        timers: Timers | None = None,
        aside: StepAside | None = None,
    ) -> None:
        """Begin, with work in hand or without.

        Args:
            stop: when set, what is waited for is left to the next start.
            beat: called now and then while `on_eof` waits: a sign of life.
            backoff: the pauses between tries.
            is_due: there is work from before a restart.
            timers: of the flow, whose source sends the wakings; None: nobody does.
            aside: is told what was put aside; None: the log file alone is.
        """
        self._stop = stop
        self._beat = beat
        self._backoff = backoff
        self._is_due = is_due
        self._timers = timers if timers is not None else Timers()
        # monotonic; None: nothing to try
        self._try_at_s = time.monotonic() if is_due else None
        self._aside = aside or only_logged(type(self).__name__)
        self._raised = 0  # times in a row

    @property
    @abstractmethod
    def key(self) -> str:
        """The key that Bytewax keeps this under; asked for while there is work."""

    @property
    @abstractmethod
    def work(self) -> object | None:
        """What is to be done; None: nothing."""

    @property
    def is_at_work(self) -> bool:
        """Whether there is something to be done."""
        return self.work is not None

    @property
    def knows_nothing(self) -> bool:
        """Whether nothing is lost by forgetting the key."""
        return not self.is_at_work

    @abstractmethod
    def take(self, values: list[ItemT]) -> tuple[list[Event], bool]:
        """Take what came for the key."""

    @abstractmethod
    def attempt(self) -> tuple[list[Event], bool]:
        """Try once; where it did not work, `try_after` says when to try again."""

    def try_after_error(self, error: TryAgain) -> tuple[list[Event], bool]:
        """Try again, more and more seldom; on a full disk soon, for it may have room at any moment."""
        return self.try_after(self.pause_after(error))

    def pause_after(self, error: TryAgain) -> float:
        """Return the seconds to the next try."""
        return NO_ROOM_PAUSE_S if is_disk_trouble(error) else self._backoff.next_s()

    def try_now(self) -> tuple[list[Event], bool]:
        """Try, and put the work aside where that raises.

        It stays in the saved state: tried MOST_RAISED times in vain, it is left to the program's next
        start. So is all work once the program is asked to end: many keys may be due at one activation,
        and nothing else looks at `stop` between them.
        """
        if self._stop.is_set():
            return [], self.RETAIN
        try:
            made, is_over = self.attempt()
        except Exception as error:
            # no fault of the work; a stranger's library may say so in its own way
            if is_disk_trouble(error):
                return self.try_after(NO_ROOM_PAUSE_S)
            self._aside.note(self.work, error)
            self._raised += 1
            if self._raised < MOST_RAISED:
                return self.try_after(self._backoff.next_s())
            self._try_at_s = None
            return [], self.RETAIN
        self._raised = 0
        return made, is_over

    def try_after(self, pause_s: float) -> tuple[list[Event], bool]:
        """Try again after a pause; return what `attempt` then returns."""
        self._try_at_s = time.monotonic() + pause_s
        self._timers.arm(self.key, pause_s)
        return [], self.RETAIN

    def on_batch(self, values: list[ItemT | Waking]) -> tuple[list[Event], bool]:
        """Take what came; where that is a waking, try again if it is time."""
        news = [each for each in values if not isinstance(each, Waking)]
        if news:
            return self.take(news)
        # it may have been done, and the key forgotten, while the waking was on its way
        return ([], self.DISCARD) if self.knows_nothing else self.on_notify()

    def on_notify(self) -> tuple[list[Event], bool]:
        """Try again if it is time."""
        self._is_due = False
        if not self._is_time():
            return [], self.RETAIN
        return self.try_now()

    def on_eof(self) -> tuple[list[Event], bool]:
        """Stay until the work is done, unless asked to stop."""
        while self.is_at_work and self._raised < MOST_RAISED and not self._stop.is_set():
            made, is_over = self.try_now()
            if is_over:
                return made, is_over
            self._wait()
        return [], self.RETAIN

    def notify_at(self) -> datetime | None:
        """Ask to be called at once with work from before a restart; later tries are woken for."""
        return AT_ONCE if self._is_due else None

    def _is_time(self) -> bool:
        return self._try_at_s is not None and time.monotonic() >= self._try_at_s

    def _wait(self) -> None:
        """Sleep until the next try or a stop, with signs of life."""
        if self._try_at_s is None:
            return
        until_s = min(self._try_at_s, time.monotonic() + self.longest_wait_s)
        while (left_s := until_s - time.monotonic()) > 0:
            self._beat()
            if self._stop.wait(min(left_s, LONGEST_SLEEP_S)):
                return
