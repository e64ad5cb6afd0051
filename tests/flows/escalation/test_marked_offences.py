"""What a person marks on a tile climbs the rule's ladder by their word, until people say that it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from by_operators import command_event, pending
from ladder_and_log import Log
from people import BEGAN, stamp

from domain.cameras.messages import trouble
from domain.events.catalog import (
    CommandGiven,
    CommandRefused,
    Event,
    Mark,
    OffenceComplied,
    OffenceEscalated,
    OffenceOpened,
)
from domain.events.commands import CommandKind, Refusal
from domain.picture_digest import CLEAR
from domain.rule_key import RuleKey
from domain.saved_state import StateFormat
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from flows.escalation.commands.command_intake import (
    START_WITHIN,
    CommandContext,
    PendingCommand,
    take_up,
)
from flows.escalation.marked_offences import MarkedOffences, MarkedState
from flows.escalation.offence_writer import OffenceWriter

ID = "ofc-0123456789abcdef"
START, LEFT, PAUSE = CommandKind.START, CommandKind.LEFT, CommandKind.PAUSE
FORMAT = StateFormat[MarkedState](MarkedState)
Make = Callable[[], MarkedOffences]


@pytest.fixture
def make(rule: Rule, ladder: Ladder) -> Make:
    return lambda: MarkedOffences(
        rule, ladder, OffenceWriter("square", "north", rule, ladder), place_at=lambda mark: "lawn"
    )


def start(**more: object) -> PendingCommand:
    event = command_event(START, ID, mark=Mark(x=0.5, y=0.5), **more)
    return PendingCommand(event, 1, BEGAN)


def play(marked: MarkedOffences, from_s: float, to_s: float) -> list[Event]:
    frames = [stamp(n / 5) for n in range(round(from_s * 5), round(to_s * 5))]
    return [event for frame in frames for event in marked.step(frame)]


def told(events: list[Event]) -> list[str]:
    return [
        f"refused: {event.data.why.value}"
        if isinstance(event.data, CommandRefused)
        else f"{(event.time - BEGAN).total_seconds():g} {event.type.split('.')[2]}"
        for event in events
    ]


def test_the_ladder_is_climbed_and_a_person_sent_where_nobody_says_that_it_is_over(
    make: Make,
) -> None:
    marked = make()
    play(marked, 0, 2)
    assert marked.command(start(), CLEAR) == []
    events = play(marked, 2, 20)
    assert told(events) == ["2 opened", "2 warned", "5 warned", "8 warned", "10 escalated"]
    opened, ended = events[0].data, events[-1].data
    assert isinstance(opened, OffenceOpened) and isinstance(ended, OffenceEscalated)
    assert opened.by_hand is not None and opened.by_hand.operator == "Wang"
    assert (opened.offence_id, opened.zone_id) == (ID, "lawn")
    assert opened.sighting.box_xyxy == (345.6, 218.88, 422.4, 357.12)
    # evidence is cut around these: each in a frame of its own
    assert [each.media_time_s for each in ended.rung_sightings] == [2.0, 5.0, 8.0]
    assert len(ended.track) > 10
    assert marked.ids == []


def test_who_left_is_dissuaded_by_the_operators_word(make: Make) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    events = play(marked, 0, 4) + marked.command(pending(LEFT, ID), CLEAR)
    assert told(events) == ["0 opened", "0 warned", "3 warned", "3.8 complied"]
    ended = events[-1].data
    assert isinstance(ended, OffenceComplied) and ended.by_hand is not None
    assert ended.basis == "an operator saw it"
    assert [act.command for act in ended.operators_did] == [START, LEFT]
    (late,) = marked.command(pending(LEFT, ID), CLEAR)
    assert isinstance(late.data, CommandRefused) and late.data.why is Refusal.ENDED


def test_a_double_click_starts_one_offence(make: Make) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    marked.command(start(), CLEAR)
    assert told(play(marked, 0, 1)) == ["0 opened", "0 warned"]


def test_two_people_who_mark_the_same_start_one_offence(make: Make) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    for number, x in enumerate((0.53, 0.9)):
        given = command_event(START, f"ofc-{number:016x}", mark=Mark(x=x, y=0.45), operator="Li")
        marked.command(PendingCommand(given, 2, BEGAN), CLEAR)
    events = play(marked, 0, 1)
    assert told(events) == ["0 opened", "0 warned", "refused: open already", "0 opened", "0 warned"]
    assert isinstance(events[2].data, CommandRefused) and ID in events[2].data.explanation
    assert ID in marked.ids and len(marked.ids) == 2


def test_it_can_be_paused_and_dismissed_like_any_other(make: Make) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    play(marked, 0, 1)
    events = marked.command(pending(PAUSE, ID), CLEAR) + play(marked, 1, 30)
    dismiss = pending(CommandKind.DISMISS, ID, reason="the gardener")
    assert told(events + marked.command(dismiss, CLEAR)) == ["0.8 paused", "29.8 dismissed"]


def test_where_there_are_no_pictures_nobody_can_say_what_came_of_it(make: Make) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    play(marked, 0, 1)
    waiting = PendingCommand(
        command_event(START, "ofc-fedcba9876543210", mark=Mark(x=0.1, y=0.1)), 2, BEGAN
    )
    marked.command(waiting, CLEAR)
    assert told(marked.lose_all(trouble("footage_ended"))) == [
        "0.8 unknown",
        "refused: camera not fit to warn",
    ]
    silent = make()
    silent.command(start(), CLEAR)
    play(silent, 0, 1)
    assert told(play(silent, 9, 10)) == ["0.8 unknown"]


def test_it_goes_on_after_a_restart_as_the_log_has_it(make: Make) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    saved = FORMAT.save(marked.state)  # before it was opened
    before = play(marked, 0, 4)
    again = make()
    again.restore(FORMAT.restore(saved))
    again.adopt({ID: before}, None)
    again.command(_answered(before[0]), CLEAR)  # read again from the log
    after = play(again, 5, 20)
    assert told(before + after) == [
        *("0 opened", "0 warned", "3 warned", "6 warned", "8 escalated"),
    ]
    assert {event.subject for event in after} == {ID}


def test_what_has_ended_is_not_opened_again_by_its_command(make: Make) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    before = play(marked, 0, 12)
    again = make()
    again.adopt({}, None)
    again.command(_answered(before[0]), CLEAR)
    assert play(again, 13, 20) == []


def test_what_was_refused_after_the_state_was_saved_stays_refused(
    rule: Rule, ladder: Ladder, make: Make
) -> None:
    marked = make()
    marked.command(start(), CLEAR)
    saved, log = FORMAT.save(marked.state), Log()
    log.append(marked.refuse_starts())
    assert told(log.story()) == ["refused: the rule does not apply now"]
    writer = OffenceWriter("square", "north", rule, ladder)
    again = MarkedOffences(rule, ladder, writer, find=log.events.get)
    again.restore(FORMAT.restore(saved))
    again.adopt({}, None)
    assert play(again, 1, 5) == []


def test_a_second_pass_over_a_recording_tells_the_same(make: Make) -> None:
    marked = make()
    play(marked, 0, 2)
    marked.command(start(), CLEAR)
    before = play(marked, 2, 20)
    again = make()
    again.command(_answered(before[0]), CLEAR)
    assert play(again, 0, 20) == before


def test_a_mark_that_is_taken_up_too_late_is_refused() -> None:
    given = start().event
    log = Log()
    log.append([given])
    asked_at = given.data.asked_at
    context = CommandContext(
        log.events.get,
        log.about,
        {RuleKey("north", "keep-off")},
        {"north"},
        now=lambda: asked_at + START_WITHIN + timedelta(seconds=1),
    )
    refused = take_up(log.events[given.id], context)
    assert isinstance(refused, Event) and isinstance(refused.data, CommandRefused)
    assert refused.data.why is Refusal.TOO_LATE


def test_a_camera_judges_what_it_found_and_no_mark_starts_nothing() -> None:
    given = command_event(START, ID)
    assert isinstance(given.data, CommandGiven) and given.data.mark is None
    log = Log()
    log.append([given])
    context = CommandContext(log.events.get, log.about, {RuleKey("north", "keep-off")})
    refused = take_up(log.events[given.id], context)
    assert isinstance(refused, Event) and refused.data.why is Refusal.UNKNOWN  # type: ignore[attr-defined]


def _answered(opened: Event) -> PendingCommand:
    return PendingCommand(start().event, 1, opened.time, is_answered=True)
