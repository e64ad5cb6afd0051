"""The latest of one camera, written by the watch process and read by the console.

Two small files a camera: `<camera>.json` (this model) and `<camera>.jpg` (the masked tile). Each is
replaced whole, so a reader never sees half of one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from domain.events import Box


class LiveTrack(BaseModel):
    """One person on the picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    track_id: int
    box_xyxy: Box  # pixels of the decoded frame
    score: float
    state: str | None = None  # of the ladder; None: not in a zone
    rung_number: int = 0  # rungs spoken so far
    dwell_s: float = 0.0


class LiveView(BaseModel):
    """What a camera shows now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    camera_id: str
    status: Literal["up", "slow", "ended", "stalled", "failed"]
    reason: str = ""  # in English
    reason_zh: str = ""
    captured_at: AwareDatetime | None = None
    width_px: int = 0
    height_px: int = 0
    tracks: tuple[LiveTrack, ...] = ()
    is_learning: bool = False  # most of the picture is coarse: the scene is not known yet
    unfit: tuple[str, ...] = ()  # codes of domain/fitness.py: why it may not warn

    def write(self, folder: Path) -> None:
        """Replace this camera's JSON file."""
        write_whole(folder / f"{self.camera_id}.json", self.model_dump_json().encode())


def read_live_view(folder: Path, camera_id: str) -> LiveView | None:
    """Read one camera's latest state; None where there is none (yet)."""
    try:
        return LiveView.model_validate_json((folder / f"{camera_id}.json").read_bytes())
    except (OSError, ValidationError):
        return None


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step; readers see the old or the new content, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
