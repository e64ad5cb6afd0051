"""The ladder's table of moves is whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Stop
from domain.events.catalog import DATA_BY_TYPE, OutcomeData
from domain.offence_states import (
    FINAL,
    MOVES,
    OPEN,
    START,
    State,
    Trigger,
    diagram_lines,
    find_move,
)


def test_every_state_can_be_reached() -> None:
    reached = {START}
    while True:
        more = {move.after for move in MOVES if move.before in reached} - reached
        if not more:
            break
        reached |= more
    assert reached == set(State)


def test_one_trigger_never_leads_two_ways() -> None:
    causes = [(move.before, move.trigger) for move in MOVES]
    assert len(causes) == len(set(causes))


def test_only_an_opened_offence_is_escalated() -> None:
    """Before a warning only by a ladder that says nothing; see tests/flows/escalation/test_rung_actions.py."""
    before = {move.before for move in MOVES if move.after is State.ESCALATED}
    assert before == {State.OPENED, State.WARNED}


def test_silence_never_counts_as_compliance() -> None:
    out_of_sight = (Trigger.SIGHT_LOST, Trigger.HIDDEN)
    after = {move.after for move in MOVES if move.trigger in out_of_sight}
    assert after == {State.UNKNOWN, State.DROPPED}


def test_every_written_event_has_its_data() -> None:
    written = [move for move in MOVES if move.event_type is not None]
    assert len(written) == len(MOVES) - 3  # what was only suspected is dropped without a word
    for move in written:
        assert DATA_BY_TYPE[move.event_type or ""] is move.writes


@pytest.mark.parametrize("state", sorted(FINAL))
@pytest.mark.parametrize("trigger", list(Trigger))
def test_a_final_state_cannot_be_left(state: State, trigger: Trigger) -> None:
    with pytest.raises(Stop, match="no move"):
        find_move(state, trigger)


def test_the_diagram_shows_every_move() -> None:
    causes = {
        tuple(arrow.strip().split(" --> ")): set(words.split(" / "))
        for arrow, words in (line.split(": ", 1) for line in diagram_lines() if ": " in line)
    }
    for move in MOVES:
        assert move.trigger.value in causes[move.before.value, move.after.value]


@given(st.lists(st.sampled_from(list(Trigger)), max_size=30))
def test_whatever_happens_an_offence_stays_within_the_table_and_ends_once(
    triggers: list[Trigger],
) -> None:
    state, outcomes, written = START, 0, 0
    for trigger in triggers:
        legal = {move.trigger: move for move in MOVES if move.before is state}
        if trigger not in legal:
            with pytest.raises(Stop, match=f"from '{state.value}' on '{trigger.value}'"):
                find_move(state, trigger)
            continue
        move = find_move(state, trigger)
        assert move is legal[trigger]
        written += move.event_type is not None
        outcomes += move.writes is not None and issubclass(move.writes, OutcomeData)
        state = move.after
        assert outcomes == (state in FINAL - {State.DROPPED})
    if state is State.DROPPED:
        assert written == 0


def test_what_a_final_state_writes_is_an_outcome_and_nothing_else_is() -> None:
    for move in MOVES:
        if move.writes is not None:
            assert issubclass(move.writes, OutcomeData) == (move.after in FINAL)


@pytest.mark.parametrize("state", OPEN)
def test_a_person_can_always_step_in_and_a_camera_can_always_go_silent(state: State) -> None:
    for trigger in (
        Trigger.TAKEN_OVER,
        Trigger.OPERATOR_SPEAKS,
        Trigger.DISPATCHED,
        Trigger.DISMISSED,
        Trigger.RECOGNISED,
        Trigger.SIGHT_LOST,
    ):
        assert find_move(state, trigger).before is state


def test_nothing_is_said_by_itself_while_a_person_has_it() -> None:
    by_itself = {move.trigger for move in MOVES if move.before is State.TAKEN_OVER}
    assert not by_itself & {Trigger.RUNG_DUE, Trigger.SILENT_RUNG_DUE, Trigger.LADDER_SPENT}


def test_states_are_words_of_the_log_that_never_change() -> None:
    assert [state.value for state in State] == [
        "suspected",
        "dropped",
        "opened",
        "warned",
        "complied",
        "lapsed",
        "exempted",
        "escalated",
        "taken-over",
        "dismissed",
        "merged",
        "unknown",
    ]


@pytest.mark.parametrize(
    ("before", "trigger", "after"),
    [
        (State.SUSPECTED, Trigger.LEFT, State.DROPPED),
        (State.OPENED, Trigger.LEFT, State.LAPSED),
        (State.WARNED, Trigger.LEFT, State.COMPLIED),
        (State.TAKEN_OVER, Trigger.LEFT, State.LAPSED),
        (State.TAKEN_OVER, Trigger.LEFT_WARNED, State.COMPLIED),
        (State.OPENED, Trigger.LADDER_SPENT, State.ESCALATED),
        (State.WARNED, Trigger.LADDER_SPENT, State.ESCALATED),
        (State.WARNED, Trigger.LADDER_SPENT_FIRST_TIME, State.EXEMPTED),
    ],
)
def test_leaving_after_a_call_is_compliance_and_staying_on_is_not(
    before: State, trigger: Trigger, after: State
) -> None:
    assert find_move(before, trigger).after is after
