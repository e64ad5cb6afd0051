"""Events of the machine's clock."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from domain.events.base import EventData


class ClockStepped(EventData):
    """The machine's clock was set; the event's own time is the time after it."""

    event_type: ClassVar[str] = "forewarn.clock.stepped.v1"
    site_id: str
    from_at: AwareDatetime = Field(description="what it would have said then")
    to_at: AwareDatetime = Field(description="what it said instead")
    step_s: float = Field(description="seconds; negative: it was set back")
    steady_at: AwareDatetime = Field(
        description="the same moment on the clock that stays and calls are counted by, which is never set"
    )
    reason: str = Field(description="for people: what it means")
    reason_zh: str = Field(description="the same in Chinese")
