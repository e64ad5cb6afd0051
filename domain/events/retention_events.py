"""Events of keeping and erasing: what is held, what was erased, and a ring that outgrew its limit."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from domain.events.base import EventData


class EvidenceHeld(EventData):
    """A legal hold was placed, or let go."""

    event_type: ClassVar[str] = "forewarn.evidence.held.v1"
    hold_id: str
    is_held: bool
    evidence_id: str = Field(description="'' where only footage is held")
    offence_id: str = Field(description="'' where only footage is held")
    camera_id: str
    from_at: AwareDatetime = Field(description="which footage of the camera is held, from")
    to_at: AwareDatetime
    reason: str = Field(description="of the hold, or of letting go")
    owner: str = Field(description="who answers for it")
    until: AwareDatetime | None = Field(description="none: until it is let go")


class EvidenceErased(EventData):
    """A record was erased, and its bytes were looked for and not found."""

    event_type: ClassVar[str] = "forewarn.evidence.erased.v1"
    evidence_id: str
    offence_id: str
    reason: str
    by: str = Field(description="who asked for it; 'retention' where its term was over")
    rule: str = Field(description="line of the site file whose term was over; '' by request")
    custody_number: int = Field(ge=1, description="of the entry that is its certificate")
    erased_at: AwareDatetime


class RingPinned(EventData):
    """What is pinned of a camera's recordings leaves no room within the ring's limit, or again does."""

    event_type: ClassVar[str] = "forewarn.recordings.pinned.v1"
    site_id: str
    camera_id: str
    is_over: bool
    pinned_bytes: int = Field(ge=0)
    size_bytes: int = Field(ge=0, description="of all recordings of the camera")
    limit_bytes: int = Field(ge=0)
    reasons: tuple[str, ...] = Field(description="of the pins: holds and offences")
