"""What a camera's reader reports beside frames."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.facts import BothLanguages


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """How much of a camera has been read so far."""

    frames_read: int = 0
    frames_put_aside: int = 0  # damaged ones that were skipped


# slow: it gives pictures, and the machine looks at too few of them or too late
CameraStatus = Literal["up", "slow", "ended", "stalled", "failed"]
WATCHED = frozenset({"up", "slow"})  # somebody still looks


@dataclass(frozen=True, slots=True)
class CameraNotice:
    """A camera came, went or gave nothing; travels in order with its frames."""

    camera_id: str
    status: CameraStatus
    said: BothLanguages | None  # what was needed, what came, what to try; None if all is well
    at: datetime  # UTC, event time of the last frame, or of the attempt
    counts: ReadCounts
    media_time_s: float  # seconds of footage read so far

    @property
    def reason(self) -> str:
        """In English, "" if all is well."""
        return self.said.en if self.said else ""

    @property
    def reason_zh(self) -> str:
        """In Chinese, "" if all is well."""
        return self.said.zh if self.said else ""
