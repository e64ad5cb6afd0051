"""Refuse a command by an event, with words that say what to do instead."""

from __future__ import annotations

from domain.events.catalog import CommandGiven, CommandRefused, Event
from domain.events.commands import Refusal, answer_id

WORDS = {
    Refusal.UNKNOWN: "there is no such offence in this event log; `forewarn offences list` shows "
    "the open ones",
    Refusal.ENDED: "the offence has ended, nothing can be done about it any more",
    Refusal.NOT_TAKEN_OVER: "nobody has taken it over, so there is nothing to hand back",
    Refusal.NO_MORE_PAUSES: "the ladder waits once for each person, three times at most, and not while somebody has taken "
    "the offence over; take it over for longer",
    Refusal.NOT_PAUSED: "the ladder does not wait for this person (any more)",
    Refusal.OPEN_ALREADY: "this offence was started already",
    Refusal.OUT_OF_HOURS: "the rule does not apply at this hour; choose another rule",
    Refusal.CAMERA_JUDGES: "the camera itself tells when somebody has left; only what was started by "
    "hand is ended by hand",
    Refusal.TAKEN_BY_ANOTHER: "somebody else has it; hand it back first, or take it from them by name",
    Refusal.ALREADY_DISPATCHED: "an officer was sent already",
    Refusal.NOTHING_LEFT: "the ladder's next rung says nothing, or there is none; speak a text of "
    "the site instead",
    Refusal.NO_SUCH_TEXT: "the site file has no text of that name under operators.texts",
    Refusal.NO_FREE_WORDS: "this site has only its own texts spoken; see operators.free_words in the "
    "site file",
    Refusal.NOT_FIT: "the camera is not fit to warn",
    Refusal.TOO_LATE: "it was taken up too late: the words would have reached somebody else",
    Refusal.QUIET_HOURS: "nobody is called now; in an emergency say why and ask again despite "
    "quiet-hours (--despite quiet-hours --reason …)",
    Refusal.CAPPED: "there were enough calls within the hour; in an emergency say why and ask again "
    "despite the cap (--despite cap --reason …)",
    Refusal.NOT_ALLOWED: "this person may not give commands here; docs/reference/people-and-roles.md",
    Refusal.NOT_WATCHED: "the camera or the rule is not in the site file that runs",
}


def refuse(given: Event[CommandGiven], why: Refusal, detail: str = "") -> Event[CommandRefused]:
    """Build the event that answers a command which is not carried out; details are for people."""
    return Event(
        id=answer_id(given.id),
        source=given.source,
        subject=given.subject,
        time=given.time,
        data=CommandRefused(
            command_id=given.id,
            command=given.data.command,
            offence_id=given.data.offence_id,
            operator=given.data.operator,
            why=why,
            explanation=f"{WORDS[why]}{f' ({detail})' if detail else ''}",
        ),
    )
