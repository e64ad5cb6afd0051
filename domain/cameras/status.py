"""Reports of a camera's reader beside its frames: that it came, went or gave nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import NonNegativeInt

from domain.base import BothLanguages


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """Count what has been read of a camera so far."""

    frames_read: NonNegativeInt = 0
    frames_put_aside: NonNegativeInt = 0  # damaged ones that were skipped


# slow: it gives pictures, and the machine looks at too few of them or too late
CameraStatus = Literal["up", "slow", "ended", "stalled", "failed"]
WATCHED = frozenset({"up", "slow"})  # somebody still looks


@dataclass(frozen=True, slots=True)
class CameraNotice:
    """Report that a camera came, went or gave nothing; travels in order with its frames."""

    camera_id: str
    status: CameraStatus
    said: BothLanguages | None  # what was needed, what came, what to try; None if all is well
    at: datetime  # UTC, event time of the last frame, or of the attempt
    counts: ReadCounts
    media_time_s: float  # seconds of footage read so far
    is_news: bool = True  # worth an event; False: the state that is told already, or too soon again
    blind_since: datetime | None = None  # UTC; of news after which it gave no pictures, or had gaps
    failures: int = 0  # how often it went since the last news
    boxes_left_out: int = 0  # so far: said to be a person, and none can have that shape

    @property
    def reason(self) -> str:
        """Return the message in English, "" if all is well."""
        return self.said.en if self.said else ""

    @property
    def reason_zh(self) -> str:
        """Return the message in Chinese, "" if all is well."""
        return self.said.zh if self.said else ""
