"""A masked picture with its subject marked, as SVG: in a crowd one has to see who is meant."""

from __future__ import annotations

import re
from html import escape

from dashboards.offences import Offence
from domain.events import EvidenceFile, OutcomeData, Sighting

CROP_HEIGHTS = 2.2  # height of a close-up, counted in heights of the subject
ASPECT = 4 / 3


def sighting_of(file: EvidenceFile, offence: Offence | None) -> Sighting | None:
    """Where the subject is on a snapshot; None where the log no longer says."""
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
    """Number of the call whose moment a picture shows, counted from 1; None for the others."""
    found = re.match(r"rung-([0-9]+)\.", file.name)
    return int(found[1]) if found else None


def picture(address: str, said: str, sighting: Sighting | None, is_close_up: bool = False) -> str:
    """The whole picture or a close-up of the subject, with the subject's box.

    Args:
        address: of the masked JPEG.
        said: what the picture is, for people who hear the page.
        sighting: None draws the picture without a box.
    """
    source, title = escape(address, quote=True), escape(said, quote=True)
    if sighting is None:
        return f'<img src="{source}" alt="{title}" loading="lazy">'
    width, height = sighting.frame_width_px, sighting.frame_height_px
    x1, y1, x2, y2 = sighting.box_xyxy
    shown = _around(sighting) if is_close_up else (0.0, 0.0, float(width), float(height))
    return (
        f'<svg class="subject" role="img" aria-label="{title}" viewBox="{_numbers(*shown)}">'
        f'<image href="{source}" width="{width}" height="{height}"/>'
        f'<rect x="{x1:.1f}" y="{y1:.1f}" width="{x2 - x1:.1f}" height="{y2 - y1:.1f}"/></svg>'
    )


def _around(sighting: Sighting) -> tuple[float, float, float, float]:
    """(x, y, width, height) of a close-up that keeps the subject in its middle, pixels."""
    x1, y1, x2, y2 = sighting.box_xyxy
    high = min(CROP_HEIGHTS * max(y2 - y1, (x2 - x1) / ASPECT, 1.0), sighting.frame_height_px)
    wide = min(high * ASPECT, sighting.frame_width_px)
    left = min(max((x1 + x2 - wide) / 2, 0.0), sighting.frame_width_px - wide)
    top = min(max((y1 + y2 - high) / 2, 0.0), sighting.frame_height_px - high)
    return left, top, wide, high


def _numbers(*values: float) -> str:
    return " ".join(f"{value:.1f}" for value in values)
