"""The ladder while a person has a hand in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from by_operators import pending
from people import BEGAN, INSIDE, OUTSIDE, presence

from domain.base import BothLanguages
from domain.cameras.status import CameraNotice, ReadCounts
from domain.events.catalog import (
    CommandRefused,
    Event,
    OffenceComplied,
    OffenceDismissed,
    OffenceDispatched,
    OffenceHandedBack,
    OffencePaused,
    OffenceTakenOver,
    OffenceWarned,
)
from domain.events.commands import CommandKind, Refusal, answer_id
from domain.picture_digest import CLEAR, PictureTrust
from domain.site.ladders import Ladder
from domain.site.operators import AnyTimeText, OperatorSettings, OperatorText
from domain.site.rules import Rule
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter

TAKE, BACK, SPEAK = CommandKind.TAKE_OVER, CommandKind.HAND_BACK, CommandKind.SPEAK
DISMISS, DISPATCH = CommandKind.DISMISS, CommandKind.DISPATCH
PAUSE, RESUME = CommandKind.PAUSE, CommandKind.RESUME
STEP = AnyTimeText(zh="请当心台阶。", en="Mind the step on the {zone}.")

Wish = tuple[float, CommandKind, dict[str, Any]]
Play = Callable[..., list[Event]]


@pytest.fixture
def play(rule: Rule, ladder: Ladder) -> Play:
    """20 s (or longer) at 5 frames a second, with commands after the frames of their moments."""

    def play(
        *wishes: Wish,
        who: Callable[[float], dict[int, bool]] = lambda t: {1: INSIDE},
        until_s: float = 20,
        operators: OperatorSettings | None = None,
        sight: PictureTrust = CLEAR,
        rule: Rule = rule,
        ladder: Ladder = ladder,
    ) -> list[Event]:
        writer = OffenceWriter("square", "north", rule, ladder)
        climbing = RuleLadder(rule, ladder, writer, None, operators)
        events: list[Event] = []
        for n in range(round(until_s * 5) + 1):
            shown = presence(n / 5, who(n / 5))
            events += climbing.step(shown.frame, shown.holdings, sight)
            for row, (at_s, kind, more) in enumerate(wishes):
                if round(at_s * 5) == n:
                    wanted = {"key": str(row), **more}
                    about = wanted.pop("about", None) or events[0].subject
                    events += climbing.command(pending(kind, about, **wanted))
        return events

    return play


def told(events: list[Event]) -> list[str]:
    """Return what happened, as "seconds kind"; of refusals why."""
    return [
        f"refused: {event.data.why.value}"
        if isinstance(event.data, CommandRefused)
        else f"{(event.time - BEGAN).total_seconds():g} {event.type.split('.')[2]}"
        for event in events
    ]


def test_nothing_is_said_or_escalated_by_itself_while_somebody_has_it(play: Play) -> None:
    events = play((5, TAKE, {}), until_s=200)
    assert told(events) == ["4 opened", "4 warned", "5 taken-over"]
    taken = events[-1].data
    assert isinstance(taken, OffenceTakenOver)
    assert (taken.state, taken.by_hand.operator) == ("taken-over", "Wang")
    assert taken.hand_back_at == BEGAN + timedelta(seconds=305)


def test_handed_back_the_ladder_goes_on_and_its_pauses_count_anew(play: Play) -> None:
    events = play((5, TAKE, {}), (9, BACK, {"reason": "done"}), until_s=30)
    assert told(events) == [
        *("4 opened", "4 warned", "5 taken-over", "9 handed-back"),
        *("12 warned", "15 warned", "17 escalated"),
    ]
    back = events[3].data
    assert isinstance(back, OffenceHandedBack)
    assert (back.cause, back.taken_by, back.state) == ("operator", "Wang", "warned")
    assert back.by_hand is not None and back.by_hand.reason == "done"


def test_after_its_time_limit_it_goes_back_by_itself_each_time(play: Play) -> None:
    short = OperatorSettings(hand_back_after_s=2)
    events = play((5, TAKE, {}), (8, TAKE, {}), operators=short, until_s=30)
    assert told(events) == [
        *("4 opened", "4 warned", "5 taken-over", "7 handed-back", "8 taken-over"),
        *("10 handed-back", "13 warned", "16 warned", "18 escalated"),
    ]
    assert isinstance(events[3].data, OffenceHandedBack)
    assert (events[3].data.cause, events[3].data.by_hand) == ("time limit", None)
    assert len({event.id for event in events}) == len(events)


def test_taken_over_before_anything_was_said_it_goes_back_to_the_first_call(
    play: Play, rule: Rule, ladder: Ladder
) -> None:
    slow = ladder.model_copy(
        update={"rungs": (ladder.rungs[0].model_copy(update={"after_s": 3.0}), *ladder.rungs[1:])}
    )
    events = play((5, TAKE, {}), (6, BACK, {}), ladder=slow)
    assert told(events)[:4] == ["4 opened", "5 taken-over", "6 handed-back", "9 warned"]
    assert events[2].data.state == "opened"  # type: ignore[attr-defined]
    left = play((5, TAKE, {}), ladder=slow, who=lambda t: {1: INSIDE if t < 7 else OUTSIDE})
    assert told(left) == ["4 opened", "5 taken-over", "8 lapsed"]


def test_while_somebody_decides_nothing_comes_due_and_then_it_comes_at_once(play: Play) -> None:
    events = play((5, PAUSE, {}), (9, RESUME, {}))
    assert told(events) == [
        *("4 opened", "4 warned", "5 paused", "9 resumed"),
        *("9.2 warned", "12.2 warned", "14.2 escalated"),
    ]
    paused = events[2].data
    assert isinstance(paused, OffencePaused)
    assert (paused.state, paused.by_hand.operator) == ("warned", "Wang")
    assert paused.paused_until == BEGAN + timedelta(seconds=65)


def test_the_ladder_waits_a_minute_at_most_for_somebody_who_does_nothing(play: Play) -> None:
    assert told(play((5, PAUSE, {}), until_s=80)) == [
        *("4 opened", "4 warned", "5 paused", "65 warned", "68 warned", "70 escalated"),
    ]


def test_who_decides_before_the_minute_is_over_does_not_lose_against_the_ladder(play: Play) -> None:
    events = play((6.8, PAUSE, {}), (60, DISMISS, {"reason": "the gardener"}), until_s=80)
    assert told(events) == ["4 opened", "4 warned", "6.8 paused", "60 dismissed"]
    spoken = play((5, PAUSE, {}), (9, DISPATCH, {"reason": "patrol 3"}))
    assert told(spoken)[2:5] == ["5 paused", "9 dispatched", "9.2 warned"]


def test_of_two_who_decide_the_ladder_waits_for_both(play: Play) -> None:
    events = play(
        *((5, PAUSE, {}), (6, PAUSE, {"operator": "Li"})),
        *((8, RESUME, {}), (10, RESUME, {"operator": "Li"})),
    )
    assert told(events)[2:] == [
        *("5 paused", "6 paused", "8 resumed", "10 resumed"),
        *("10.2 warned", "13.2 warned", "15.2 escalated"),
    ]


def test_however_many_decide_in_turn_the_ladder_waits_three_times_at_most(play: Play) -> None:
    pauses = ((5 + 50 * n, PAUSE, {"operator": f"Wang {n}"}) for n in range(5))
    assert told(play(*pauses, until_s=250)) == [
        *("4 opened", "4 warned", "5 paused", "55 paused", "105 paused"),
        *("refused: no further pause", "165 warned", "168 warned", "170 escalated"),
        "refused: offence has ended",
    ]


def test_leaving_is_compliance_also_while_somebody_has_it(play: Play) -> None:
    events = play((5, TAKE, {}), who=lambda t: {1: INSIDE if t < 7 else OUTSIDE})
    assert told(events) == ["4 opened", "4 warned", "5 taken-over", "8 complied"]
    left = events[-1].data
    assert isinstance(left, OffenceComplied)
    assert [(each.command, each.operator) for each in left.operators_did] == [(TAKE, "Wang")]


def test_a_dismissal_is_final_and_is_no_earlier_offence(
    play: Play, rule: Rule, ladder: Ladder
) -> None:
    again = ladder.model_copy(update={"repeat_window_s": 100.0, "cooldown_s": 8.0})
    events = play(
        (5, DISMISS, {"reason": "the gardener"}),
        ladder=again,
        who=lambda t: {1: OUTSIDE if 8 < t < 10 else INSIDE},
        until_s=16,
    )
    # the cool-down ends 13 s in; then the same subject, still there, is a first-timer again
    assert told(events) == ["4 opened", "4 warned", "5 dismissed", "14 opened", "14 warned"]
    ended, opened = events[2].data, events[3].data
    assert isinstance(ended, OffenceDismissed)
    assert ended.by_hand.reason == "the gardener"
    assert len(ended.rung_sightings) == 1
    assert opened.earlier_offences == 0  # type: ignore[attr-defined]


def test_an_officer_is_sent_once_and_the_offence_goes_on(play: Play) -> None:
    events = play((5, DISPATCH, {"reason": "patrol 3"}), (6, DISPATCH, {"reason": "patrol 4"}))
    assert told(events) == [
        *("4 opened", "4 warned", "5 dispatched", "refused: officer already dispatched"),
        *("7 warned", "10 warned", "12 escalated"),
    ]
    assert isinstance(events[2].data, OffenceDispatched)
    assert "patrol 3" in events[3].data.explanation  # type: ignore[attr-defined]


def test_the_next_call_now_is_a_rung_like_any_other(play: Play) -> None:
    events = play((5, SPEAK, {}), (5.4, SPEAK, {}))
    assert told(events) == ["4 opened", "4 warned", "5 warned", "5.4 warned", "7.4 escalated"]
    calls = [event.data for event in events if isinstance(event.data, OffenceWarned)]
    assert [call.rung_id for call in calls] == ["ask", "warn", "announce"]
    assert [call.by_hand is not None for call in calls] == [False, True, True]


def test_while_taken_over_words_can_be_spoken_and_it_stays_taken_over(play: Play) -> None:
    events = play(
        (5, TAKE, {}),
        (6, SPEAK, {}),
        (7, SPEAK, {"text_id": "step"}),
        until_s=15,
        operators=OperatorSettings(texts=(OperatorText(id="step", text=STEP),)),
    )
    assert told(events) == ["4 opened", "4 warned", "5 taken-over", "6 warned", "7 warned"]
    rung, words = (event.data for event in events[3:])
    assert isinstance(rung, OffenceWarned) and isinstance(words, OffenceWarned)
    assert (rung.rung_id, rung.rung_number, rung.state) == ("warn", 2, "taken-over")
    assert (words.rung_id, words.rung_number, words.state) == ("step", 0, "taken-over")
    assert words.text.en == "Mind the step on the lawn."


def test_an_operators_words_are_no_rung_but_the_pause_counts_from_them(play: Play) -> None:
    free = OperatorSettings(free_words=True)
    words = BothLanguages(zh="{穿红衣的}请离开", en="You in the red coat, please leave")
    events = play((6, SPEAK, {"words": words}), operators=free)
    assert told(events) == [
        *("4 opened", "4 warned", "6 warned", "9 warned", "12 warned", "14 escalated"),
    ]
    spoken = [event.data for event in events if isinstance(event.data, OffenceWarned)]
    assert [each.rung_number for each in spoken] == [1, 0, 2, 3]
    assert spoken[1].text == words
    assert len(events[-1].data.rung_sightings) == 4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("wishes", "why"),
    [
        ([(5, BACK, {})], Refusal.NOT_TAKEN_OVER),
        ([(5, TAKE, {}), (6, TAKE, {"operator": "Li"})], Refusal.TAKEN_BY_ANOTHER),
        ([(5, SPEAK, {"text_id": "step"})], Refusal.NO_SUCH_TEXT),
        ([(5, SPEAK, {"words": BothLanguages(zh="走", en="Go")})], Refusal.NO_FREE_WORDS),
        ([(10.2, SPEAK, {})], Refusal.NOTHING_LEFT),
        ([(13, DISMISS, {"reason": "late"})], Refusal.ENDED),
        ([(5, DISMISS, {"reason": "so"}), (6, TAKE, {})], Refusal.ENDED),
        ([(5, TAKE, {"about": "ofc-elsewhere"})], Refusal.ENDED),
        ([(5, CommandKind.LEFT, {})], Refusal.CAMERA_JUDGES),
        ([(5, CommandKind.START, {})], Refusal.OPEN_ALREADY),
        ([(5, PAUSE, {}), (6, RESUME, {}), (7, PAUSE, {})], Refusal.NO_MORE_PAUSES),
        ([(5, TAKE, {}), (6, PAUSE, {"operator": "Li"})], Refusal.NO_MORE_PAUSES),
        ([(5, PAUSE, {}), (6, RESUME, {"operator": "Li"})], Refusal.NOT_PAUSED),
        ([(5, PAUSE, {}), (6, RESUME, {}), (6.2, RESUME, {})], Refusal.NOT_PAUSED),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    play: Play, wishes: list[Wish], why: Refusal
) -> None:
    events = play(*wishes)
    refused = [event for event in events if isinstance(event.data, CommandRefused)]
    assert [event.data.why for event in refused] == [why]  # type: ignore[attr-defined]
    assert refused[0].id == answer_id(refused[0].data.command_id)  # type: ignore[attr-defined]
    others = [event.id for event in events if event is not refused[0]]
    assert others == [event.id for event in play(*wishes[:-1])]


def test_who_names_the_holder_takes_it_from_them_and_the_same_person_keeps_it_longer(
    play: Play,
) -> None:
    events = play(
        (5, TAKE, {}),
        (6, TAKE, {"operator": "Li", "taking_from": "Wang"}),
        (7, TAKE, {"operator": "Li"}),
    )
    taken = [event.data for event in events if isinstance(event.data, OffenceTakenOver)]
    assert [(each.by_hand.operator, each.taken_from) for each in taken] == [
        *(("Wang", ""), ("Li", "Wang"), ("Li", "Li")),
    ]
    assert taken[-1].hand_back_at == BEGAN + timedelta(seconds=307)


def test_on_a_camera_that_is_not_fit_to_warn_only_words_are_refused(play: Play) -> None:
    covered = PictureTrust(("picture-covered",), is_in_doubt=True)
    events = play((5, SPEAK, {}), (6, DISPATCH, {"reason": "go and look"}), sight=covered)
    assert told(events) == [
        *("4 opened", "4 withheld", "refused: camera not fit to warn", "6 dispatched"),
    ]
    assert "covered" in events[2].data.explanation  # type: ignore[attr-defined]


def test_a_silent_camera_leaves_it_unknown_whoever_has_it(rule: Rule, ladder: Ladder) -> None:
    climbing = RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))
    frames = [presence(n / 5, {1: INSIDE}) for n in range(26)]
    events = [e for each in frames for e in climbing.step(each.frame, each.holdings)]
    events += climbing.command(pending(TAKE, events[0].subject))
    events += climbing.lose_sight(BothLanguages(zh="断线", en="cable cut"))
    assert told(events) == ["4 opened", "4 warned", "5 taken-over", "5 unknown"]


def test_a_command_whose_moment_never_comes_is_refused_when_the_camera_fails(
    rule: Rule, ladder: Ladder
) -> None:
    """After a crash a live camera may not come back: whoever asked must hear of it."""
    climbing = RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))
    later = BEGAN + timedelta(seconds=9)
    waiting = replace(pending(TAKE, "ofc-before-the-crash"), not_before=later)
    made = replace(pending(DISMISS, "ofc-before-the-crash"), not_before=later, is_answered=True)
    assert climbing.command(waiting) == climbing.command(made) == []
    failed = CameraNotice("north", "failed", None, later, ReadCounts(0, 0), 0.0)
    assert told(climbing.notice(failed)) == ["refused: offence has ended"]
    assert climbing.notice(failed) == []


@pytest.mark.parametrize("kind", [TAKE, DISPATCH])
def test_a_command_that_comes_again_after_a_restart_does_nothing_more(
    rule: Rule, ladder: Ladder, kind: CommandKind
) -> None:
    climbing = RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))
    shown = [presence(n / 5, {1: INSIDE}) for n in range(26)]
    opened, *_ = [e for each in shown for e in climbing.step(each.frame, each.holdings)]
    given = pending(kind, opened.subject)
    assert len(climbing.command(given)) == 1
    assert climbing.command(given) == []


def test_commands_that_waited_are_carried_out_in_the_order_of_their_moments(
    rule: Rule, ladder: Ladder
) -> None:
    climbing = RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))
    shown = [presence(n / 5, {1: INSIDE}) for n in range(26)]
    opened, *_ = [e for each in shown for e in climbing.step(each.frame, each.holdings)]
    for kind, not_before_s in ((DISMISS, 6.0), (TAKE, 5.5)):
        moment = BEGAN + timedelta(seconds=not_before_s)
        assert not climbing.command(replace(pending(kind, opened.subject), not_before=moment))
    last = presence(6.4, {1: INSIDE})
    assert told(climbing.step(last.frame, last.holdings)) == ["6.4 taken-over", "6.4 dismissed"]


def test_a_call_that_was_asked_for_too_long_ago_is_not_made_on_a_live_camera(
    rule: Rule, ladder: Ladder
) -> None:
    for late_s, outcome in ((4.0, "5 warned"), (6.0, "refused: too late")):
        climbing = RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))
        frames = [presence(n / 5, {1: INSIDE}) for n in range(26)]
        events = [e for each in frames for e in climbing.step(each.frame, each.holdings)]
        by = BEGAN + timedelta(seconds=10 - late_s)
        asked = replace(pending(SPEAK, events[0].subject), speak_by=by)
        assert told(climbing.command(asked)) == [outcome]
