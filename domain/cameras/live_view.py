"""Live views: the latest of one camera, written by the watch program and read by the console.

Two small files a camera: `<camera>.json` (this model) and `<camera>.jpg` (the masked tile). Each is
replaced whole, so a reader never sees half of one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from domain.base import FrozenModel
from domain.events.base import Box
from domain.files import write_atomically


class LiveTrack(FrozenModel):
    """Describe one person on the picture."""

    track_id: int
    box_xyxy: Box  # pixels of the decoded frame
    score: float
    state: str | None = None  # of the ladder; None: not in a zone
    rung_number: int = 0  # rungs spoken so far
    dwell_s: float = 0.0


class LiveHidden(FrozenModel):
    """Describe the stay of somebody who is out of sight and was not seen leaving: its clock goes on."""

    offence_id: str  # no event tells of it before it is an offence
    track_id: int
    box_xyxy: Box  # where they were last; pixels of the decoded frame
    since: AwareDatetime  # when they were seen last, by the wall's clock
    state: str  # of the ladder
    rung_number: int = 0  # rungs spoken so far
    dwell_s: float = 0.0  # up to now


class LiveView(FrozenModel):
    """Describe what a camera shows now."""

    camera_id: str
    status: Literal["up", "slow", "ended", "stalled", "failed"]
    reason: str = ""  # in English
    reason_zh: str = ""
    captured_at: AwareDatetime | None = None
    width_px: int = 0
    height_px: int = 0
    tracks: tuple[LiveTrack, ...] = ()
    hidden: tuple[LiveHidden, ...] = ()  # one for each rule under which somebody is hidden
    is_learning: bool = False  # most of the picture is coarse: the scene is not known yet
    boxes_left_out: int = 0  # so far: said to be a person, and none can have that shape
    unfit: tuple[str, ...] = ()  # codes of domain/fitness.py: why it may not warn
    unfit_places: tuple[
        str, ...
    ] = ()  # zones and lines that are not judged; () where it is all or none

    def write(self, folder: Path) -> None:
        """Replace this camera's JSON file."""
        path = folder / f"{self.camera_id}.json"
        write_atomically(path, self.model_dump_json().encode(), durable=False, one_writer=True)


def read_live_view(folder: Path, camera_id: str) -> LiveView | None:
    """Read one camera's latest state; None where there is none (yet)."""
    try:
        return LiveView.model_validate_json((folder / f"{camera_id}.json").read_bytes())
    except (OSError, ValidationError):
        return None
