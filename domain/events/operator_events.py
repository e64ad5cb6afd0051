"""Events of operators' commands: what was asked for, and what came of it.

Each command has exactly one answer: the event of the move that it made (with `by_hand`: who, when and
why), or that it was refused.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.base import BothLanguages
from domain.events.base import ByHand, EventData, Mark, OffenceData, OutcomeData
from domain.events.commands import LONGEST_NAME, LONGEST_WORDS, CommandKind, Hold, Refusal


class CommandGiven(EventData):
    """An operator asked for something to be done about an open offence."""

    event_type: ClassVar[str] = "forewarn.command.given.v1"
    command: CommandKind
    offence_id: str
    site_id: str = Field(description="of the offence; '' where it is not known")
    camera_id: str
    rule_id: str
    operator: str = Field(
        min_length=1, max_length=LONGEST_NAME, description="name; who it is, `person` says"
    )
    person: str = Field(
        default="", description="id in the site's people file; '': as typed, nobody checked it"
    )
    role: str = Field(default="", description="the role that permits it; '': nobody checked")
    reason: str = Field(default="", max_length=LONGEST_WORDS)
    asked_at: AwareDatetime = Field(description="wall clock")
    via: Literal["console", "command line"]
    text_id: str = Field(
        default="", description="speak: a text of the site's operators.texts; '': the next rung's"
    )
    words: BothLanguages | None = Field(default=None, description="speak: the operator's own words")
    despite: tuple[Hold, ...] = Field(
        default=(), description="speak: what the operator takes on themselves to pass over"
    )
    taking_from: str = Field(
        default="", description="take over: from this operator, who has it at that moment"
    )
    mark: Mark | None = Field(
        default=None, exclude_if=lambda mark: mark is None, description="start: where they saw it"
    )


class CommandRefused(EventData):
    """A command was not carried out, and never will be."""

    event_type: ClassVar[str] = "forewarn.command.refused.v1"
    command_id: str
    command: CommandKind
    offence_id: str
    operator: str
    why: Refusal
    explanation: str = Field(description="for people: what is the matter, and what to do instead")


class OffenceTakenOver(OffenceData):
    """A person took the offence over: nothing is said or escalated by itself any more."""

    event_type: ClassVar[str] = "forewarn.offence.taken-over.v1"
    by_hand: ByHand
    taken_from: str = Field(default="", description="who had it before; '': nobody")
    hand_back_at: AwareDatetime = Field(description="event time at which the ladder goes on")


class OffenceHandedBack(OffenceData):
    """The ladder goes on by itself; its pauses count anew from here."""

    event_type: ClassVar[str] = "forewarn.offence.handed-back.v1"
    cause: Literal["operator", "time limit"]
    taken_by: str = Field(description="who had taken it over")
    by_hand: ByHand | None = Field(default=None, description="none: the time limit was over")


class OffencePaused(OffenceData):
    """Somebody is deciding what to do: nothing is said or escalated by itself meanwhile, a minute at most."""

    event_type: ClassVar[str] = "forewarn.offence.paused.v1"
    by_hand: ByHand
    paused_until: AwareDatetime = Field(
        description="event time at which the ladder goes on, if they do nothing"
    )


class OffenceResumed(OffenceData):
    """Whoever was deciding left it as it is: the ladder goes on, with what came due meanwhile at once."""

    event_type: ClassVar[str] = "forewarn.offence.resumed.v1"
    by_hand: ByHand


class OffenceDispatched(OffenceData):
    """An operator sent an officer; the offence stays open and is watched on."""

    event_type: ClassVar[str] = "forewarn.offence.dispatched.v1"
    by_hand: ByHand


class OffenceDismissed(OutcomeData):
    """An operator decided that this is no offence to be followed; final."""

    event_type: ClassVar[str] = "forewarn.offence.dismissed.v1"
    by_hand: ByHand
