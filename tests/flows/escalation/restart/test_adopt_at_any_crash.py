"""A live camera's watch program is killed at any moment: nothing is lost, nothing comes twice."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ladder_and_log import FRAMES, NO_FRAME, Log, Shown, Watch, Wish, ask, check
from people import HERE, INSIDE, OUTSIDE

from domain.events.catalog import (
    Event,
    OffenceClimbed,
    OffenceOpened,
    OffenceUnknown,
    OffenceWarned,
    OutcomeData,
)
from domain.events.commands import CommandKind
from domain.site.ladders import Ladder
from domain.site.operators import AnyTimeText, OperatorSettings, OperatorText
from domain.site.rules import Rule
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.restart.replay_log import rebuild_offence

OPERATORS = OperatorSettings(
    hand_back_after_s=6.0,
    texts=(OperatorText(id="step", text=AnyTimeText(zh="当心台阶", en="Mind the step")),),
)
ELSEWHERE = (300.0, 100.0, 330.0, 180.0)
quick = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Crash:
    """Frames are two a second; the saved state is some of them older than the log."""

    which: int  # of what is asked for: then, or some frames later; nothing asked: of all frames
    later: int
    saved_before: int
    away: int  # frames that nobody saw
    is_fresh: bool = False  # nothing was saved, or somebody deleted it
    is_renumbered: bool = False  # the tracker does not know them again
    is_elsewhere: bool = False  # and they have moved on meanwhile

    def killed_at(self, asked: Sequence[Wish]) -> int:
        """Return the frame whose events were written, and nothing after it."""
        return self.later + (asked[self.which % len(asked)][0] if asked else self.which)


crashes = st.lists(
    st.builds(
        Crash,
        st.integers(0, 40),
        st.integers(0, 3),
        st.integers(0, 6),
        st.integers(0, 12),
        st.sampled_from([False, False, False, True]),
        st.booleans(),
        st.booleans(),
    ),
    max_size=4,
)
wishes = st.lists(
    st.tuples(
        st.integers(8, 90),
        st.sampled_from(CommandKind),
        st.sampled_from(["Wang", "Li"]),
        st.sampled_from(["", "", "step", "no-such"]),
    ),
    max_size=10,
)
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


def watch_live(
    log: Log,
    make: Callable[[], RuleLadder],
    shown: Sequence[Shown],
    asked: Sequence[Wish],
    killed: Sequence[Crash],
) -> None:
    """Play it in real time: frames that come while the program is away are gone."""
    watch = Watch(log, make)
    saved = [watch.save()]  # after each frame
    due = {crash.killed_at(asked): crash for crash in killed}
    away_until = -1
    for n, each in enumerate(shown):
        if n > away_until:
            watch.step(n, each)
        for key, wish in enumerate(asked):
            if wish[0] == n:
                ask(log, wish, key)  # operators do not know that nobody watches
        if n in due and n > away_until:
            crash = due[n]  # what was asked for in this moment is in the log, and not read
            watch, away_until = back_again(log, make, watch, saved, crash), n + crash.away
        elif n > away_until:
            watch.read()
        saved.append(watch.save())
    watch.read()
    watch.end()


def back_again(
    log: Log,
    make: Callable[[], RuleLadder],
    before: Watch,
    saved: Sequence[tuple[bytes, int]],
    crash: Crash,
) -> Watch:
    watch = Watch(log, make)
    if not crash.is_fresh:
        watch.restore(saved[max(0, len(saved) - 1 - crash.saved_before)])
    watch.adopt()
    watch.number = before.number + crash.is_renumbered
    watch.box_xyxy = before.box_xyxy
    if crash.is_elsewhere:
        watch.box_xyxy = ELSEWHERE if before.box_xyxy == HERE else HERE
    return watch


def outcomes(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if isinstance(event.data, OutcomeData)]


def check_outcomes(log: Log) -> None:
    """Check that an outcome says everything that the log says."""
    for ended in outcomes(log.story()):
        assert isinstance(ended.data, OutcomeData)
        story = [logged.event for logged in log.about(ended.subject)]
        calls = [e.data for e in story if isinstance(e.data, OffenceWarned | OffenceClimbed)]
        assert ended.data.rung_sightings == tuple(call.sighting for call in calls)
        by_hand = [getattr(event.data, "by_hand", None) for event in story]
        assert ended.data.operators_did == tuple(each for each in by_hand if each is not None)
        opened = story[0].data
        assert isinstance(opened, OffenceOpened)
        assert ended.data.first_sighting == opened.first_sighting
        times = [point.at for point in ended.data.track]
        assert times == sorted(set(times))
        assert times[0] == opened.first_sighting.at
        if isinstance(ended.data, OffenceUnknown):
            assert ended.data.reason and ended.data.reason_zh


@given(shown=stays, asked=wishes, killed=crashes, restart_tolerance_s=st.sampled_from([0.0, 20.0]))
@quick
def test_whenever_it_is_killed_each_offence_has_one_opening_one_end_and_each_rung_once(
    rule: Rule,
    ladder: Ladder,
    shown: list[Shown],
    asked: list[Wish],
    killed: list[Crash],
    restart_tolerance_s: float,
) -> None:
    rule = rule.model_copy(update={"restart_tolerance_s": restart_tolerance_s})

    def make() -> RuleLadder:
        writer = OffenceWriter("square", "north", rule, ladder)
        return RuleLadder(rule, ladder, writer, None, OPERATORS)

    log = Log()
    watch_live(log, make, shown, asked, killed)
    check(log)
    check_outcomes(log)
    assert log.conflicts == [], "nothing is told twice"


@given(
    killed_at=st.integers(0, 30),
    saved_before=st.integers(0, 6),
    away=st.integers(0, 12),
    is_fresh=st.booleans(),
    is_renumbered=st.booleans(),
)
@quick
def test_who_stays_where_they_were_climbs_on_as_if_nothing_had_happened(
    rule: Rule,
    ladder: Ladder,
    killed_at: int,
    saved_before: int,
    away: int,
    is_fresh: bool,
    is_renumbered: bool,
) -> None:
    def make() -> RuleLadder:
        return RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))

    log = Log()
    if is_fresh:  # who was escalated before is not remembered then
        killed_at = min(killed_at, 23)
    crash = Crash(killed_at, 0, saved_before, away, is_fresh, is_renumbered)
    watch_live(log, make, [INSIDE] * FRAMES, [], [crash])
    told = Counter(event.data.state for event in log.story())  # type: ignore[attr-defined]
    assert told == {"opened": 1, "warned": 3, "escalated": 1}
    check(log)
    check_outcomes(log)


@given(shown=stays, asked=wishes)
@quick
def test_what_the_log_tells_is_what_the_ladder_knows(
    rule: Rule, ladder: Ladder, shown: list[Shown], asked: list[Wish]
) -> None:
    def make() -> RuleLadder:
        writer = OffenceWriter("square", "north", rule, ladder)
        return RuleLadder(rule, ladder, writer, None, OPERATORS)

    log = Log()
    watch = Watch(log, make)
    for n, each in enumerate(shown):
        told_before = len(log.events)
        watch.step(n, each)
        for key, wish in enumerate(asked):
            if wish[0] == n:
                ask(log, wish, key)
        watch.read()
        if len(log.events) == told_before:
            continue
        for offence in watch.ladder.offences.values():
            story = [logged.event for logged in log.about(watch.ladder.id_of(offence))]
            if story:
                known = copy.deepcopy(offence)
                assert rebuild_offence(story, ladder, known) == offence
                alone = rebuild_offence(story, ladder)
                for name in ("last", "last_seen_at", "outside_since", "track", "logged_id"):
                    setattr(alone.stay, name, getattr(offence.stay, name))
                assert alone == offence
