"""Every version of the table of moves leads a person from each open state to a closed one."""

from __future__ import annotations

import pytest

from casework.alarms.moves import (
    LATEST,
    VERSIONS,
    AlarmAction,
    AlarmMoves,
    AlarmState,
    moves_of,
)
from casework.alarms.words import ACTIONS, KINDS, SEVERITIES, STATES, wording_of
from domain.errors import Stop
from domain.ids import mint

ALL = [pytest.param(moves, id=f"version {version}") for version, moves in VERSIONS.items()]


def reached_from(moves: AlarmMoves, start: AlarmState) -> set[AlarmState]:
    """Follow what people may do."""
    reached, new = {start}, {start}
    while new:
        new = {
            move.after
            for move in moves.moves
            if move.before in new and move.action is not AlarmAction.CAUSE_OVER
        } - reached
        reached |= new
    return reached


@pytest.mark.parametrize("moves", ALL)
def test_an_open_alarm_of_any_version_keeps_a_legal_move_and_can_be_closed(
    moves: AlarmMoves,
) -> None:
    states = reached_from(moves, AlarmState.NEW)
    assert AlarmState.CLOSED in states and len(states) >= 12
    for state in states - moves.closed:
        assert moves.actions_from(state)
        assert reached_from(moves, state) & moves.closed
    for move in moves.moves:
        assert moves.find(move.before, move.action) == move, "one move for a state and an action"


@pytest.mark.parametrize("moves", ALL)
def test_somebody_has_to_answer_what_nobody_has_answered(moves: AlarmMoves) -> None:
    for state in (AlarmState.NEW, AlarmState.REOPENED):
        assert moves.wait_of(state) == 1.0
        assert {AlarmAction.ACKNOWLEDGE, AlarmAction.ASSIGN} <= set(moves.actions_from(state))
    assert all(moves.wait_of(state) is None for state in moves.closed)
    assert AlarmAction.CAUSE_OVER not in moves.actions_from(AlarmState.NEW)


def test_a_version_that_alarms_were_opened_with_is_what_it_was() -> None:
    """What should be otherwise becomes version 2: alarms of version 1 lie in people's logs."""
    first = VERSIONS[1]
    moves = sorted(f"{move.before} {move.action} {move.after}" for move in first.moves)
    assert LATEST == 1 and first.version == 1 and mint("moves", *moves) == "moves-753d6c13208f3259"
    assert [state for state, _ in first.waits] == ["new", "reopened", "assigned", "acknowledged"]
    assert first.closed == {AlarmState.CLOSED, AlarmState.OVER}
    with pytest.raises(Stop, match="newer"):
        moves_of(99)


def test_everything_has_words_in_both_languages() -> None:
    assert set(STATES) == set(AlarmState) and set(ACTIONS) == set(AlarmAction)
    assert set(SEVERITIES) == {"serious", "ordinary", "slight"} and len(KINDS) == 6
    words = wording_of("cameras", [f"cam-{number}" for number in range(300)])
    assert words.en.endswith("cam-4 and 295 more") and words.zh.endswith("cam-4 等 300 个")
