"""Whatever people do, whatever operators ask for, wherever a crash comes: what never happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ladder_and_log import FRAMES, NO_FRAME, Log, Shown, Watch, Wish, ask, check
from people import INSIDE, OUTSIDE

from domain.events.commands import CommandKind
from domain.site.ladders import Ladder
from domain.site.operators import AnyTimeText, OperatorSettings, OperatorText
from domain.site.rules import Rule
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter

OPERATORS = OperatorSettings(
    hand_back_after_s=6.0,
    texts=(OperatorText(id="step", text=AnyTimeText(zh="当心台阶", en="Mind the step")),),
)
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
