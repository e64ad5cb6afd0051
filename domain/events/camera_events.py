"""Events of a camera: that it came or went, and whether it may warn."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.events.base import EventData


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
    # left out where there is nothing to say: what was logged before has neither
    blind_since: AwareDatetime | None = Field(
        default=None,
        exclude_if=lambda since: since is None,
        description="of a live camera: the last picture before it gave none, or gave them with gaps; "
        "with status up that is over at the event's time",
    )
    failures: int = Field(
        default=0,
        ge=0,
        exclude_if=lambda count: count == 0,
        description="how often it stopped giving pictures since its last event; events of a camera "
        "that comes and goes are held back, to one a minute",
    )
    boxes_left_out: int = Field(
        default=0,
        ge=0,
        exclude_if=lambda count: count == 0,
        description="so far: what the detector took for a person and nobody can be, such as a box "
        "around a group or a third of the picture; no rule looked at it",
    )


class ItemPutAside(EventData):
    """A step of a program could not deal with something; it was put aside, and the rest goes on."""

    event_type: ClassVar[str] = "forewarn.item.put-aside.v1"
    site_id: str
    program: str = Field(description="whose step it was: watch, announce, preserve, notify, mask")
    step: str
    camera_id: str = Field(description="'' if it is of no camera")
    item: str = Field(description="what was put aside: a frame by its time, or an event by its id")
    media_time_s: float | None = Field(
        default=None, description="of a frame: seconds since the footage's start"
    )
    count: int = Field(
        ge=1,
        description="by this step and of this camera since the last such event, at most one a minute",
    )
    in_a_row: int = Field(ge=1, description="from 20 on it is a trouble of that camera")
    reason: str = Field(description="for people, with what the step raised")
    reason_zh: str = Field(default="", description="the same in Chinese")


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
    places: tuple[str, ...] = Field(
        default=(),
        description="with picture-partly-covered: the zones and lines that are not judged; rules on "
        "other places of this camera go on",
    )
