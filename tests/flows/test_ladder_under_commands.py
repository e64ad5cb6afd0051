"""Whatever people do, whatever operators ask for, wherever a crash comes: what never happens."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from by_operators import command_event
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import BEGAN, INSIDE, OUTSIDE, presence

from domain.cameras import CameraNotice, ReadCounts
from domain.commands import CommandKind, answer_id
from domain.events import (
    CommandGiven,
    Event,
    OffenceData,
    OffenceEscalated,
    OffenceExempted,
    OffenceHandedBack,
    OffenceOpened,
    OffenceTakenOver,
    OffenceUnknown,
    OffenceWarned,
    OutcomeData,
)
from domain.operators import AnyTimeText, OperatorSettings, OperatorText
from domain.site import Ladder, Rule
from event_log.rows import LoggedEvent
from flows.steps.ladder import RuleLadder
from flows.steps.offence import OffenceWriter
from flows.steps.take_up import Desk, Pending, take_up

FRAMES = 120  # two a second
NO_FRAME = "no frame"
OPERATORS = OperatorSettings(
    hand_back_after_s=6.0,
    texts=(OperatorText(id="step", text=AnyTimeText(zh="当心台阶", en="Mind the step")),),
)
Shown = bool | str | None
Wish = tuple[int, CommandKind, str, str]  # frame, what, who, text

wishes = st.lists(
    st.tuples(
        st.integers(8, 70),
        st.sampled_from(CommandKind),
        st.sampled_from(["Wang", "Li"]),
        st.sampled_from(["", "", "step", "no-such"]),
    ),
    max_size=12,
)
# first there for long enough: else nobody ever gets to an offence
runs = st.lists(
    st.tuples(
        st.sampled_from([INSIDE, INSIDE, INSIDE, OUTSIDE, None, NO_FRAME]), st.integers(1, 40)
    ),
    max_size=6,
)
stays = st.builds(
    lambda first, more: [shown for shown, count in [(INSIDE, first), *more] for _ in range(count)][
        :FRAMES
    ],
    st.integers(10, 40),
    runs,
)
# a crash: after which wish, how many frames later, and how many before that the state was saved
crashes = st.tuples(st.integers(0, 11), st.integers(0, 3), st.integers(1, 12))


@dataclass
class Log:
    """What the event log keeps: an id once, with its first content."""

    events: dict[str, LoggedEvent] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)

    def append(self, events: Sequence[Event]) -> None:
        for event in events:
            logged = LoggedEvent(len(self.events) + 1, event, BEGAN)
            if self.events.setdefault(event.id, logged).event != event:
                self.conflicts.append(event.id)

    def about(self, offence_id: str) -> list[LoggedEvent]:
        return [each for each in self.events.values() if each.event.subject == offence_id]

    def story(self) -> list[Event]:
        return [each.event for each in self.events.values()]


@dataclass
class Watch:
    """A ladder that reads commands from the log, as the watch flow does; may be saved and killed."""

    log: Log
    make: Callable[[], RuleLadder]

    def __post_init__(self) -> None:
        self.ladder = self.make()
        self.read_to = 0
        self.desk = Desk(self.log.events.get, self.log.about, {"north|keep-off"})

    def step(self, n: int, shown: Shown) -> None:
        if shown == NO_FRAME:
            return
        frame = presence(n / 2, {} if shown is None else {1: bool(shown)})
        self.log.append(self.ladder.step(frame.frame, frame.holdings))

    def read(self) -> None:
        for logged in list(self.log.events.values())[self.read_to :]:
            if isinstance(logged.event.data, CommandGiven):
                taken = take_up(logged, self.desk)
                if isinstance(taken, Pending):
                    self.log.append(self.ladder.command(taken))
                elif taken is not None:
                    self.log.append([taken])
            self.read_to += 1

    def end(self) -> None:
        at = BEGAN + timedelta(seconds=FRAMES)
        notice = CameraNotice("north", "ended", None, at, ReadCounts(FRAMES, 0), FRAMES / 2)
        self.log.append(self.ladder.notice(notice))
        self.read()

    def save(self) -> tuple[bytes, int]:
        ladder = self.ladder
        state = (ladder.offences, ladder.last_at, ladder.sight, ladder.held, ladder.repeats.past)
        return pickle.dumps(state), self.read_to

    def restore(self, saved: tuple[bytes, int]) -> None:
        ladder, (state, self.read_to) = self.ladder, saved
        restored = pickle.loads(state)
        ladder.offences, ladder.last_at, ladder.sight, ladder.held, ladder.repeats.past = restored


def ask(log: Log, wish: Wish, key: int) -> None:
    """An operator asks about the offence that opened last; nobody asks where there is none."""
    opened = [each for each in log.story() if isinstance(each.data, OffenceOpened)]
    if not opened:
        return
    _, kind, operator, text = wish
    more = {"text_id": text} if kind is CommandKind.SPEAK else {}
    log.append([command_event(kind, opened[-1].subject, operator=operator, key=str(key), **more)])


def watch_through(
    log: Log,
    make: Callable[[], RuleLadder],
    shown: Sequence[Shown],
    asked: Sequence[Wish],
    crash: tuple[int, int] | None = None,
) -> None:
    """Play it once; a crash (saved after this frame, killed after that one) is gone on from."""
    watch = Watch(log, make)
    save_at, killed_at = crash or (-1, -1)
    saved, saved_at = watch.save(), -1
    frames = list(enumerate(shown))
    for n, each in frames:
        watch.step(n, each)
        for key, wish in enumerate(asked):
            if wish[0] == n:
                ask(log, wish, key)
        if n == killed_at:  # what was asked for in this moment is in the log, and not read
            watch = Watch(log, make)
            watch.restore(saved)
            for again, shown_again in frames[saved_at + 1 : n + 1]:
                watch.read()
                watch.step(again, shown_again)
        watch.read()
        if n == save_at:
            saved, saved_at = watch.save(), n
    watch.end()


def check(log: Log) -> None:
    """What holds of every story."""
    by_offence: dict[str, list[Event]] = {}
    for event in log.story():
        if isinstance(event.data, OffenceData):
            by_offence.setdefault(event.subject, []).append(event)
    for events in by_offence.values():
        assert [type(event.data) for event in events].count(OffenceOpened) == 1
        assert isinstance(events[0].data, OffenceOpened)
        ends = [event for event in events if isinstance(event.data, OutcomeData)]
        assert len(ends) == 1, "an offence ends, once"
        assert events[-1] is ends[0]
        times = [event.time for event in events if not isinstance(event.data, OffenceUnknown)]
        assert times == sorted(times), "nothing happens before what is on record"
        rungs = [e.data.rung_number for e in events if isinstance(e.data, OffenceWarned)]
        climbed = [number for number in rungs if number]
        assert climbed == list(range(1, len(climbed) + 1)), "each rung once, in order"
        holder = ""
        for event in events:
            data = event.data
            if isinstance(data, OffenceTakenOver):
                holder = data.by_hand.operator
            elif isinstance(data, OffenceHandedBack):
                assert data.taken_by == holder
                holder = ""
            elif holder:
                assert not isinstance(data, OffenceEscalated | OffenceExempted)
                assert not isinstance(data, OffenceWarned) or data.by_hand is not None
    for event in log.story():
        if isinstance(event.data, CommandGiven):
            assert answer_id(event.id) in log.events, "every command is answered"


@given(shown=stays, asked=wishes, crash=crashes)
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_command_and_no_crash_breaks_the_ladder_and_a_second_pass_tells_the_same(
    rule: Rule, ladder: Ladder, shown: list[Shown], asked: list[Wish], crash: tuple[int, int, int]
) -> None:
    def make() -> RuleLadder:
        writer = OffenceWriter("square", "north", rule, ladder)
        return RuleLadder(rule, ladder, writer, None, OPERATORS)

    which, later, before_that = crash
    killed_at = asked[which % len(asked)][0] + later if asked else 20
    for moment in (None, (killed_at - before_that, killed_at)):
        log = Log()
        watch_through(log, make, shown, asked, moment)
        check(log)
        assert log.conflicts == [], "the same id always has the same content"
        before = dict(log.events)
        second = Watch(log, make)
        second.read()  # all commands are there from the start
        for n, each in enumerate(shown):
            second.step(n, each)
        second.end()
        assert log.events == before
        assert log.conflicts == []
