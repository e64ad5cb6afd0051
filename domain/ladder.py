"""The escalation ladder as data: the states of an offence and every legal move between them.

docs/ladder.md is printed from this table (`make docs`), and flows/steps/ladder.py may make no move
that is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Stop


class State(StrEnum):
    """Where an offence stands."""

    SUSPECTED = (
        "suspected"  # in the zone, the rule's threshold not reached: nothing is recorded yet
    )
    DROPPED = "dropped"  # left before the threshold: no offence
    OPENED = "opened"  # threshold reached, nothing said yet
    WARNED = "warned"  # at least one rung spoken
    COMPLIED = "complied"  # left after a warning
    LAPSED = "lapsed"  # left before anything was said
    EXEMPTED = "exempted"  # every rung spoken, still there, but the first time is let off
    ESCALATED = "escalated"  # every rung spoken, grace over, still there: a person is asked for
    TAKEN_OVER = "taken-over"  # a person has it: nothing is said or escalated by itself
    DISMISSED = "dismissed"  # a person decided that this is no offence to be followed
    UNKNOWN = "unknown"  # the camera went silent: nobody can say what happened


class Trigger(StrEnum):
    """What makes an offence move."""

    THRESHOLD_REACHED = "threshold reached"
    RUNG_DUE = "rung due"
    SILENT_RUNG_DUE = "rung due, nothing to say"
    LEFT = "left the zone"
    LADDER_SPENT = "last grace over"
    LADDER_SPENT_FIRST_TIME = "last grace over, first time exempt"
    SIGHT_LOST = "camera silent"
    RUNG_WITHHELD = "rung due, not allowed"
    ESCALATION_WITHHELD = "last grace over, not allowed"
    TAKEN_OVER = "an operator takes over"
    HANDED_BACK = "handed back, nothing said yet"
    HANDED_BACK_WARNED = "handed back after a call"
    LEFT_WARNED = "left the zone after a call"
    OPERATOR_SPEAKS = "an operator speaks"
    DISPATCHED = "an operator sends an officer"
    DISMISSED = "an operator dismisses it"


@dataclass(frozen=True, slots=True)
class Move:
    """One legal move, and the event type it writes (None: nothing is written)."""

    before: State
    trigger: Trigger
    after: State
    event_type: str | None


OPEN = (State.OPENED, State.WARNED, State.TAKEN_OVER)


def _moves_by_hand() -> Iterator[Move]:
    """What an operator may do with an open offence, wherever it stands."""
    for before in OPEN:
        yield Move(before, Trigger.TAKEN_OVER, State.TAKEN_OVER, "forewarn.offence.taken-over.v1")
        # whoever has taken over keeps it, also after a call
        after = State.TAKEN_OVER if before is State.TAKEN_OVER else State.WARNED
        yield Move(before, Trigger.OPERATOR_SPEAKS, after, "forewarn.offence.warned.v1")
        yield Move(before, Trigger.DISPATCHED, before, "forewarn.offence.dispatched.v1")
        yield Move(before, Trigger.DISMISSED, State.DISMISSED, "forewarn.offence.dismissed.v1")


MOVES: tuple[Move, ...] = (
    Move(State.SUSPECTED, Trigger.THRESHOLD_REACHED, State.OPENED, "forewarn.offence.opened.v1"),
    Move(State.SUSPECTED, Trigger.LEFT, State.DROPPED, None),
    Move(State.SUSPECTED, Trigger.SIGHT_LOST, State.DROPPED, None),
    Move(State.OPENED, Trigger.RUNG_DUE, State.WARNED, "forewarn.offence.warned.v1"),
    Move(State.OPENED, Trigger.SILENT_RUNG_DUE, State.OPENED, "forewarn.offence.climbed.v1"),
    Move(State.OPENED, Trigger.LEFT, State.LAPSED, "forewarn.offence.lapsed.v1"),
    # only of a ladder that says nothing at all
    Move(State.OPENED, Trigger.LADDER_SPENT, State.ESCALATED, "forewarn.offence.escalated.v1"),
    Move(
        State.OPENED,
        Trigger.LADDER_SPENT_FIRST_TIME,
        State.EXEMPTED,
        "forewarn.offence.exempted.v1",
    ),
    Move(State.OPENED, Trigger.SIGHT_LOST, State.UNKNOWN, "forewarn.offence.unknown.v1"),
    Move(State.WARNED, Trigger.RUNG_DUE, State.WARNED, "forewarn.offence.warned.v1"),
    Move(State.WARNED, Trigger.SILENT_RUNG_DUE, State.WARNED, "forewarn.offence.climbed.v1"),
    Move(State.WARNED, Trigger.LEFT, State.COMPLIED, "forewarn.offence.complied.v1"),
    Move(State.WARNED, Trigger.LADDER_SPENT, State.ESCALATED, "forewarn.offence.escalated.v1"),
    Move(
        State.WARNED,
        Trigger.LADDER_SPENT_FIRST_TIME,
        State.EXEMPTED,
        "forewarn.offence.exempted.v1",
    ),
    Move(State.WARNED, Trigger.SIGHT_LOST, State.UNKNOWN, "forewarn.offence.unknown.v1"),
    Move(State.OPENED, Trigger.RUNG_WITHHELD, State.OPENED, "forewarn.offence.withheld.v1"),
    Move(State.OPENED, Trigger.ESCALATION_WITHHELD, State.OPENED, "forewarn.offence.withheld.v1"),
    Move(State.WARNED, Trigger.RUNG_WITHHELD, State.WARNED, "forewarn.offence.withheld.v1"),
    Move(State.WARNED, Trigger.ESCALATION_WITHHELD, State.WARNED, "forewarn.offence.withheld.v1"),
    *_moves_by_hand(),
    Move(State.TAKEN_OVER, Trigger.HANDED_BACK, State.OPENED, "forewarn.offence.handed-back.v1"),
    Move(
        State.TAKEN_OVER,
        Trigger.HANDED_BACK_WARNED,
        State.WARNED,
        "forewarn.offence.handed-back.v1",
    ),
    Move(State.TAKEN_OVER, Trigger.LEFT, State.LAPSED, "forewarn.offence.lapsed.v1"),
    Move(State.TAKEN_OVER, Trigger.LEFT_WARNED, State.COMPLIED, "forewarn.offence.complied.v1"),
    Move(State.TAKEN_OVER, Trigger.SIGHT_LOST, State.UNKNOWN, "forewarn.offence.unknown.v1"),
)

_BY_CAUSE = {(move.before, move.trigger): move for move in MOVES}

START = State.SUSPECTED
FINAL = frozenset(state for state in State if not any(move.before is state for move in MOVES))


def find_move(before: State, trigger: Trigger) -> Move:
    """Look up the one legal move.

    Raises:
        Stop: the table has no such move; the step that asked for it is wrong.
    """
    try:
        return _BY_CAUSE[before, trigger]
    except KeyError:
        raise Stop(
            f"the ladder has no move from {before.value!r} on {trigger.value!r}; "
            "legal moves stand in domain/ladder.py"
        ) from None


def diagram_lines() -> Iterator[str]:
    """Lines of a Mermaid state diagram of the table."""
    yield "stateDiagram-v2"
    yield f"    [*] --> {START.value}"
    for move in MOVES:
        yield f"    {move.before.value} --> {move.after.value}: {move.trigger.value}"
    for state in State:
        if state in FINAL:
            yield f"    {state.value} --> [*]"
