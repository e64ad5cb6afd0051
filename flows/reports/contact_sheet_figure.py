"""Draw a contact sheet as a figure: pictures in rows, with the zone, the subject and what happened."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from domain.site.site import Site
from flows.reports.contact_sheet import ContactSheet

WIDTH_IN = 11
CAPTION_LETTERS = 38  # of four columns


def draw_contact_sheet(site: Site, sheet: ContactSheet, columns: int = 4) -> Figure:
    """Draw the pictures in rows, with the zone, the subject's box and what happened."""
    left, top, right, bottom = sheet.view_xyxy
    rows = -(-len(sheet.pictures) // columns)
    cell_in = WIDTH_IN / columns
    high_in = cell_in * (bottom - top) / (right - left) + 0.3
    figure = Figure(figsize=(WIDTH_IN, rows * high_in + 0.5), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    corners = _zone_corners(site, sheet)
    for axes in panels:
        axes.set_axis_off()
    for axes, picture in zip(panels, sheet.pictures, strict=False):
        axes.imshow(picture.image_rgb, interpolation="lanczos")
        axes.add_patch(Polygon(corners, fill=False, color="#ffd34d", lw=1))
        if picture.box_xyxy is not None:
            x1, y1, x2, y2 = picture.box_xyxy
            axes.add_patch(
                Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color="#ff5a36", lw=1.5)
            )
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        weight = "bold" if picture.caption else "normal"
        words = f"{picture.since_first_s:+.1f} s  {picture.caption}"
        words = words if len(words) <= CAPTION_LETTERS else f"{words[: CAPTION_LETTERS - 1]}…"
        axes.set_title(words, loc="left", fontsize=8, fontweight=weight)
    offence = sheet.offence
    figure.suptitle(
        f"{offence.camera_id}, track {offence.track_id}: stayed {offence.dwell_s:.1f} s, "
        f"{len(offence.calls)} calls, {offence.state}",
        x=0.01,
        ha="left",
        fontsize=11,
        fontweight="bold",
    )
    return figure


def _zone_corners(site: Site, sheet: ContactSheet) -> np.ndarray:
    height_px, width_px = sheet.pictures[0].image_rgb.shape[:2]
    camera = site.camera(sheet.offence.camera_id)
    zone = next(zone for zone in camera.zones if zone.id == sheet.offence.zone_id)
    return np.array(zone.polygon) * (width_px, height_px)
