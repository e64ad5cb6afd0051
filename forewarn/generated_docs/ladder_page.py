"""Print docs/reference/ladder.md: the escalation ladder's picture and moves, from domain/offence_states.py."""

from __future__ import annotations

from domain.offence_states import FINAL, MOVES, START, State, Trigger, diagram_lines

STATES = {
    State.SUSPECTED: "In the zone for less than the rule's `threshold_s`. Nothing is recorded.",
    State.DROPPED: "Left, or out of sight, before the threshold: no offence, no event, no trace.",
    State.OPENED: "Stayed for `threshold_s`. Nothing has been said yet.",
    State.WARNED: "At least one rung that speaks came due: its text is spoken, once.",
    State.COMPLIED: "Seen leaving after a warning. This is what the system is for.",
    State.LAPSED: "Seen leaving before a rung that speaks came due. Nobody was spoken to.",
    State.ESCALATED: "Every rung came due, the last grace is over, and the subject is still there: "
    "a person is asked to come.",
    State.EXEMPTED: "As *escalated*, but the rule lets the first time within the repeat window off: "
    "nobody is asked to come.",
    State.TAKEN_OVER: "A person has it: nothing is said or escalated by itself "
    "([operators.md](../how-to/operators.md)).",
    State.DISMISSED: "A person decided, and said why, that this is no offence to be followed. It is "
    "no earlier offence; nothing more is said while the subject stays.",
    State.MERGED: "Its subject was recognised as somebody with an older open offence, which goes on under "
    "its own id. Counts as nothing: nobody left, nothing is remembered.",
    State.UNKNOWN: "The camera or the watch program was away, the footage ended, or the subject was hidden for "
    "too long. Nobody can say what happened, so nobody says that they left.",
}

TRIGGERS = {
    Trigger.THRESHOLD_REACHED: "seen in the zone `threshold_s` (rule) after the stay began",
    Trigger.MARKED: "a command, at a point of a camera's picture; from there on without looking who is "
    "seen, until somebody says that it is over",
    Trigger.RUNG_DUE: "seen in the zone `after_s` (rung) after the rung before, a call counted "
    "from its end on the loudspeaker ([below](#from-when-pauses-count)); the first: after opening",
    Trigger.SILENT_RUNG_DUE: "as *rung due*, of a rung without `announce`: what it `does` follows in events of its own",
    Trigger.LEFT: "seen outside the zone for `comply_after_s` (ladder), or [last seen on the way "
    "out](../explanation/leaving.md), while the camera gives frames",
    Trigger.LADDER_SPENT: "seen in the zone `escalate_after_s` (ladder) after the last rung",
    Trigger.LADDER_SPENT_FIRST_TIME: "as *last grace over*, for a subject without an earlier offence "
    "within `repeat_window_s` (ladder), where the rule says `first_time_exempt`",
    Trigger.SIGHT_LOST: "no frame for longer than `gap_tolerance_s`, or the camera ended, stalled "
    "or failed; or unseen while its picture is covered, out of focus, turned away or frozen; or, live, "
    "not found again in the first `gap_tolerance_s` after the watch program was started again, or that "
    "took longer than `restart_tolerance_s` (rule), or its camera or rule was taken out of the site file",
    Trigger.HIDDEN: "unseen for longer than 30 s, and [not on the way out before](../explanation/leaving.md); "
    "or gone while somebody dressed alike is hidden",
    Trigger.RECOGNISED: "somebody under a new number is recognised, and both numbers have an offence: "
    "the younger ends, but for one that has ended or that an operator has",
    Trigger.RUNG_WITHHELD: "as *rung due*, but the camera is not fit to warn: recorded once for each "
    "rung and set of reasons; due again once it is fit",
    Trigger.ESCALATION_WITHHELD: "as *last grace over*, but the camera is not fit to warn",
    Trigger.TAKEN_OVER: "a command; of an offence that somebody else has, only if it names them",
    Trigger.HANDED_BACK: "a command, or `hand_back_after_s` (operators) after the take-over; pauses "
    "count anew from there",
    Trigger.HANDED_BACK_WARNED: "the same, where something has been said",
    Trigger.LEFT_WARNED: "as *left the zone*, where something has been said",
    Trigger.OPERATOR_SPEAKS: "a command: the next rung's text, a text of the site, or free words; not "
    "on a camera that is not fit to warn. The pause to the next rung counts from it",
    Trigger.PAUSED: "a dialog of the live page is open: nothing comes due for 60 s, once each, thrice in all",
    Trigger.RESUMED: "it was cancelled, and what came due meanwhile comes now",
    Trigger.DISPATCHED: "a command, with a note; once for each offence",
    Trigger.DISMISSED: "a command, with a reason",
}

_HEAD = """\
<!-- printed from domain/offence_states.py by `make docs`; change it there -->
# The escalation ladder

An offence is one subject's stay in one zone under one rule. The code makes no move but these:
"""

_TAIL = """\
## From when pauses count

Whoever is called on again needs the whole pause after hearing the call before. So on a loudspeaker `after_s` and
`escalate_after_s` count from the call's end (`announcement.made`); if nobody can have heard it (*too late*, *busy*,
*failed* …), from when it came due. The ladder waits for that word at most `waits_for_call_s` (45 s): the announcer may be
dead. The next event's `call_before` holds the result or *no word*, and from when was counted. Whoever leaves meanwhile
has complied. With `next_rung_counts_from: due` (ladder), and where calls are files, pauses count from when calls came
due.

All times are [seconds of the frames' own clock](rules.md#seconds-and-what-a-gap-is). Nobody is warned on the strength of
a frame in which they were not seen.

Settings: [site-file.md](site-file.md); events: [events.md](events.md).
"""


def ladder_page() -> str:
    """Return the whole page."""
    parts = [
        _HEAD,
        "```mermaid\n" + "\n".join(diagram_lines()) + "\n```\n",
        "## States\n",
        _table(("state", "meaning"), [(_name(state), STATES[state]) for state in State]),
        "## What makes it move\n",
        _table(("when", "exactly", "event"), [_trigger_row(trigger) for trigger in Trigger]),
        _TAIL,
    ]
    return "\n".join(parts)


def _name(state: State) -> str:
    mark = " (first)" if state is START else " (last)" if state in FINAL else ""
    return f"**{state.value}**{mark}"


def _trigger_row(trigger: Trigger) -> tuple[str, str, str]:
    """Return a trigger, when exactly it comes, and the events that its moves write."""
    moves = [move for move in MOVES if move.trigger is trigger]
    events = dict.fromkeys(f"`{move.event_type}`" if move.event_type else "none" for move in moves)
    return trigger.value, TRIGGERS[trigger], ", ".join(events)


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
