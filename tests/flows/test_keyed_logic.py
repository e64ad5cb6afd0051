"""A key's state goes through a restart also where nothing came since, and through items that a step raises on."""

from __future__ import annotations

import errno
import threading

import pytest
from bytewax.operators import StatefulBatchLogic
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PutAside, Stop, TryAgain
from domain.events.catalog import Event, ItemPutAside
from domain.processes.backoff import Backoff
from domain.saved_state import Saved, StateUnusable
from flows.keyed_logic import MOST_RAISED, MOST_SINCE, RetryingLogic, WatcherLogic
from flows.put_aside import Asides, StepAside
from tests.support.example_events import warned_event
from tests.support.plain_state import plain_of, saved_as

NOTHING = saved_as([])


class _Listener:
    """Remembers all that it heard; of what is bad, too, before it raises."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def hear(self, word: str) -> list[str]:
        self.heard.append(word)
        if "bad" in word:
            raise KeyError(word)
        return [f"{len(self.heard)} {word}"]

    def save(self) -> Saved:
        if "unwritable" in self.heard:
            raise ValueError("no plain value")
        return saved_as(self.heard)

    def restore(self, saved: Saved) -> None:
        self.heard = plain_of(saved)


class _Logic(WatcherLogic[str, str, _Listener]):
    def __init__(self, resume: Saved | None, aside: StepAside | None = None) -> None:
        super().__init__(lambda key: _Listener(), resume, NOTHING, aside)

    def key_of(self, item: str) -> str:
        return "gate"

    def take(self, watcher: _Listener, item: str) -> list[str]:
        return watcher.hear(item)


def test_a_key_that_is_silent_after_a_restart_keeps_its_state() -> None:
    logic = _Logic(None)
    assert logic.snapshot() == NOTHING
    logic.on_batch(["one"])
    for _ in range(2):  # two restarts in which nothing comes
        logic = _Logic(logic.snapshot())
        assert plain_of(logic.snapshot()) == ["one"]
    logic.on_batch(["two"])
    assert plain_of(logic.snapshot()) == ["one", "two"]


@given(
    st.lists(
        st.one_of(
            st.lists(st.sampled_from(["a", "b", "bad"]), min_size=1, max_size=4),
            st.sampled_from(["save", "restart"]),
        ),
        max_size=20,
    )
)
def test_what_a_step_raised_on_leaves_no_trace_in_its_state(doings: list[list[str] | str]) -> None:
    logic, good, said = _Logic(None), list[str](), list[str]()
    for each in doings:
        if isinstance(each, str):
            saved = logic.snapshot()
            logic = _Logic(saved) if each == "restart" else logic
            continue
        good += [word for word in each if word != "bad"]
        said += logic.on_batch(each)[0]
    assert plain_of(logic.snapshot()) == good
    assert said == [f"{number} {word}" for number, word in enumerate(good, 1)]


def test_events_of_what_is_given_again_are_told_again() -> None:
    """Those of the batch that raised were not returned yet; the log knows the ids of the others."""

    class Telling(WatcherLogic[str, Event | str, _Listener]):
        def key_of(self, item: str) -> str:
            return "gate"

        def take(self, watcher: _Listener, item: str) -> list[Event | str]:
            return [warned_event(len(watcher.heard)), *watcher.hear(item)]

    logic = Telling(lambda key: _Listener(), None, NOTHING)
    assert logic.on_batch(["one"])[0] == [warned_event(0), "1 one"]
    assert logic.on_batch(["bad"])[0] == [warned_event(0)]


def test_what_is_taken_up_at_the_start_outlasts_a_first_item_that_is_bad() -> None:
    class TakingUp(_Logic):
        def begin(self, watcher: _Listener, key: str) -> list[str]:
            watcher.heard.append("from the log")
            return ["taken up"]

    logic = TakingUp(None)
    assert logic.on_batch(["bad", "one"])[0] == ["taken up", "2 one"]
    assert plain_of(logic.snapshot()) == ["from the log", "one"]


def test_what_cannot_be_given_again_is_not_tried_a_second_time() -> None:
    takes = iter([False, False, True, False, False, False])

    class Fickle(_Logic):
        def take(self, watcher: _Listener, item: str) -> list[str]:
            if next(takes):
                raise LookupError("what it asked elsewhere has changed")
            return super().take(watcher, item)

    logic = Fickle(None)
    logic.on_batch(["one", "bad", "two"])
    logic.on_batch(["bad"])
    assert plain_of(logic.snapshot()) == ["two"]


def test_while_no_epoch_ends_what_is_kept_to_be_given_again_does_not_grow() -> None:
    """Set back by an hour, the wall's clock ends no epoch for an hour."""
    logic = _Logic(None)
    for _ in range(3):
        logic.on_batch(["a"] * MOST_SINCE)
        assert len(logic._since) < MOST_SINCE
    made, _ = logic.on_batch(["bad", "b"])
    assert made == [f"{3 * MOST_SINCE + 1} b"]


def test_a_state_that_cannot_be_saved_goes_back_to_the_one_that_could() -> None:
    told: list[Event] = []
    logic = _Logic(None, Asides("test", "watch", told.append).step("track"))
    logic.on_batch(["one"])
    logic.snapshot()
    logic.on_batch(["unwritable"])
    assert plain_of(logic.snapshot()) == ["one"]
    logic.on_batch(["two"])
    assert plain_of(logic.snapshot()) == ["one", "two"]
    (event,) = told
    assert isinstance(event.data, ItemPutAside) and "no plain value" in event.data.reason


