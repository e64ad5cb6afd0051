"""Requests of a ladder to people or other systems, and what came of them.

A rung's `does` and a ladder's `escalation_does` say which are made. Each tells the whole case by
itself, so that a system that takes it up needs no site file. Their wording suspects and never
accuses: what a camera saw is no finding.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.base import BothLanguages
from domain.events.base import ByHand, EventData, OffenceData


class RequestData(OffenceData):
    """Base of every request."""

    asked_by: Literal["rung", "escalation", "operator"]
    rung_id: str = Field(description="of the rung that asks; where none does, ''")
    rung_number: int = Field(ge=0, description="of the rung that asks, from 1; where none does, 0")
    rung_count: int = Field(ge=1)
    site_title: BothLanguages
    camera_title: BothLanguages
    place_title: BothLanguages = Field(description="of the zone or line")
    rule_title: BothLanguages
    category: str | None
    category_title: BothLanguages | None = Field(description="of the taxonomy")
    legal_basis: BothLanguages | None
    severity: Literal["slight", "ordinary", "serious"]
    evidence_id: str = Field(
        description="of the record that is sealed once the offence has ended; "
        "evidence.sealed tells when"
    )
    wording: BothLanguages = Field(description="for people; suspects, never accuses")


class NotificationRequested(RequestData):
    """People are to be told, once each."""

    event_type: ClassVar[str] = "forewarn.notification.requested.v1"
    recipients: tuple[str, ...] = Field(min_length=1, description="ids of the site file")


class CaseRequested(RequestData):
    """A case is to be opened; the same offence always names the same case."""

    event_type: ClassVar[str] = "forewarn.case.requested.v1"
    case_id: str = Field(description="minted from the offence: a case known by it is open already")


class OfficerRequested(RequestData):
    """A person is to go there and look."""

    event_type: ClassVar[str] = "forewarn.officer.requested.v1"
    by_hand: ByHand | None = Field(default=None, description="the operator who asks, and the note")


NotificationResult = Literal[
    "sent", "failed", "too late", "withheld", "over the hourly limit", "unknown whether sent"
]


class MessageData(EventData):
    """Base of every event that says what became of one message to one recipient."""

    recipient_id: str
    service: str = Field(description="apprise's name of the way, such as mailto; no address")
    result: NotificationResult = Field(
        description="sent: the service took it; failed: it surely did not; unknown whether sent: it "
        "may have, so it is not sent again; withheld: quiet hours, the camera may not warn, or "
        "somebody has answered the alarm meanwhile"
    )
    reason: str = ""
    language: Literal["zh", "en", "both"]
    text: str = Field(description="what was sent, or would have been")
    attempts: int = Field(ge=0)
    started_at: AwareDatetime | None = Field(description="wall clock: the last attempt")
    ended_at: AwareDatetime | None = None


class NotificationMade(MessageData):
    """What became of telling one recipient of one request."""

    event_type: ClassVar[str] = "forewarn.notification.made.v1"
    offence_id: str
    camera_id: str
    rung_id: str = Field(description="of an escalation ''")
    request_event_id: str = Field(description="of the request, or of the withheld rung")
    picture_sha256: str | None = Field(description="of the masked picture that went with it")
    picture_note: str = Field(description="why no picture went with it; '' if one did")
