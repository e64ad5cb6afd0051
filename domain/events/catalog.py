"""Every event that forewarn writes: its type, its data, and how its id is minted.

An event's id comes from what happened, never from the clock or chance, so that a replay after a
crash writes nothing twice. event_log/ turns these into CloudEvents 1.0; the JSON Schemas in
event_log/schemas/ are generated from the classes here (`make docs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, cast

from pydantic import AwareDatetime
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeVar

from domain.events.alarm_events import AlarmData as AlarmData
from domain.events.alarm_events import AlarmJoined as AlarmJoined
from domain.events.alarm_events import AlarmMoved as AlarmMoved
from domain.events.alarm_events import AlarmNotified as AlarmNotified
from domain.events.alarm_events import AlarmOpened as AlarmOpened
from domain.events.alarm_events import AlarmOverdue as AlarmOverdue
from domain.events.announcements import AnnouncementMade as AnnouncementMade
from domain.events.announcements import CallBefore as CallBefore
from domain.events.base import Box as Box
from domain.events.base import ByHand as ByHand
from domain.events.base import CameOut as CameOut
from domain.events.base import EventData as EventData
from domain.events.base import Mark as Mark
from domain.events.base import OffenceData as OffenceData
from domain.events.base import OutcomeData as OutcomeData
from domain.events.base import Sighting as Sighting
from domain.events.camera_events import CameraChanged as CameraChanged
from domain.events.camera_events import CameraFitness as CameraFitness
from domain.events.camera_events import ItemPutAside as ItemPutAside
from domain.events.clock_events import ClockStepped as ClockStepped
from domain.events.evidence_events import EvidenceFile as EvidenceFile
from domain.events.evidence_events import EvidenceMasked as EvidenceMasked
from domain.events.evidence_events import EvidenceSealed as EvidenceSealed
from domain.events.offence_events import LeavingBasis as LeavingBasis
from domain.events.offence_events import OffenceClimbed as OffenceClimbed
from domain.events.offence_events import OffenceComplied as OffenceComplied
from domain.events.offence_events import OffenceEscalated as OffenceEscalated
from domain.events.offence_events import OffenceExempted as OffenceExempted
from domain.events.offence_events import OffenceLapsed as OffenceLapsed
from domain.events.offence_events import OffenceMerged as OffenceMerged
from domain.events.offence_events import OffenceOpened as OffenceOpened
from domain.events.offence_events import OffenceUnknown as OffenceUnknown
from domain.events.offence_events import OffenceWarned as OffenceWarned
from domain.events.offence_events import OffenceWithheld as OffenceWithheld
from domain.events.offence_events import Recognition as Recognition
from domain.events.operator_events import CommandGiven as CommandGiven
from domain.events.operator_events import CommandRefused as CommandRefused
from domain.events.operator_events import OffenceDismissed as OffenceDismissed
from domain.events.operator_events import OffenceDispatched as OffenceDispatched
from domain.events.operator_events import OffenceHandedBack as OffenceHandedBack
from domain.events.operator_events import OffencePaused as OffencePaused
from domain.events.operator_events import OffenceResumed as OffenceResumed
from domain.events.operator_events import OffenceTakenOver as OffenceTakenOver
from domain.events.requests import CaseRequested as CaseRequested
from domain.events.requests import MessageData as MessageData
from domain.events.requests import NotificationMade as NotificationMade
from domain.events.requests import NotificationRequested as NotificationRequested
from domain.events.requests import OfficerRequested as OfficerRequested
from domain.events.requests import RequestData as RequestData
from domain.events.retention_events import EvidenceErased as EvidenceErased
from domain.events.retention_events import EvidenceHeld as EvidenceHeld
from domain.events.retention_events import RingPinned as RingPinned
from domain.events.site_events import SiteApplied as SiteApplied
from domain.events.site_events import SiteFileChanged as SiteFileChanged
from domain.events.storage_events import EvidenceBehind as EvidenceBehind
from domain.events.storage_events import StorageChanged as StorageChanged

EVENT_DATA: tuple[type[EventData], ...] = (
    OffenceOpened,
    OffenceWarned,
    OffenceClimbed,
    OffenceWithheld,
    OffenceComplied,
    OffenceLapsed,
    OffenceEscalated,
    OffenceExempted,
    OffenceMerged,
    OffenceUnknown,
    OffenceTakenOver,
    OffenceHandedBack,
    OffencePaused,
    OffenceResumed,
    OffenceDispatched,
    OffenceDismissed,
    CommandGiven,
    CommandRefused,
    CameraChanged,
    CameraFitness,
    ItemPutAside,
    ClockStepped,
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
    SiteApplied,
    SiteFileChanged,
    StorageChanged,
    EvidenceBehind,
    AlarmOpened,
    AlarmJoined,
    AlarmMoved,
    AlarmOverdue,
    AlarmNotified,
)
DATA_BY_TYPE = {kind.event_type: kind for kind in EVENT_DATA}
OUTCOME_TYPES = tuple(kind.event_type for kind in EVENT_DATA if issubclass(kind, OutcomeData))


DataT_co = TypeVar("DataT_co", bound=EventData, default=EventData, covariant=True)
KindT = TypeVar("KindT", bound=EventData)


@dataclass(frozen=True, slots=True)
class Event(Generic[DataT_co]):
    """Hold one thing that happened, ready to be logged; `Event[OffenceWarned]` where its kind is known."""

    id: str  # deterministic: the same happening always has the same id
    source: str  # which part of which site: "forewarn/<site>/<camera>" for what a camera saw
    subject: str  # what it is about: the offence, camera or evidence id
    time: AwareDatetime  # event time, not when it was written
    data: DataT_co

    @property
    def type(self) -> str:
        """Name its CloudEvents type, such as forewarn.offence.warned.v1."""
        return self.data.event_type

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Tell Pydantic how an event is saved: its data alone do not say of which type they are."""
        return core_schema.no_info_plain_validator_function(
            _event_from_plain,
            serialization=core_schema.plain_serializer_function_ser_schema(_event_to_plain),
        )


def narrow_event(event: Event, kind: type[KindT]) -> Event[KindT] | None:
    """Return the same event, known to be of this kind; None where it is of another."""
    return cast("Event[KindT]", event) if isinstance(event.data, kind) else None


def expect_event(event: Event, kind: type[KindT]) -> Event[KindT]:
    """Return the same event, known to be of this kind; TypeError: its giver chose wrongly."""
    if (narrowed := narrow_event(event, kind)) is None:
        raise TypeError(f"event {event.id}: needed {kind.__name__}, got {event.type}")
    return narrowed


def _event_to_plain(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "data": event.data.model_dump(mode="json"),
    }


def _event_from_plain(plain: Any) -> Event:
    try:
        kind, time = DATA_BY_TYPE[plain["type"]], datetime.fromisoformat(plain["time"])
        data = kind.model_validate(plain["data"])
        if time.tzinfo is None:
            raise ValueError(f"time needs a zone, got {time}")
        return Event(plain["id"], plain["source"], plain["subject"], time, data)
    except (KeyError, TypeError) as error:
        raise ValueError(f"needed an event: {error!r}") from error


def parse_data(event_type: str, data: dict[str, object]) -> EventData:
    """Read an event's data back from JSON-like values.

    Raises:
        KeyError: no event has that type.
        pydantic.ValidationError: the data do not fit it.
    """
    return DATA_BY_TYPE[event_type].model_validate(data)
