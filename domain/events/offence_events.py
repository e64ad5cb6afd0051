"""Events of an offence that its ladder writes by itself, from its opening to its outcome."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from domain.base import BothLanguages, FrozenModel
from domain.events.announcements import CallBefore
from domain.events.base import ByHand, OffenceData, OutcomeData, Sighting
from domain.site.ladders import LANGUAGES, Recording

# what was seen when somebody counted as having left; of a place: what ended it there
LeavingBasis = Literal[
    "seen outside the zone",
    "last seen on the way out",
    "no longer seen",  # of older versions
    "moved",
    "back across the line",
    "somebody is there",
    "fewer are there",
    "an operator saw it",  # of what was started by hand
]


class Recognition(FrozenModel):
    """How somebody who was out of sight was taken for somebody seen before; not an identity."""

    how: Literal["occlusion", "return"]
    gap_s: float = Field(ge=0, description="seconds out of sight")
    similarity: float = Field(description="of their looks; 1 is the same")
    margin: float = Field(
        description="by which whoever else was seen lately is less alike, or strangers usually are"
    )
    error: float | None = Field(
        default=None, ge=0, le=1, description="chance that it is somebody else; none: not stated"
    )
    verdict: Literal["same", "perhaps"] = Field(
        default="same", description="perhaps: they have numbers of their own, and a person decides"
    )
    earlier_subject_id: str = Field(default="", description="whom they are taken for")
    by: Literal["colours", "model"] = Field(
        default="colours",
        description="what was compared: the colours of clothes, or vectors of the likeness model",
    )
    earlier_offence_id: str = Field(
        default="", description="the last offence of that one under this rule, if it is remembered"
    )


class OffenceOpened(OffenceData):
    """Somebody stayed in a zone for longer than the rule's threshold, or a person saw and marked it."""

    event_type: ClassVar[str] = "forewarn.offence.opened.v1"
    threshold_s: float
    first_sighting: Sighting
    earlier_offences: int = Field(
        default=0, ge=0, description="of the same subject, within the ladder's repeat window"
    )
    recognition: Recognition | None = Field(
        default=None, description="of a subject that was out of sight; none: never lost"
    )
    by_hand: ByHand | None = Field(
        default=None,
        exclude_if=lambda by_hand: by_hand is None,
        description="a person saw it and marked it; left out: the rule found it",
    )


class OffenceWarned(OffenceData):
    """A rung of the ladder came due, or an operator asked for words: to be spoken, once."""

    event_type: ClassVar[str] = "forewarn.offence.warned.v1"
    rung_id: str = Field(description="of an operator's text its id, of free words 'own-words'")
    rung_number: int = Field(ge=0, description="counted from 1; 0: an operator's words, no rung")
    rung_count: int = Field(ge=1)
    text: BothLanguages = Field(description="the words as they are to be spoken")
    languages: tuple[str, ...] = Field(default=LANGUAGES, description="in the order spoken")
    recordings: tuple[Recording, ...] = Field(
        default=(), description="played for their languages instead of the voice"
    )
    by_hand: ByHand | None = Field(
        default=None, description="an operator asked for it; none: it came due by itself"
    )
    call_before: CallBefore | None = Field(
        default=None, description="of the call that this waited for; none: it waited for none"
    )


class OffenceClimbed(OffenceData):
    """A rung that says nothing came due; what it asks for follows in events of its own."""

    event_type: ClassVar[str] = "forewarn.offence.climbed.v1"
    rung_id: str
    rung_number: int = Field(ge=1, description="counted from 1")
    rung_count: int = Field(ge=1)
    call_before: CallBefore | None = Field(
        default=None, description="of the call that this waited for; none: it waited for none"
    )


class OffenceWithheld(OffenceData):
    """What came due was neither said nor done, for the camera may not warn."""

    event_type: ClassVar[str] = "forewarn.offence.withheld.v1"
    what: Literal["rung", "escalation"]
    rung_id: str = Field(description="of the rung that came due; of an escalation ''")
    rung_number: int = Field(ge=0, description="of the rung that came due, from 1; else 0")
    reasons: tuple[str, ...] = Field(
        min_length=1, description="codes of domain/fitness.py, such as legal-review-lapsed"
    )
    explanation: str = Field(description="the reasons in words")


class OffenceComplied(OutcomeData):
    """The subject left after a warning: dissuaded."""

    event_type: ClassVar[str] = "forewarn.offence.complied.v1"
    basis: LeavingBasis
    by_hand: ByHand | None = Field(
        default=None,
        exclude_if=lambda by_hand: by_hand is None,
        description="a person said so, who had started it by hand; left out: the camera saw it",
    )


class OffenceLapsed(OutcomeData):
    """The subject left before anything was said."""

    event_type: ClassVar[str] = "forewarn.offence.lapsed.v1"
    basis: LeavingBasis
    by_hand: ByHand | None = Field(
        default=None,
        exclude_if=lambda by_hand: by_hand is None,
        description="a person said so, who had started it by hand; left out: the camera saw it",
    )


class OffenceEscalated(OutcomeData):
    """Every rung was spoken and the subject is still there: a person is asked for."""

    event_type: ClassVar[str] = "forewarn.offence.escalated.v1"
    call_before: CallBefore | None = Field(
        default=None, description="of the call that this waited for; none: it waited for none"
    )


class OffenceExempted(OutcomeData):
    """Every rung was spoken and the subject is still there, but the rule lets the first time off."""

    event_type: ClassVar[str] = "forewarn.offence.exempted.v1"
    call_before: CallBefore | None = Field(
        default=None, description="of the call that this waited for; none: it waited for none"
    )


class OffenceMerged(OutcomeData):
    """Two offences turned out to be of one subject: this one ends, counts as nothing, and the other goes on."""

    event_type: ClassVar[str] = "forewarn.offence.merged.v1"
    goes_on_as: str = Field(description="id of the offence that goes on")
    recognition: Recognition


class OffenceUnknown(OutcomeData):
    """The camera went silent, its footage ended or nobody watched: nobody can say what happened."""

    event_type: ClassVar[str] = "forewarn.offence.unknown.v1"
    reason: str
    reason_zh: str = Field(default="", description="the same in Chinese")
