"""Kinds of operators' commands about open offences, and the reasons to refuse them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from domain.ids import mint

LONGEST_NAME = 80  # characters of an operator's name
LONGEST_WORDS = 500  # characters of a reason or of free words


class CommandKind(StrEnum):
    """What is asked for."""

    TAKE_OVER = "take over"  # the ladder stops climbing by itself
    HAND_BACK = "hand back"  # it goes on
    SPEAK = "speak"  # the next rung's text now, a text of the site, or the operator's own words
    DISMISS = "dismiss"  # no offence after all: final
    DISPATCH = "dispatch"  # an officer is on the way
    PAUSE = "pause"  # the ladder waits a minute at most, for somebody decides what to do
    RESUME = "resume"  # it need not wait any longer
    START = "start"  # somebody saw it on a tile, and marked it: an offence that no rule has found
    LEFT = "left"  # of one that was started by hand: they left, or stopped


LONGEST_PAUSE_S = 60.0  # of each person, once for each offence
# of an offence: where names are typed, there is always one more
MOST_PAUSES = 3
NEEDS_REASON = frozenset({CommandKind.DISMISS, CommandKind.DISPATCH})

# what keeps a loudspeaker silent, and a person may pass over who says why
Hold = Literal["quiet-hours", "cap"]
HOLDS: tuple[Hold, ...] = ("quiet-hours", "cap")


class Refusal(StrEnum):
    """Why a command was not carried out."""

    UNKNOWN = "unknown offence"
    ENDED = "offence has ended"
    NOT_TAKEN_OVER = "not taken over"
    NO_MORE_PAUSES = "no further pause"
    NOT_PAUSED = "not paused"
    OPEN_ALREADY = "open already"
    OUT_OF_HOURS = "the rule does not apply now"
    CAMERA_JUDGES = "the camera judges"
    TAKEN_BY_ANOTHER = "taken over by another"
    ALREADY_DISPATCHED = "officer already dispatched"
    NOTHING_LEFT = "no rung is left"
    NO_SUCH_TEXT = "no such text"
    NO_FREE_WORDS = "free words not allowed"
    NOT_FIT = "camera not fit to warn"
    TOO_LATE = "too late"
    QUIET_HOURS = "quiet hours"
    CAPPED = "over the hourly cap"
    NOT_ALLOWED = "not allowed"
    NOT_WATCHED = "camera or rule not watched"


# the refusals that the same command, given despite a hold, would not meet
HOLD_OF: dict[Refusal, Hold] = {Refusal.QUIET_HOURS: "quiet-hours", Refusal.CAPPED: "cap"}
REFUSAL_FOR: dict[Hold, Refusal] = {hold: why for why, hold in HOLD_OF.items()}


def command_id(offence_id: str, kind: str, operator: str, key: str) -> str:
    """Mint the id of a command: asked for twice with the same key (a double click), it is one."""
    return mint("cmd", offence_id, kind, operator, key)


def answer_id(command: str) -> str:
    """Mint the id of the one event that answers a command: what was done, or that it was refused.

    The log keeps an id once, so no replay answers a command a second time or in another way.
    """
    return mint("evt", command, "answer")
