"""Every event that forewarn writes: its type, its data, and how its id is minted.

An event's id comes from what happened, never from the clock or chance, so that a replay after a
crash writes nothing twice. event_log/ turns these into CloudEvents 1.0; the JSON Schemas in
event_log/schemas/ are generated from the classes here (`make docs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.announcements import AnnouncementMade as AnnouncementMade
from domain.announcements import CallBefore as CallBefore
from domain.event_base import Box as Box
from domain.event_base import ByHand as ByHand
from domain.event_base import EventData as EventData
from domain.event_base import OffenceData as OffenceData
from domain.event_base import OutcomeData as OutcomeData
from domain.event_base import Sighting as Sighting
from domain.facts import BothLanguages
from domain.keeping_events import EvidenceErased as EvidenceErased
from domain.keeping_events import EvidenceHeld as EvidenceHeld
from domain.keeping_events import RingPinned as RingPinned
from domain.operator_events import CommandGiven as CommandGiven
from domain.operator_events import CommandRefused as CommandRefused
from domain.operator_events import OffenceDismissed as OffenceDismissed
from domain.operator_events import OffenceDispatched as OffenceDispatched
from domain.operator_events import OffenceHandedBack as OffenceHandedBack
from domain.operator_events import OffenceTakenOver as OffenceTakenOver
from domain.requests import CaseRequested as CaseRequested
from domain.requests import NotificationMade as NotificationMade
from domain.requests import NotificationRequested as NotificationRequested
from domain.requests import OfficerRequested as OfficerRequested
from domain.requests import RequestData as RequestData
from domain.rungs import LANGUAGES, Recording


class Recognition(BaseModel):
    """How somebody who was out of sight was taken for somebody seen before; not an identity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    how: Literal["occlusion", "return"]
    gap_s: float = Field(ge=0, description="seconds out of sight")
    similarity: float = Field(description="of their colours; 1 is the same")
    margin: float = Field(description="by which the next likeliest was less alike")


class OffenceOpened(OffenceData):
    """Somebody stayed in a zone for longer than the rule's threshold."""

    event_type: ClassVar[str] = "forewarn.offence.opened.v1"
    threshold_s: float
    first_sighting: Sighting
    earlier_offences: int = Field(
        default=0, ge=0, description="of the same subject, within the ladder's repeat window"
    )
    recognition: Recognition | None = Field(
        default=None, description="of a subject that was out of sight; none: never lost"
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
    basis: Literal["seen outside the zone", "no longer seen"]


class OffenceLapsed(OutcomeData):
    """The subject left before anything was said."""

    event_type: ClassVar[str] = "forewarn.offence.lapsed.v1"
    basis: Literal["seen outside the zone", "no longer seen"]


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


class OffenceUnknown(OutcomeData):
    """The camera went silent, its footage ended or nobody watched: nobody can say what happened."""

    event_type: ClassVar[str] = "forewarn.offence.unknown.v1"
    reason: str
    reason_zh: str = Field(default="", description="the same in Chinese")


class CameraChanged(EventData):
    """A camera came, went, or gave something that could not be used."""

    event_type: ClassVar[str] = "forewarn.camera.changed.v1"
    site_id: str
    camera_id: str
    status: Literal["up", "slow", "ended", "stalled", "failed"] = Field(
        description="slow: it gives pictures, and the machine looks at too few of them or too late"
    )
    reason: str = Field(
        description="for people: what was needed, what came, what to try; may be ''"
    )
    reason_zh: str = Field(default="", description="the same in Chinese")
    frames_read: int = Field(ge=0)
    frames_put_aside: int = Field(ge=0, description="damaged frames that were skipped")


class CameraFitness(EventData):
    """A camera may not warn any more, or may again; it is watched and recorded all the same."""

    event_type: ClassVar[str] = "forewarn.camera.fitness.v1"
    site_id: str
    camera_id: str
    is_fit: bool
    reasons: tuple[str, ...] = Field(
        description="codes of domain/fitness.py, such as picture-covered; () if it is fit"
    )
    explanation: str = Field(description="the reasons in words; '' if it is fit")


class EvidenceFile(BaseModel):
    """One file of an evidence record."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="relative to the record's folder")
    role: Literal[
        "clip",
        "snapshot",
        "masked snapshot",
        "drawn snapshot",
        "masked clip",
        "announcement",
        "numbers",
        "search vectors",
    ] = Field(description="drawn snapshot: a masked one with what was measured drawn in")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class EvidenceSealed(EventData):
    """An offence's evidence lies in the vault, hashed."""

    event_type: ClassVar[str] = "forewarn.evidence.sealed.v1"
    evidence_id: str
    offence_id: str
    site_id: str
    camera_id: str
    rule_id: str
    outcome: str
    complete: bool
    missing: tuple[str, ...] = Field(description="which parts are missing and why; () if complete")
    files: tuple[EvidenceFile, ...]
    manifest_sha256: str = Field(
        default="", description="of manifest.json, which names every file; '' before there were any"
    )
    signed_by: str = Field(
        default="", description="id of the key that signed the manifest; '' if it is not signed"
    )


class EvidenceMasked(EventData):
    """Masked copies of a record's clips lie beside it, or why there are none."""

    event_type: ClassVar[str] = "forewarn.evidence.masked.v1"
    evidence_id: str
    offence_id: str
    site_id: str
    camera_id: str
    files: tuple[EvidenceFile, ...] = Field(description="named added/…; () where none was made")
    reason: str = Field(default="", description="why a clip could not be masked; '' if all were")


EVENT_DATA: tuple[type[EventData], ...] = (
    OffenceOpened,
    OffenceWarned,
    OffenceClimbed,
    OffenceWithheld,
    OffenceComplied,
    OffenceLapsed,
    OffenceEscalated,
    OffenceExempted,
    OffenceUnknown,
    OffenceTakenOver,
    OffenceHandedBack,
    OffenceDispatched,
    OffenceDismissed,
    CommandGiven,
    CommandRefused,
    CameraChanged,
    CameraFitness,
    AnnouncementMade,
    NotificationRequested,
    CaseRequested,
    OfficerRequested,
    NotificationMade,
    EvidenceSealed,
    EvidenceHeld,
    EvidenceErased,
    RingPinned,
    EvidenceMasked,
)
DATA_BY_TYPE = {kind.event_type: kind for kind in EVENT_DATA}
OUTCOME_TYPES = tuple(kind.event_type for kind in EVENT_DATA if issubclass(kind, OutcomeData))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, ready to be logged."""

    id: str  # deterministic: the same happening always has the same id
    source: str  # which part of which site: "forewarn/<site>/<camera>" for what a camera saw
    subject: str  # what it is about: the offence, camera or evidence id
    time: AwareDatetime  # event time, not when it was written
    data: EventData

    @property
    def type(self) -> str:
        """CloudEvents type, such as forewarn.offence.warned.v1."""
        return self.data.event_type


def parse_data(event_type: str, data: dict[str, object]) -> EventData:
    """Read an event's data back from JSON-like values.

    Raises:
        KeyError: no event has that type.
        pydantic.ValidationError: the data do not fit it.
    """
    return DATA_BY_TYPE[event_type].model_validate(data)
