"""What events have in common: where a subject was seen, and what every event of an offence says."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.commands import CommandKind, Hold

Box = tuple[float, float, float, float]


class EventData(BaseModel):
    """What an event says; each kind below names its type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_type: ClassVar[str]


class Sighting(BaseModel):
    """The subject in one frame, so that any number can be walked back to a picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime = Field(description="event time of the frame")
    media_time_s: float = Field(description="seconds since the start of the camera's footage")
    pts: int
    time_base: str = Field(description="seconds per pts unit, as a fraction such as 1/12800")
    box_xyxy: Box = Field(description="pixels of the decoded frame")
    score: float = Field(ge=0, le=1, description="as the detector gave it")
    frame_width_px: int = Field(gt=0)
    frame_height_px: int = Field(gt=0)


class TrackPoint(BaseModel):
    """Where the subject was in one frame; many of them make its track."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: AwareDatetime = Field(description="event time of the frame")
    pts: int = Field(description="counted in the time_base of the first sighting")
    box_xyxy: Box = Field(description="pixels of the decoded frame")
    score: float = Field(ge=0, le=1, description="as the detector gave it")


class OffenceData(EventData):
    """What every event of an offence says."""

    offence_id: str
    site_id: str
    camera_id: str
    zone_id: str
    rule_id: str
    subject_id: str = Field(description="who, within this camera; not an identity")
    state: str = Field(description="of the ladder, after this event")
    first_seen_at: AwareDatetime = Field(description="first frame of the stay in the zone")
    dwell_s: float = Field(ge=0, description="seconds in the zone up to this event")
    sighting: Sighting = Field(description="the subject when this event arose (or when last seen)")


class ByHand(BaseModel):
    """What a person had done, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command_id: str
    command: CommandKind
    operator: str = Field(description="name; who it is, `person` says")
    reason: str = ""
    asked_at: AwareDatetime = Field(description="wall clock")
    despite: tuple[Hold, ...] = Field(
        default=(), description="of words: what they were to be spoken despite; () nothing"
    )
    person: str = Field(
        default="", description="id in the site's people file; '': as typed, nobody checked it"
    )


class OutcomeData(OffenceData):
    """How an offence ended, with every sighting that evidence is cut around."""

    first_sighting: Sighting
    rung_sightings: tuple[Sighting, ...] = Field(
        description="one for each call: rungs that came due, and what operators had spoken"
    )
    last_sighting: Sighting
    operators_did: tuple[ByHand, ...] = Field(
        default=(), description="commands of operators that were carried out, in order"
    )
    track: tuple[TrackPoint, ...] = Field(
        default=(),
        description="the subject from the first sighting on, in the zone or not, about twice a "
        "second; of a long stay more seldom. () in records of older versions",
    )
