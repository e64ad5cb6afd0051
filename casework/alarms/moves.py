"""States of an alarm and every legal move between them, as tables: each alarm keeps the one that it began with.

A table that alarms were opened with is never changed; what should be otherwise becomes a new version.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Stop


class AlarmState(StrEnum):
    """Name where an alarm stands."""

    NEW = "new"  # nobody has answered
    ACKNOWLEDGED = "acknowledged"  # somebody has seen it and has it
    ASSIGNED = "assigned"  # somebody is to go
    ON_THE_WAY = "on-the-way"
    ON_SITE = "on-site"
    SETTLED = "settled"  # found and mended
    PERSUADED = "persuaded"  # whoever was there listened
    REFUSED = "refused"  # whoever was there did not
    NOBODY_THERE = "nobody-there"
    NO_COOPERATION = "no-cooperation"
    FALSE_ALARM = "false-alarm"  # with a reason
    CLOSED = "closed"
    REOPENED = "reopened"  # nobody has answered since
    OVER = "over"  # what it was about ended by itself


class AlarmAction(StrEnum):
    """Name what makes an alarm move."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    SET_OUT = "set-out"
    ARRIVE = "arrive"
    SETTLED = "settled"
    PERSUADED = "persuaded"
    REFUSED = "refused"
    NOBODY_THERE = "nobody-there"
    NO_COOPERATION = "no-cooperation"
    FALSE_ALARM = "false-alarm"
    CLOSE = "close"
    REOPEN = "reopen"
    CAUSE_OVER = "cause-over"  # the program's, nobody else's


@dataclass(frozen=True, slots=True)
class AlarmMove:
    """Describe one legal move of an alarm."""

    before: AlarmState
    action: AlarmAction
    after: AlarmState


@dataclass(frozen=True, slots=True)
class AlarmMoves:
    """One version of the table of moves."""

    version: int
    moves: tuple[AlarmMove, ...]
    # states in which somebody has to do something soon, and how many times the severity's seconds it may take
    waits: tuple[tuple[AlarmState, float], ...]
    closed: frozenset[AlarmState]  # nobody has to do anything any more

    def find(self, before: str, action: AlarmAction) -> AlarmMove | None:
        """Look up a move; None: it is not legal."""
        found = (move for move in self.moves if (move.before, move.action) == (before, action))
        return next(found, None)

    def actions_from(self, state: str) -> tuple[AlarmAction, ...]:
        """Return what a person may do with an alarm that stands there."""
        actions = (move.action for move in self.moves if move.before == state)
        return tuple(action for action in actions if action is not AlarmAction.CAUSE_OVER)

    def wait_of(self, state: str) -> float | None:
        """Return how many times the severity's seconds a state may last; None: as long as it will."""
        return next((times for waiting, times in self.waits if waiting == state), None)


NEEDS_WHY = frozenset({AlarmAction.FALSE_ALARM, AlarmAction.REOPEN})
RESULTS = (
    (AlarmAction.SETTLED, AlarmState.SETTLED),
    (AlarmAction.PERSUADED, AlarmState.PERSUADED),
    (AlarmAction.REFUSED, AlarmState.REFUSED),
    (AlarmAction.NOBODY_THERE, AlarmState.NOBODY_THERE),
    (AlarmAction.NO_COOPERATION, AlarmState.NO_COOPERATION),
    (AlarmAction.FALSE_ALARM, AlarmState.FALSE_ALARM),
)
UNANSWERED = (AlarmState.NEW, AlarmState.REOPENED)
_UNDER_WAY = (
    AlarmState.ACKNOWLEDGED,
    AlarmState.ASSIGNED,
    AlarmState.ON_THE_WAY,
    AlarmState.ON_SITE,
)
_DONE = tuple(state for _, state in RESULTS)


def _version_1() -> AlarmMoves:
    moves = [AlarmMove(s, AlarmAction.ACKNOWLEDGE, AlarmState.ACKNOWLEDGED) for s in UNANSWERED]
    # one press sends somebody, acknowledged or not; another may be sent instead
    moves += [
        AlarmMove(state, AlarmAction.ASSIGN, AlarmState.ASSIGNED)
        for state in (*UNANSWERED, *_UNDER_WAY[:3])
    ]
    moves += [
        AlarmMove(state, AlarmAction.SET_OUT, AlarmState.ON_THE_WAY) for state in _UNDER_WAY[:2]
    ]
    moves += [AlarmMove(state, AlarmAction.ARRIVE, AlarmState.ON_SITE) for state in _UNDER_WAY[:3]]
    moves += [AlarmMove(s, action, to) for s in _UNDER_WAY for action, to in RESULTS]
    moves += [
        AlarmMove(state, AlarmAction.FALSE_ALARM, AlarmState.FALSE_ALARM) for state in UNANSWERED
    ]
    moves += [AlarmMove(state, AlarmAction.CLOSE, AlarmState.CLOSED) for state in _DONE]
    moves += [
        AlarmMove(state, AlarmAction.REOPEN, AlarmState.REOPENED)
        for state in (*_DONE, AlarmState.CLOSED)
    ]
    moves += [
        AlarmMove(state, AlarmAction.CAUSE_OVER, AlarmState.OVER)
        for state in (*UNANSWERED, *_UNDER_WAY)
    ]
    waits = (
        (AlarmState.NEW, 1.0),
        (AlarmState.REOPENED, 1.0),
        (AlarmState.ASSIGNED, 3.0),  # else a hand-off that nobody took up gets stuck
        (AlarmState.ACKNOWLEDGED, 5.0),
    )
    closed = frozenset({AlarmState.CLOSED, AlarmState.OVER})
    return AlarmMoves(1, tuple(moves), waits, closed)


VERSIONS: dict[int, AlarmMoves] = {1: _version_1()}
LATEST = max(VERSIONS)


def moves_of(version: int) -> AlarmMoves:
    """Return the table of a version; Stop: this forewarn is older than the alarm."""
    try:
        return VERSIONS[version]
    except KeyError:
        raise Stop(
            f"an alarm needs version {version} of the table of moves, this forewarn knows "
            f"{', '.join(map(str, VERSIONS))}; was it opened by a newer one?"
        ) from None
