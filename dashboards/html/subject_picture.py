"""Masked pictures with their subject marked: in a crowd one has to see who is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dashboards.data.offence_projection import OffenceView
from domain.events.catalog import EvidenceFile, OutcomeData, Sighting

CROP_HEIGHTS = 2.2  # height of a close-up, counted in heights of the subject
ASPECT = 4 / 3


@dataclass(frozen=True, slots=True)
class SubjectPicture:
    """The whole picture or a close-up of the subject, for `picture.html`."""

    address: str  # of the masked JPEG
    caption: str  # what it shows; people who hear the page are told it
    sighting: Sighting | None  # None: it is drawn without a box
    is_close_up: bool = False

    @property
    def view_box(self) -> str:
        """Return the part to show, "x y width height" in pixels; "" without a sighting."""
        if self.sighting is None:
            return ""
        sighting = self.sighting
        whole = (0.0, 0.0, float(sighting.frame_width_px), float(sighting.frame_height_px))
        shown = _around(sighting) if self.is_close_up else whole
        return " ".join(f"{value:.1f}" for value in shown)


def masked_pictures(files: tuple[EvidenceFile, ...]) -> list[EvidenceFile]:
    """Return the pictures that anybody at the console may see, first one first."""
    masked = [file for file in files if file.role == "masked snapshot"]
    return sorted(masked, key=lambda file: ("last" in file.name, file.name))


def sighting_of(file: EvidenceFile, offence: OffenceView | None) -> Sighting | None:
    """Find where the subject is on a snapshot; None where the log no longer says."""
    if offence is None:
        return None
    outcome = next((e.data for e in offence.history if isinstance(e.data, OutcomeData)), None)
    if outcome is None:
        return None
    number = rung_of(file)
    if number is not None and number <= len(outcome.rung_sightings):
        return outcome.rung_sightings[number - 1]
    return outcome.last_sighting if "last" in file.name else outcome.first_sighting


def rung_of(file: EvidenceFile) -> int | None:
    """Return the number of the call that a picture belongs to, from 1; None for the others."""
    found = re.match(r"rung-([0-9]+)\.", file.name)
    return int(found[1]) if found else None


def _around(sighting: Sighting) -> tuple[float, float, float, float]:
    """Frame a close-up that keeps the subject in its middle: (x, y, width, height), pixels."""
    x1, y1, x2, y2 = sighting.box_xyxy
    high = min(CROP_HEIGHTS * max(y2 - y1, (x2 - x1) / ASPECT, 1.0), sighting.frame_height_px)
    wide = min(high * ASPECT, sighting.frame_width_px)
    left = min(max((x1 + x2 - wide) / 2, 0.0), sighting.frame_width_px - wide)
    top = min(max((y1 + y2 - high) / 2, 0.0), sighting.frame_height_px - high)
    return left, top, wide, high
