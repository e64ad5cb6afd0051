"""A ladder that goes on with a live camera: what the log knows is taken up, and found again or ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from by_operators import pending
from ladder_and_log import restore_ladder, save_ladder
from people import BEGAN, HERE, INSIDE, OUTSIDE, at, presence, stamp

from domain.cameras.messages import trouble
from domain.events.catalog import (
    CameOut,
    CommandRefused,
    Event,
    OffenceTakenOver,
    OffenceUnknown,
    OutcomeData,
)
from domain.events.commands import CommandKind, Refusal
from domain.events.refusals import refuse
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.tracks import Place, Track
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.stays.stay import LostNumber, OutOfSight
from tests.support.plain_state import plain_of, saved_as

Make = Callable[..., RuleLadder]
ELSEWHERE = (300.0, 100.0, 330.0, 180.0)


@pytest.fixture
def make(rule: Rule, ladder: Ladder) -> Make:
    """Make a ladder whose subjects may be unseen for 2 s, and forewarn away for 6; calls 3 s apart."""
    rule = rule.model_copy(update={"gap_tolerance_s": 2.0, "restart_tolerance_s": 6.0})

    def make(**options: Any) -> RuleLadder:
        climbs = Ladder.model_validate(ladder.model_dump() | options)
        return RuleLadder(rule, climbs, OffenceWriter("square", "north", rule, climbs))

    return make


def play(ladder: RuleLadder, from_s: float, to_s: float, *holdings: Holding) -> list[Event]:
    """Show the same people in every frame, five a second."""
    frames = [stamp(n / 5) for n in range(round(from_s * 5), round(to_s * 5))]
    return [event for frame in frames for event in ladder.step(frame, holdings)]


def person(number: int, box: tuple[float, ...] = HERE, *, inside: bool = INSIDE) -> Holding:
    return Holding(Track(number), "lawn", Verdict.of(inside), 0.8, box)  # type: ignore[arg-type]


def place(*, holds: bool = True) -> Holding:
    return Holding(Place("lawn"), "lawn", Verdict.of(holds), 1.0, HERE)


def stories(events: list[Event]) -> dict[str, list[Event]]:
    return {event.subject: [e for e in events if e.subject == event.subject] for event in events}


def told(events: list[Event]) -> list[str]:
    return [
        f"{(event.time - BEGAN).total_seconds():g} {event.data.state}"  # type: ignore[attr-defined]
        for event in events
    ]


def test_an_offence_that_only_the_log_knows_is_gone_on_with_where_somebody_still_stands(
    make: Make,
) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    after = play(again, 8, 20, person(1))
    assert told(before + after) == [
        *("4 opened", "4 warned", "8 warned", "11 warned", "13 escalated"),
    ]
    assert {event.subject for event in after} == {before[0].subject}


def test_an_offence_goes_on_by_the_ladder_that_was_put_in_force_meanwhile(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    rungs = [
        {"id": "persuade", "after_s": 0, "text": {"zh": "请离开。", "en": "Please leave."}},
        {"id": "again", "after_s": 7, "text": {"zh": "请离开。", "en": "Please leave."}},
    ]
    again = make(rungs=rungs, escalate_after_s=1)
    again.adopt(stories(before))
    after = play(again, 8, 20, person(1))
    assert told(after) == ["11 warned", "12 escalated"]
    assert {event.subject for event in after} == {before[0].subject}


def test_its_number_may_be_another_persons_by_now(make: Make) -> None:
    """Numbers that were given in the lost second are given again."""
    before = play(make(), 0, 5, person(7))
    again = make()
    again.adopt(stories(before))
    after = play(again, 8, 12.6, person(7, ELSEWHERE), person(8))
    (opened,) = [event for event in after if event.data.state == "opened"]  # type: ignore[attr-defined]
    assert opened.data.subject_id == "north/7"  # type: ignore[attr-defined]
    assert opened.subject != before[0].subject
    climbed = [event for event in after if event.subject == before[0].subject]
    assert told(climbed) == ["8 warned", "11 warned"]
    assert {event.data.subject_id for event in climbed} == {"north/8"}  # type: ignore[attr-defined]


def test_two_who_stood_there_get_their_own_offences_back(make: Make) -> None:
    before = play(make(), 0, 5, person(1), person(2, ELSEWHERE))
    again = make()
    again.adopt(stories(before))
    after = play(again, 8, 8.4, person(3, ELSEWHERE), person(4))
    by_offence = {event.subject: event.data.subject_id for event in after}  # type: ignore[attr-defined]
    assert by_offence == {before[0].subject: "north/4", before[2].subject: "north/3"}


@pytest.mark.parametrize("who", [(), (person(1, ELSEWHERE),)], ids=["nobody", "elsewhere"])
def test_who_is_not_found_again_within_the_tolerance_leaves_it_unknown_not_complied(
    make: Make, who: tuple[Holding, ...]
) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    mine = before[0].subject
    assert not [event for event in play(again, 8, 10.2, *who) if event.subject == mine]
    (ended,) = [event for event in play(again, 10.2, 11, *who) if event.subject == mine]
    assert isinstance(ended.data, OffenceUnknown)
    assert ended.data.rung_sightings == (before[1].data.sighting,)  # type: ignore[attr-defined]
    assert "restart" in ended.data.reason


def test_after_an_absence_beyond_the_tolerance_nobody_is_taken_for_who_stood_there(
    make: Make,
) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    (ended,) = play(again, 10.9, 11, person(7))
    assert ended.subject == before[0].subject and isinstance(ended.data, OffenceUnknown)


def test_who_was_saved_and_is_not_seen_again_leaves_it_unknown_too(make: Make) -> None:
    """Numbers do not always outlast the pause, so that nobody saw them means nothing."""
    ladder = make()
    play(ladder, 0, 5, person(1))
    again = restore_ladder(make(), save_ladder(ladder))
    again.adopt({})
    assert told(play(again, 8, 12)) == ["4.8 unknown"]


def test_who_is_seen_outside_after_it_has_complied(make: Make) -> None:
    ladder = make()
    before = play(ladder, 0, 5, person(1))
    again = restore_ladder(make(), save_ladder(ladder))
    again.adopt(stories(before))
    assert told(play(again, 8, 12, person(1, inside=OUTSIDE))) == ["9 complied"]


def test_a_call_that_only_the_log_knows_is_not_made_again_and_counts(make: Make) -> None:
    ladder = make()
    before = play(ladder, 0, 6.8, person(1))
    state = save_ladder(ladder)
    before += play(ladder, 6.8, 7.4, person(1))
    assert told(before) == ["4 opened", "4 warned", "7 warned"]
    again = restore_ladder(make(), state)
    again.adopt(stories(before))
    after = play(again, 9, 20, person(1))
    assert told(after) == ["10 warned", "12 escalated"]
    ended = after[-1].data
    assert isinstance(ended, OutcomeData) and len(ended.rung_sightings) == 3


def test_an_end_that_only_the_log_knows_is_not_followed_by_another(make: Make) -> None:
    ladder = make(repeat_window_s=60, repeat_starts_at=3)
    before = play(ladder, 0, 5, person(1))
    state = save_ladder(ladder)
    before += play(ladder, 5, 7, person(1, inside=OUTSIDE))
    assert told(before)[-1] == "6 complied"
    again = restore_ladder(make(repeat_window_s=60, repeat_starts_at=3), state)
    again.adopt(stories(before))
    after = play(again, 9, 14, person(1))
    assert told(after) == ["13 opened", "13 warned"]
    assert after[0].data.earlier_offences == 1  # type: ignore[attr-defined]
    assert after[1].data.rung_number == 3  # type: ignore[attr-defined]


def test_who_was_escalated_in_the_lost_second_is_not_called_on_again_while_they_stay(
    make: Make,
) -> None:
    ladder = make()
    before = play(ladder, 0, 11.8, person(1))
    state = save_ladder(ladder)
    before += play(ladder, 11.8, 12.4, person(1))
    assert told(before)[-1] == "12 escalated"
    again = restore_ladder(make(), state)
    again.adopt(stories(before))
    assert play(again, 14, 40, person(2)) == []


def test_a_lost_number_does_not_make_another_person_a_repeater(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make(cooldown_s=60, repeat_window_s=60)
    again.adopt(stories(before))
    after = play(again, 20, 25, person(1))
    assert told(after) == ["4 unknown", "24 opened", "24 warned"]
    assert after[1].data.earlier_offences == 0  # type: ignore[attr-defined]


def test_a_place_is_the_same_place_whatever_was_lost(make: Make) -> None:
    before = play(make(), 0, 5, place())
    again = make()
    again.adopt(stories(before))
    assert told(play(again, 8, 20, place())) == ["8 warned", "11 warned", "13 escalated"]
    late = make()
    late.adopt(stories(before))
    assert told(play(late, 60, 65, place())) == ["4 unknown", "64 opened", "64 warned"]


def test_somebody_in_whom_the_condition_does_not_hold_yet_is_not_taken_for_the_missing(
    make: Make,
) -> None:
    """A car that gets a new number first has to stand for a while."""
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    after = play(again, 7, 9, person(5, inside=OUTSIDE)) + play(again, 9, 9.4, person(5))
    assert told(after) == ["9 warned"]


def test_commands_wait_for_a_frame_and_are_carried_out_on_what_was_adopted(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    assert again.command(pending(CommandKind.TAKE_OVER, before[0].subject)) == []
    *_, taken = play(again, 8, 12, person(1))
    assert isinstance(taken.data, OffenceTakenOver)
    assert (taken.time - BEGAN).total_seconds() == 8


def test_commands_to_what_could_not_be_adopted_are_refused(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    assert again.command(pending(CommandKind.TAKE_OVER, before[0].subject)) == []
    ended, refused = play(again, 60, 62, person(1))
    assert isinstance(ended.data, OffenceUnknown)
    assert isinstance(refused.data, CommandRefused) and refused.data.why is Refusal.ENDED


def test_a_command_that_was_carried_out_in_the_lost_second_is_not_carried_out_again(
    make: Make,
) -> None:
    ladder = make()
    before = play(ladder, 0, 5, person(1))
    command = pending(CommandKind.SPEAK, before[0].subject)
    held = PendingCommand(command.event, 1, BEGAN + timedelta(seconds=5))
    ladder.command(held)
    state = save_ladder(ladder)
    before += [command.event, *play(ladder, 5, 5.4, person(1))]
    assert told([before[-1]]) == ["5 warned"]
    again = restore_ladder(make(), state)  # in which the command is held
    again.adopt(stories(before))
    answered = PendingCommand(command.event, 1, BEGAN + timedelta(seconds=5), is_answered=True)
    assert again.command(answered) == []  # read again from the log
    after = play(again, 7, 20, person(1))
    assert told(after) == ["8 warned", "10 escalated"]
    assert len(after[-1].data.rung_sightings) == 3  # type: ignore[attr-defined]
    assert len(after[-1].data.operators_did) == 1  # type: ignore[attr-defined]


def test_a_command_is_answered_though_the_clock_is_behind_what_is_on_record(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    command = pending(CommandKind.TAKE_OVER, before[0].subject)
    later = PendingCommand(command.event, 1, BEGAN + timedelta(minutes=30))
    assert again.command(later) == []  # no frame has come
    _, refused = play(again, 60, 61, person(1))
    assert isinstance(refused.data, CommandRefused) and refused.data.why is Refusal.ENDED


def test_the_ladder_waits_for_who_decides_also_after_a_restart(make: Make) -> None:
    ladder = make()
    before = play(ladder, 0, 5, person(1))
    state = save_ladder(ladder)
    pause = pending(CommandKind.PAUSE, before[0].subject)
    before += ladder.command(pause)
    again = restore_ladder(make(), state)  # which knows of no pause
    again.adopt(stories(before))
    assert told(play(again, 6, 70, person(1))) == ["64.8 warned", "67.8 warned", "69.8 escalated"]


def test_a_pause_that_is_dated_ahead_holds_up_nothing(make: Make) -> None:
    """Of a clock that was set back since: nobody is deciding for an hour."""
    ladder = make()
    before = play(ladder, 0, 5, person(1))
    (paused,) = ladder.command(pending(CommandKind.PAUSE, before[0].subject))
    again = make()
    ahead = timedelta(hours=1)
    again.adopt(stories([*before, replace(paused, time=paused.time + ahead)]))
    assert told(play(again, 6, 20, person(1)))[:1] == ["7 warned"]


def test_a_command_that_was_refused_in_the_lost_second_stays_refused(make: Make) -> None:
    ladder = make()
    before = play(ladder, 0, 5, person(1))
    command = pending(CommandKind.TAKE_OVER, before[0].subject)
    ladder.command(PendingCommand(command.event, 1, BEGAN + timedelta(seconds=5)))
    state = save_ladder(ladder)
    before += [command.event, refuse(command.event, Refusal.TAKEN_BY_ANOTHER, "Li")]
    again = restore_ladder(make(), state)
    again.adopt(stories(before))
    assert told(play(again, 7, 9, person(1))) == ["7 warned"]


def test_commands_that_come_before_the_first_frame_wait_for_it(make: Make) -> None:
    ladder = make()
    before = play(ladder, 0, 5, person(1))
    again = restore_ladder(make(), save_ladder(ladder))
    again.adopt(stories(before))
    assert again.command(pending(CommandKind.SPEAK, before[0].subject)) == []


def test_who_settles_where_somebody_stood_is_taken_for_them(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    settling = replace(person(8), verdict=Verdict.NOT_KNOWN)
    after = [*play(again, 8, 9, settling), *play(again, 9, 10, person(8))]
    assert told(after) == ["9 warned"]
    assert {event.subject for event in after} == {before[0].subject}


@pytest.mark.parametrize(("share", "is_taken"), [(0.55, True), (0.45, False), (0.2, False)])
def test_who_stands_beside_where_somebody_stood_is_not_taken_for_them(
    make: Make, share: float, is_taken: bool
) -> None:
    """The boxes share that much of what both cover."""
    x1, y1, x2, y2 = HERE
    shift = (x2 - x1) * (1 - share) / (1 + share)
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    after = play(again, 8, 8.2, person(8, (x1 + shift, y1, x2 + shift, y2)))
    assert told(after) == (["8 warned"] if is_taken else [])


def test_who_stands_in_another_zone_is_not_taken_for_them(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    assert play(again, 8, 8.2, replace(person(8), place_id="path")) == []


def test_a_place_of_digits_is_found_again_by_its_name(make: Make) -> None:
    desk = Holding(Place("7"), "7", Verdict.HOLDS, 1.0, HERE)
    before = play(make(), 0, 5, desk)
    assert before[0].data.subject_id == "north/place:7"  # type: ignore[attr-defined]
    again = make()
    again.adopt(stories(before))
    after = play(again, 8, 8.2, desk)
    assert told(after) == ["8 warned"]
    assert {event.subject for event in after} == {before[0].subject}


def test_a_place_that_cannot_be_judged_is_not_found_again(make: Make) -> None:
    before = play(make(), 0, 5, place())
    again = make()
    again.adopt(stories(before))
    unfit = replace(place(), verdict=Verdict.NOT_KNOWN)
    assert play(again, 8, 9, unfit) == []
    after = play(again, 9, 9.2, place())
    assert told(after) == ["9 warned"] and after[0].subject == before[0].subject
    again = make()
    again.adopt(stories(before))
    assert told(play(again, 8, 11, unfit)) == ["4 unknown"]


def test_a_story_from_the_future_is_ended_at_once(make: Make) -> None:
    """Left in the log by recordings with a clock of their own."""
    before = play(make(), 1000, 1005, person(1))
    again = make()
    again.adopt(stories(before))
    assert told(play(again, 0, 1, person(1))) == ["1004 unknown"]


def test_nobody_is_shown_as_present_under_a_lost_number(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    frame = presence(8, {})
    assert again.step(frame.frame, frame.holdings) == []
    assert [subject for subject in again.offences if isinstance(subject, Track)] == []


def test_a_state_that_an_earlier_version_saved_is_gone_on_with(make: Make) -> None:
    ladder = make(repeat_window_s=60, repeat_starts_at=2)
    before = play(ladder, 0, 5, person(1), place())
    ladder.repeats.note(Track(9), at(4))
    state = plain_of(save_ladder(ladder))
    assert list(state["offences"]) == ["1", "lawn"] and list(state["past"]) == ["9"]
    # as if there had been no such fields
    del state["past"]["9"]["dismissed_at"]
    for offence in state["offences"].values():
        for name in ("logged_id", "is_missing", "is_unjudged", "basis"):
            del offence["stay"][name]
    again = restore_ladder(make(repeat_window_s=60, repeat_starts_at=2), saved_as(state))
    assert again.repeats.earlier(Track(9), at(5)) == 1
    again.adopt(stories(before))
    after = play(again, 7, 7.2, person(1), place())
    assert told(after) == ["7 warned", "7 warned"]
    assert [event.subject for event in after] == [before[0].subject, before[2].subject]


def test_who_only_the_log_knows_is_saved_and_read_back_as_such(make: Make) -> None:
    before = play(make(), 0, 5, person(1))
    again = make()
    again.adopt(stories(before))
    play(again, 8, 8.2)
    resumed = restore_ladder(make(), save_ladder(again))
    assert list(resumed.offences) == [LostNumber(before[0].subject)]


def test_it_stays_on_record_for_how_long_somebody_was_hidden_and_how_they_came_out(
    make: Make,
) -> None:
    """Before: a record made after a restart said that they were seen all the time."""
    old = make()
    before = play(old, 0, 5, person(1))
    ((stay,),) = [[each.stay for each in old.offences.values()]]
    stay.came_out, stay.unseen_s = [CameOut(gap_s=3, away=0.5, similarity=None)], 3.0
    before += play(old, 5, 8, person(1))
    assert told(before)[-1] == "7 warned"
    old.offences[Track(1)].stay.hidden = OutOfSight(at(7.8), in_a_group=False)
    for saved in (save_ladder(old), None):
        again = make()
        if saved is not None:
            restore_ladder(again, saved)
        again.adopt(stories(before))
        play(again, 9, 10, person(1))
        (end,) = again.lose_sight(trouble("silent", silent_s=9))
        assert isinstance(end.data, OutcomeData)
        if saved is not None:
            assert (end.data.unseen_s, len(end.data.came_out)) == (pytest.approx(4.2), 1)
        else:  # all that the log tells
            assert end.data.unseen_s == 3.0
