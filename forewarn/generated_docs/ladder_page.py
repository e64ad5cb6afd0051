"""Print docs/reference/ladder.md: the escalation ladder's picture and moves, from domain/offence_states.py."""

from __future__ import annotations

from collections.abc import Iterator

from domain.offence_states import FINAL, MOVES, START, State, Trigger, diagram_lines

STATES = {
    State.SUSPECTED: "In the zone, for less than the rule's `threshold_s`. Nothing is recorded yet.",
    State.DROPPED: "Left, or out of sight, before the threshold: no offence, no event, no trace.",
    State.OPENED: "Stayed for `threshold_s`. Nothing has been said to the subject yet.",
    State.WARNED: "At least one rung that speaks came due: its text is spoken, once.",
    State.COMPLIED: "Seen leaving after a warning. This is what the system is for.",
    State.LAPSED: "Seen leaving before a rung that speaks came due. Nobody was spoken to.",
    State.ESCALATED: "Every rung came due, the last grace is over and the subject is still there: "
    "a person is asked to come.",
    State.EXEMPTED: "Every rung was spoken and the subject is still there, but the rule lets the "
    "first time within the repeat window off: nobody is asked to come.",
    State.TAKEN_OVER: "A person has taken it over: no rung comes due and nothing is escalated by "
    "itself. Whether the subject leaves is watched as before; `hand_back_after_s` (operators) later "
    "the ladder goes on ([operators.md](../how-to/operators.md)).",
    State.DISMISSED: "A person decided, and said why, that this is no offence to be followed. It does "
    "not count as an earlier offence. Nothing more is said while the subject stays.",
    State.MERGED: "Its subject was recognised as somebody with an older open offence: that one goes on, under "
    "its own id. Counts as nothing: nobody left, nothing is remembered of it.",
    State.UNKNOWN: "The camera fell silent, failed, or its footage ended, or the watch program was "
    "away; or the subject was hidden for too long. Nobody can say what happened, so nobody says that they left.",
}

TRIGGERS = {
    Trigger.THRESHOLD_REACHED: "seen in the zone `threshold_s` (rule) after the stay began",
    Trigger.RUNG_DUE: "seen in the zone `after_s` (rung) after the rung before, a call counted "
    "from its end on the loudspeaker ([below](#from-when-pauses-count)); the first: after opening",
    Trigger.SILENT_RUNG_DUE: "as *rung due*, of a rung whose `does` has no `announce`: what it does "
    "instead follows in events of its own",
    Trigger.LEFT: "seen outside the zone for `comply_after_s` (ladder); or seen last on the way out, at the "
    "edge of zone, view or picture, and unseen since for longer than `gap_tolerance_s` (rule) while the camera "
    "gives frames ([leaving.md](../explanation/leaving.md))",
    Trigger.LADDER_SPENT: "seen in the zone `escalate_after_s` (ladder) after the last rung",
    Trigger.LADDER_SPENT_FIRST_TIME: "as *last grace over*, for a subject without an earlier offence "
    "within `repeat_window_s` (ladder), where the rule says `first_time_exempt`",
    Trigger.SIGHT_LOST: "no frame for longer than `gap_tolerance_s`, or the camera ended, stalled "
    "or failed; or unseen while its picture is covered, out of focus, turned away or frozen; or, live, "
    "not found again in the first `gap_tolerance_s` after the watch program was started again, or that "
    "took longer than `restart_tolerance_s` (rule), or its camera or rule was taken out of the site file",
    Trigger.HIDDEN: "unseen for longer than 30 s, and not on the way out before; of a stay that is no offence "
    "yet, three times as long as it was seen ([leaving.md](../explanation/leaving.md))",
    Trigger.RECOGNISED: "somebody who got a new number is recognised, and both numbers have an offence that was "
    "told of: the younger ends, but for one that has ended already or that an operator has",
    Trigger.RUNG_WITHHELD: "as *rung due*, but the camera is not fit to warn: recorded once for each "
    "rung and set of reasons; due again as soon as the camera is fit",
    Trigger.ESCALATION_WITHHELD: "as *last grace over*, but the camera is not fit to warn",
    Trigger.TAKEN_OVER: "a command; of an offence that somebody else has, only if it names them",
    Trigger.HANDED_BACK: "a command, or `hand_back_after_s` (operators) after the take-over; pauses "
    "count anew from there",
    Trigger.HANDED_BACK_WARNED: "the same, where something has been said",
    Trigger.LEFT_WARNED: "as *left the zone*, where something has been said",
    Trigger.OPERATOR_SPEAKS: "a command: the next rung's text, a text of the site, or free words; not "
    "on a camera that is not fit to warn. The pause to the next rung counts from it",
    Trigger.DISPATCHED: "a command, with a note; once for each offence",
    Trigger.DISMISSED: "a command, with a reason",
}

_HEAD = """\
<!-- printed from domain/offence_states.py by `make docs`; change it there -->
# The escalation ladder

An offence is one subject's stay in one zone under one rule. It moves along these states, and no
other way: the code may make no move that is not in the table.
"""

_TAIL = """\
## From when pauses count

Whoever is called on again needs the whole pause after they heard the call before. So on a loudspeaker `after_s` and
`escalate_after_s` count from the call's end, as its `announcement.made` tells; of a call that nobody can have heard
(*too late*, *busy*, *failed* …) from when it came due. While there is no word of it the ladder waits, at most
`waits_for_call_s` (45 s) from when it came due: the announcer may be dead. What was known stands in the next
event's `call_before`: the result, or *no word*, and from when was counted. Who leaves meanwhile has complied as
always. `next_rung_counts_from: due` (ladder) counts from when calls came due; so do recordings and cameras without a
loudspeaker, whose calls are files.

All times are counted on the frames' own clock, never in frames: half the frame rate, dropped frames
or a busy machine change nothing but the moment at which something is seen. Nobody is warned on the
strength of a frame in which they were not seen.

The settings are explained in [site-file.md](site-file.md), the events in [events.md](events.md).
"""


def ladder_page() -> str:
    """Return the whole page."""
    parts = [
        _HEAD,
        "```mermaid\n" + "\n".join(diagram_lines()) + "\n```\n",
        "## States\n",
        _table(("state", "meaning"), [(_name(state), STATES[state]) for state in State]),
        "## Moves\n",
        _table(("when", "from", "to", "event"), list(_move_rows())),
        "## What makes it move\n",
        _table(("when", "exactly"), [(trigger.value, TRIGGERS[trigger]) for trigger in Trigger]),
        _TAIL,
    ]
    return "\n".join(parts)


def _name(state: State) -> str:
    mark = " (first)" if state is START else " (last)" if state in FINAL else ""
    return f"**{state.value}**{mark}"


def _move_rows() -> Iterator[tuple[str, str, str, str]]:
    """Yield a row for each trigger, next state and event; states that share them stand in one row."""
    before: dict[tuple[str, str, str], list[str]] = {}
    for move in MOVES:
        after = "stays" if move.after is move.before else move.after.value
        event = f"`{move.event_type}`" if move.event_type else "none"
        before.setdefault((move.trigger.value, after, event), []).append(move.before.value)
    for (trigger, after, event), states in before.items():
        yield trigger, ", ".join(states), after, event


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
