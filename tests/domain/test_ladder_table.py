"""The ladder's table of moves is whole."""

from __future__ import annotations

import pytest

from domain.errors import Stop
from domain.events import DATA_BY_TYPE
from domain.ladder import FINAL, MOVES, START, State, Trigger, diagram_lines, find_move


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
    """Before a warning only by a ladder that says nothing; see tests/flows/test_rung_actions.py."""
    before = {move.before for move in MOVES if move.after is State.ESCALATED}
    assert before == {State.OPENED, State.WARNED}


def test_silence_never_counts_as_compliance() -> None:
    after = {move.after for move in MOVES if move.trigger is Trigger.SIGHT_LOST}
    assert after == {State.UNKNOWN, State.DROPPED}


def test_every_written_event_has_its_data() -> None:
    assert {move.event_type for move in MOVES if move.event_type} <= set(DATA_BY_TYPE)


@pytest.mark.parametrize("state", sorted(FINAL))
@pytest.mark.parametrize("trigger", list(Trigger))
def test_a_final_state_cannot_be_left(state: State, trigger: Trigger) -> None:
    with pytest.raises(Stop, match="no move"):
        find_move(state, trigger)


def test_the_diagram_shows_every_move() -> None:
    diagram = "\n".join(diagram_lines())
    for move in MOVES:
        assert f"{move.before.value} --> {move.after.value}: {move.trigger.value}" in diagram