@pytest.mark.parametrize(
    "error",
    [
        TryAgain("server away"),
        Stop("wrong set-up"),
        StateUnusable("damaged"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system"),
        KeyboardInterrupt(),
        SystemExit(3),
    ],
    ids=lambda error: type(error).__name__ + str(getattr(error, "errno", "")),
)
def test_what_is_meant_to_end_the_program_ends_it(error: BaseException) -> None:
    class Ending(_Logic):
        def take(self, watcher: _Listener, item: str) -> list[str]:
            raise error

    with pytest.raises(type(error)):
        Ending(None).on_batch(["one"])


@pytest.mark.parametrize("error", [PutAside("bad"), OSError(errno.ENOENT, "gone"), MemoryError()])
def test_what_is_one_item_s_fault_does_not(error: Exception) -> None:
    class Faulty(_Logic):
        def take(self, watcher: _Listener, item: str) -> list[str]:
            if item == "two":
                raise error
            return super().take(watcher, item)

    made, _ = Faulty(None).on_batch(["one", "two", "three"])
    assert made == ["1 one", "2 three"]


class _Sealing(RetryingLogic[Event]):
    """Work that raises what it is told to."""

    longest_wait_s = 0.0

    def __init__(
        self, raises: list[Exception], asides: Asides, resume: Event | None = None
    ) -> None:
        self._event, self._raises = resume, raises
        super().__init__(
            threading.Event(),
            lambda: None,
            Backoff(0.0, 0.0),
            is_due=resume is not None,
            aside=asides.step("seal"),
        )

    @property
    def key(self) -> str:
        return "ofc"

    @property
    def work(self) -> Event | None:
        return self._event

    def take(self, values: list[Event]) -> tuple[list[Event], bool]:
        self._event = values[-1]
        return self.try_now()

    def attempt(self) -> tuple[list[Event], bool]:
        assert self._event is not None
        if self._raises:
            raise self._raises.pop(0)
        return [self._event], self.DISCARD

    def snapshot(self) -> Saved:
        return saved_as([self._event and self._event.id])


def test_work_that_raises_is_tried_again_and_told_of() -> None:
    told: list[Event] = []
    logic = _Sealing([ValueError("odd")], Asides("campus", "preserve", told.append))
    assert logic.on_batch([warned_event()]) == ([], StatefulBatchLogic.RETAIN)
    assert logic.on_notify() == ([warned_event()], StatefulBatchLogic.DISCARD)
    (event,) = told
    assert isinstance(event.data, ItemPutAside)
    assert (event.data.program, event.data.step, event.data.camera_id) == (
        "preserve",
        "seal",
        "gate",
    )
    assert "ValueError: odd" in event.data.reason and warned_event().id in event.data.item


def test_work_that_always_raises_is_left_to_the_next_start_and_holds_up_no_end() -> None:
    logic = _Sealing([ValueError("odd")] * 10, Asides())
    logic.on_batch([warned_event()])
    assert logic.on_eof() == ([], StatefulBatchLogic.RETAIN)  # its state stays
    assert logic.notify_at() is None
    assert len(logic._raises) == 10 - MOST_RAISED
    again = _Sealing([], Asides(), logic.work)
    assert again.on_notify() == ([warned_event()], StatefulBatchLogic.DISCARD)


def test_work_that_must_wait_ends_the_program_as_before() -> None:
    logic = _Sealing([OSError(errno.EMFILE, "too many")], Asides())
    with pytest.raises(OSError, match="too many"):
        logic.on_batch([warned_event()])


def test_work_waits_for_room_on_the_disk_however_often_it_finds_none() -> None:
    told: list[Event] = []
    full = [OSError(errno.ENOSPC, "full")] * (2 * MOST_RAISED)
    logic = _Sealing(full, Asides("campus", "preserve", told.append))
    answers = [logic.on_batch([warned_event()])]
    answers += [logic.try_now() for _ in range(2 * MOST_RAISED - 1)]
    assert answers == [([], StatefulBatchLogic.RETAIN)] * (2 * MOST_RAISED)
    assert logic.try_now() == ([warned_event()], StatefulBatchLogic.DISCARD)
    assert told == []  # it is not the work's fault


class _Work(RetryingLogic[str]):
    """Work that is due at once and never gets done."""

    def __init__(self, stop: threading.Event) -> None:
        self.attempts = 0
        super().__init__(stop, lambda: None, Backoff(0.01, 0.01), is_due=True)

    @property
    def key(self) -> str:
        return "all"

    @property
    def work(self) -> object:
        return self

    def take(self, values: list[str]) -> tuple[list[Event], bool]:
        return self.try_now()

    def attempt(self) -> tuple[list[Event], bool]:
        self.attempts += 1
        return self.try_after(0.0)

    def snapshot(self) -> Saved:
        return NOTHING


def test_work_that_is_due_is_left_to_the_next_start_once_the_program_is_asked_to_end() -> None:
    """A restart makes a whole backlog due at one moment, and nothing else looks at `stop` meanwhile."""
    stop = threading.Event()
    backlog = [_Work(stop) for _ in range(3)]
    backlog[0].on_notify()
    stop.set()
    for work in backlog:
        assert work.on_notify() == ([], work.RETAIN)
        assert work.on_batch(["more"]) == ([], work.RETAIN)
        assert work.on_eof() == ([], work.RETAIN)
    assert [work.attempts for work in backlog] == [1, 0, 0]
