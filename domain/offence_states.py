"""States of an offence and every legal move between them: the escalation ladder as a table.

docs/reference/ladder.md is printed from this table (`make docs`), and flows/escalation/ladder.py may
make no move that is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Stop
from domain.events.base import OffenceData
from domain.events.offence_events import (
    OffenceClimbed,
    OffenceComplied,
    OffenceEscalated,
    OffenceExempted,
    OffenceLapsed,
    OffenceMerged,
    OffenceOpened,
    OffenceUnknown,
    OffenceWarned,
    OffenceWithheld,
)
from domain.events.operator_events import (
    OffenceDismissed,
    OffenceDispatched,
    OffenceHandedBack,
    OffencePaused,
    OffenceResumed,
    OffenceTakenOver,
)


class State(StrEnum):
    """Name where an offence stands."""

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
    MERGED = "merged"  # of somebody who has an older offence, which goes on: counts as nothing
    UNKNOWN = "unknown"  # the camera went silent, or they were hidden: nobody can say what happened


class Trigger(StrEnum):
    """Name what makes an offence move."""

    THRESHOLD_REACHED = "threshold reached"
    MARKED = "an operator marks what they see"
    RUNG_DUE = "rung due"
    SILENT_RUNG_DUE = "rung due, nothing to say"
    LEFT = "left the zone"
    LADDER_SPENT = "last grace over"
    LADDER_SPENT_FIRST_TIME = "last grace over, first time exempt"
    SIGHT_LOST = "camera silent"
    HIDDEN = "hidden for too long"
    RECOGNISED = "recognised"
    RUNG_WITHHELD = "rung due, not allowed"
    ESCALATION_WITHHELD = "last grace over, not allowed"
    TAKEN_OVER = "an operator takes over"
    HANDED_BACK = "handed back, nothing said yet"
    HANDED_BACK_WARNED = "handed back after a call"
    LEFT_WARNED = "left the zone after a call"
    OPERATOR_SPEAKS = "an operator speaks"
    PAUSED = "an operator is deciding"
    RESUMED = "an operator has decided nothing"
    DISPATCHED = "an operator sends an officer"
    DISMISSED = "an operator dismisses it"


@dataclass(frozen=True, slots=True)
class Move:
    """Describe one legal move between states, and the event that it writes."""

    before: State
    trigger: Trigger
    after: State
    writes: type[OffenceData] | None  # None: nothing is written

    @property
    def event_type(self) -> str | None:
        """Return the type of the event that it writes, as the log has it; None: it writes none."""
        return None if self.writes is None else self.writes.event_type


OPEN = (State.OPENED, State.WARNED, State.TAKEN_OVER)


def _merges() -> Iterator[Move]:
    """Yield the moves of an open offence whose subject turns out to have another one."""
    for before in OPEN:
        yield Move(before, Trigger.RECOGNISED, State.MERGED, OffenceMerged)


def _hidden_for_too_long() -> Iterator[Move]:
    """Yield the moves of somebody who is out of sight, and was not seen leaving."""
    yield Move(State.SUSPECTED, Trigger.HIDDEN, State.DROPPED, None)
    for before in OPEN:
        yield Move(before, Trigger.HIDDEN, State.UNKNOWN, OffenceUnknown)


def _operator_moves() -> Iterator[Move]:
    """Yield what an operator may do with an open offence, wherever it stands."""
    for before in OPEN:
        yield Move(before, Trigger.TAKEN_OVER, State.TAKEN_OVER, OffenceTakenOver)
        # whoever has taken over keeps it, also after a call
        after = State.TAKEN_OVER if before is State.TAKEN_OVER else State.WARNED
        yield Move(before, Trigger.OPERATOR_SPEAKS, after, OffenceWarned)
        yield Move(before, Trigger.DISPATCHED, before, OffenceDispatched)
        yield Move(before, Trigger.DISMISSED, State.DISMISSED, OffenceDismissed)
        if before is not State.TAKEN_OVER:  # there it waits anyway
            yield Move(before, Trigger.PAUSED, before, OffencePaused)
        yield Move(before, Trigger.RESUMED, before, OffenceResumed)


MOVES: tuple[Move, ...] = (
    Move(State.SUSPECTED, Trigger.THRESHOLD_REACHED, State.OPENED, OffenceOpened),
    Move(State.SUSPECTED, Trigger.MARKED, State.OPENED, OffenceOpened),
    Move(State.SUSPECTED, Trigger.LEFT, State.DROPPED, None),
    Move(State.SUSPECTED, Trigger.SIGHT_LOST, State.DROPPED, None),
    Move(State.OPENED, Trigger.RUNG_DUE, State.WARNED, OffenceWarned),
    Move(State.OPENED, Trigger.SILENT_RUNG_DUE, State.OPENED, OffenceClimbed),
    Move(State.OPENED, Trigger.LEFT, State.LAPSED, OffenceLapsed),
    # only of a ladder that says nothing at all
    Move(State.OPENED, Trigger.LADDER_SPENT, State.ESCALATED, OffenceEscalated),
    Move(State.OPENED, Trigger.LADDER_SPENT_FIRST_TIME, State.EXEMPTED, OffenceExempted),
    Move(State.OPENED, Trigger.SIGHT_LOST, State.UNKNOWN, OffenceUnknown),
    Move(State.WARNED, Trigger.RUNG_DUE, State.WARNED, OffenceWarned),
    Move(State.WARNED, Trigger.SILENT_RUNG_DUE, State.WARNED, OffenceClimbed),
    Move(State.WARNED, Trigger.LEFT, State.COMPLIED, OffenceComplied),
    Move(State.WARNED, Trigger.LADDER_SPENT, State.ESCALATED, OffenceEscalated),
    Move(State.WARNED, Trigger.LADDER_SPENT_FIRST_TIME, State.EXEMPTED, OffenceExempted),
    Move(State.WARNED, Trigger.SIGHT_LOST, State.UNKNOWN, OffenceUnknown),
    Move(State.OPENED, Trigger.RUNG_WITHHELD, State.OPENED, OffenceWithheld),
    Move(State.OPENED, Trigger.ESCALATION_WITHHELD, State.OPENED, OffenceWithheld),
    Move(State.WARNED, Trigger.RUNG_WITHHELD, State.WARNED, OffenceWithheld),
    Move(State.WARNED, Trigger.ESCALATION_WITHHELD, State.WARNED, OffenceWithheld),
    *_merges(),
    *_hidden_for_too_long(),
    *_operator_moves(),
    Move(State.TAKEN_OVER, Trigger.HANDED_BACK, State.OPENED, OffenceHandedBack),
    Move(State.TAKEN_OVER, Trigger.HANDED_BACK_WARNED, State.WARNED, OffenceHandedBack),
    Move(State.TAKEN_OVER, Trigger.LEFT, State.LAPSED, OffenceLapsed),
    Move(State.TAKEN_OVER, Trigger.LEFT_WARNED, State.COMPLIED, OffenceComplied),
    Move(State.TAKEN_OVER, Trigger.SIGHT_LOST, State.UNKNOWN, OffenceUnknown),
)

_BY_CAUSE = {(move.before, move.trigger): move for move in MOVES}

START = State.SUSPECTED
FINAL = frozenset(state for state in State if not any(move.before is state for move in MOVES))


def find_move(before: State, trigger: Trigger) -> Move:
    """Look up the one legal move; Stop without any: the step that asked for it is wrong."""
    try:
        return _BY_CAUSE[before, trigger]
    except KeyError:
        raise Stop(
            f"the ladder has no move from {before.value!r} on {trigger.value!r}; "
            "legal moves stand in domain/offence_states.py"
        ) from None


def diagram_lines() -> Iterator[str]:
    """Yield the lines of a Mermaid state diagram of the table: one arrow from each state to each next one."""
    triggers: dict[tuple[State, State], list[str]] = {}
    for move in MOVES:
        triggers.setdefault((move.before, move.after), []).append(move.trigger.value)
    yield "stateDiagram-v2"
    yield f"    [*] --> {START.value}"
    for (before, after), causes in triggers.items():
        yield f"    {before.value} --> {after.value}: {' / '.join(causes)}"
    for state in State:
        if state in FINAL:
            yield f"    {state.value} --> [*]"
