"""Draw the detector's scores as a figure: every person it saw, used or not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.figure import Figure

from domain.site.site import Site
from flows.reports.offences import ReportedOffence
from flows.reports.timeline import Watched, show_clock

USED, WEAK, LIMIT = "#6d8fb8", "#c9ced6", "#d9642b"


def draw_scores(site: Site, offences: Sequence[ReportedOffence], watched: Watched) -> Figure:
    """Draw scores over time, and how many there are of each: a row for each camera.

    Cameras without watched frames show the scores that the events tell.
    """
    cameras = site.cameras
    figure = Figure(figsize=(11, 2.6 * len(cameras) + 0.5), layout="constrained")
    panels = figure.subplots(len(cameras), 2, width_ratios=(5, 1), sharey=True, squeeze=False)
    bins = np.linspace(0, 1, 41).tolist()
    for (over_time, in_all), camera in zip(panels, cameras, strict=True):
        rules = site.rules_watching(camera.id)
        least = min((rule.min_score for rule in rules), default=0.0)
        seen = _scores_of(camera.id, offences, watched)
        used = [(at, score) for at, score in seen if score >= least]
        weak = [(at, score) for at, score in seen if score < least]
        for some, colour, size in ((weak, WEAK, 3), (used, USED, 6)):
            scores = [score for _, score in some]
            over_time.scatter([at for at, _ in some], scores, s=size, color=colour, lw=0)
            in_all.hist(scores, bins, orientation="horizontal", color=colour)
        over_time.set(ylim=(0, 1), ylabel="score")
        show_clock(over_time, ZoneInfo(site.site.timezone))
        title = f"{camera.title.en}  ({len(used)} of {len(seen)} detections used)"
        over_time.set_title(title, loc="left", fontsize=11, fontweight="bold")
        in_all.set_title(f"used from {least:g}", loc="left", fontsize=9, color=LIMIT)
        # most of what a detector names is hardly worth a name: linear bars would hide the rest
        in_all.set_xscale("log")
        for axes in (over_time, in_all):
            axes.axhline(least, color=LIMIT, lw=1)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(axis="y", color="#e7e9ed")
            axes.set_axisbelow(True)
    panels[-1][1].set_xlabel("detections")
    return figure


def _scores_of(
    camera_id: str, offences: Sequence[ReportedOffence], watched: Watched
) -> list[tuple[datetime, float]]:
    """Return (time, score) of every person seen; else of the sightings in the events."""
    return [
        (frame.detections.frame.captured_at, float(score))
        for frame in watched.get(camera_id, ())
        for score in frame.detections.scores
    ] or [
        (sighting.at, sighting.score)
        for offence in offences
        if offence.camera_id == camera_id
        for sighting in offence.sightings
    ]
