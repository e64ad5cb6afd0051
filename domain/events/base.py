"""Parts that events share: sightings, tracks, and what every event of an offence says."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from domain.base import Fraction01, FrozenModel
from domain.events.commands import CommandKind, Hold

Box = tuple[float, float, float, float]


class EventData(FrozenModel):
    """Base of what events say; each kind names its type."""

    event_type: ClassVar[str]


class Mark(FrozenModel):
    """A point of a camera's picture that somebody marked."""

    x: Fraction01 = Field(description="as a fraction of the picture's width, from the left")
    y: Fraction01 = Field(description="as a fraction of its height, from the top")


class Sighting(FrozenModel):
    """The subject in one frame, so that any number can be walked back to a picture."""

    at: AwareDatetime = Field(description="event time of the frame")
    media_time_s: float = Field(description="seconds since the start of the camera's footage")
    pts: int
    time_base: str = Field(description="seconds per pts unit, as a fraction such as 1/12800")
    box_xyxy: Box = Field(description="pixels of the decoded frame")
    score: float = Field(ge=0, le=1, description="as the detector gave it")
    frame_width_px: int = Field(gt=0)
    frame_height_px: int = Field(gt=0)
    steady_at: AwareDatetime | None = Field(
        default=None,
        exclude_if=lambda at: at is None,
        description="the same moment on the clock that is never set; left out: the same as at",
    )
    seen_by: str = Field(
        default="",
        exclude_if=lambda version: not version,
        description="version of the detector that saw it; left out: the usual one, which the record names",
    )


class TrackPoint(FrozenModel):
    """Where the subject was in one frame; many of them make its track."""

    at: AwareDatetime = Field(description="event time of the frame")
    pts: int = Field(description="counted in the time_base of the first sighting")
    box_xyxy: Box = Field(description="pixels of the decoded frame")
    score: float = Field(ge=0, le=1, description="as the detector gave it")


class CameOut(FrozenModel):
    """Somebody came out near where the subject was hidden, and was taken to be the same; not an identity."""

    gap_s: float = Field(ge=0, description="seconds out of sight")
    away: float = Field(ge=0, description="heights of a person, from where they were or were going")
    similarity: float | None = Field(description="of their colours; 1 is the same. null: not known")


class OffenceData(EventData):
    """Base of every event of an offence."""

    offence_id: str
    site_id: str
    camera_id: str
    zone_id: str
    rule_id: str
    subject_id: str = Field(description="who, within this camera; not an identity")
    state: str = Field(description="of the ladder, after this event")
    first_seen_at: AwareDatetime = Field(description="first frame of the stay in the zone")
    dwell_s: float = Field(ge=0, description="seconds in the zone up to this event")
    unseen_s: float = Field(
        default=0,
        ge=0,
        exclude_if=lambda seconds: seconds == 0,
        description="of dwell_s: hidden, and taken to have been there; left out: 0",
    )
    sighting: Sighting = Field(description="the subject when this event arose (or when last seen)")


class ByHand(FrozenModel):
    """What a person had done, and why."""

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
    """Base of every outcome of an offence, with the sightings that evidence is cut around."""

    first_sighting: Sighting
    rung_sightings: tuple[Sighting, ...] = Field(
        description="one for each call: rungs that came due, and what operators had spoken"
    )
    last_sighting: Sighting
    came_out: tuple[CameOut, ...] = Field(
        default=(),
        exclude_if=lambda told: not told,
        description="each time that somebody under a new number was taken to be the hidden subject",
    )
    operators_did: tuple[ByHand, ...] = Field(
        default=(), description="commands of operators that were carried out, in order"
    )
    track: tuple[TrackPoint, ...] = Field(
        default=(),
        description="the subject from the first sighting on, in the zone or not, about twice a "
        "second; of a long stay more seldom. () in records of older versions",
    )
