"""Draw what happened when as a figure: a panel for each camera, a line for each person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from domain.site.site import Site
from flows.reports.offences import ReportedOffence
from flows.reports.replay import WatchedFrame

Watched = Mapping[str, Sequence[WatchedFrame]]  # by camera id

TRACK, IN_ZONE, STAY = "#c9ced6", "#6d8fb8", "#9db8d8"
CALLED = ("#f6c667", "#ef9a3d", "#d9642b")  # after the first, second, third and later call
ENDS = {  # state -> colour, marker
    "complied": ("#2a8c55", "o"),
    "lapsed": ("#7a8290", "o"),
    "exempted": ("#6b7280", "X"),
    "escalated": ("#b3182a", "X"),
    "dismissed": ("#6b7280", "s"),
    "merged": ("#7a8290", "s"),
    "unknown": ("#7a4fa3", "s"),
}
ROW_IN, OFFENCE_IN = 0.085, 0.2  # inches a track, an offence


def draw_timeline(site: Site, offences: Sequence[ReportedOffence], watched: Watched) -> Figure:
    """Draw who was there when, and what was said: a panel for each camera, a line for each person.

    Cameras without frames in `watched` show their offences only.
    """
    by_camera = [
        (camera.id, [o for o in offences if o.camera_id == camera.id]) for camera in site.cameras
    ]
    spans = {camera_id: _track_spans(watched.get(camera_id, ())) for camera_id, _ in by_camera}
    heights = [max(1.2, _rows_high(mine, spans[camera_id])) + 0.7 for camera_id, mine in by_camera]
    figure = Figure(figsize=(11, sum(heights) + 0.5), layout="constrained")
    panels = figure.subplots(len(by_camera), 1, height_ratios=heights, squeeze=False)[:, 0]
    zone = ZoneInfo(site.site.timezone)
    for axes, (camera_id, mine) in zip(panels, by_camera, strict=True):
        _draw_camera(axes, mine, spans[camera_id], zone)
        people = f"{len(spans[camera_id])} tracks, " if spans[camera_id] else ""
        title = f"{site.camera(camera_id).title.en}  ({people}{len(mine)} offences)"
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    figure.legend(handles=_timeline_key(), loc="outside upper left", ncols=6, frameon=False)
    return figure


Span = tuple[datetime, datetime]
Spans = dict[int, tuple[list[Span], list[Span]]]  # track id -> (seen, seen in a zone)


def _track_spans(frames: Sequence[WatchedFrame]) -> Spans:
    """Return the unbroken stretches in which each track was seen, and was seen in a zone."""
    seen: dict[int, list[datetime]] = {}
    inside: dict[int, list[datetime]] = {}
    for frame in frames:
        at = frame.tracked.frame.captured_at
        for track_id in frame.tracked.track_ids.tolist():
            seen.setdefault(track_id, []).append(at)
            if track_id in frame.inside:
                inside.setdefault(track_id, []).append(at)
    times = [frame.tracked.frame.captured_at for frame in frames]
    step_s = min(((b - a).total_seconds() for a, b in pairwise(times)), default=1.0)
    return {
        track_id: (_stretches(at, 2.5 * step_s), _stretches(inside.get(track_id, []), 2.5 * step_s))
        for track_id, at in sorted(seen.items(), key=lambda item: item[1][0])
    }


def _stretches(times: list[datetime], longest_gap_s: float) -> list[Span]:
    spans: list[Span] = []
    for at in times:
        if spans and (at - spans[-1][1]).total_seconds() <= longest_gap_s:
            spans[-1] = (spans[-1][0], at)
        else:
            spans.append((at, at))
    return spans


def _rows_high(offences: Sequence[ReportedOffence], spans: Spans) -> float:
    with_offence = {offence.track_id for offence in offences}
    return OFFENCE_IN * len(with_offence) + ROW_IN * len(spans.keys() - with_offence)


def _draw_camera(
    axes: Axes, offences: Sequence[ReportedOffence], spans: Spans, zone: ZoneInfo
) -> None:
    """Draw rows from the top, by first sighting; a row with an offence is thicker and says its track."""
    # somebody who left and came back has several
    by_track: dict[int, list[ReportedOffence]] = {}
    for offence in offences:
        by_track.setdefault(offence.track_id, []).append(offence)
    tracks = [*spans, *(track_id for track_id in by_track if track_id not in spans)]
    y, ticks, labels = 0.0, [], []
    for track_id in tracks:
        high = OFFENCE_IN if track_id in by_track else ROW_IN
        y += high / 2
        seen, inside = spans.get(track_id, ([], []))
        for stretches, colour in ((seen, TRACK), (inside, IN_ZONE)):
            for begin, end in stretches:
                axes.plot([_x(begin), _x(end)], [y, y], color=colour, lw=3, solid_capstyle="butt")
        if track_id in by_track:
            for offence in by_track[track_id]:
                _draw_offence(axes, offence, y)
            ticks.append(y)
            labels.append(f"track {track_id}")
        y += high / 2
    axes.set_ylim(y + 0.05, -0.05)
    axes.set_yticks(ticks, labels, fontsize=8)
    show_clock(axes, zone)
    axes.grid(axis="x", color="#e7e9ed")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _draw_offence(axes: Axes, offence: ReportedOffence, y: float) -> None:
    """Draw a bar that changes colour with each call, with the calls' numbers and how it ended on it."""
    stops = [(offence.first_seen_at, STAY)]
    stops += [
        (call.at, CALLED[min(max(call.rung_number, 1), len(CALLED)) - 1]) for call in offence.calls
    ]
    last = offence.ended_at or offence.sightings[-1].at
    for (begin, colour), end in zip(stops, [at for at, _ in stops[1:]] + [last], strict=True):
        axes.plot([_x(begin), _x(end)], [y, y], color=colour, lw=8, solid_capstyle="butt", zorder=3)
    for call in offence.calls:
        axes.plot(_x(call.at), y, "o", ms=10, color="white", mec="#41484f", zorder=4)
        axes.text(
            _x(call.at),
            y,
            str(call.rung_number or "•"),  # an operator's words are no rung
            size=7,
            ha="center",
            va="center_baseline",
            zorder=5,
        )
    if offence.state in ENDS:
        colour, marker = ENDS[offence.state]
        axes.plot(_x(last), y, marker, ms=9, color=colour, mec="white", zorder=6)


def _x(at: datetime) -> Any:
    """Return a moment for the x axis: matplotlib draws datetimes, its type hints know only numbers."""
    return at


def _timeline_key() -> list[Line2D]:
    bars = [("seen", TRACK, 3), ("in the zone", IN_ZONE, 3), ("stay, nothing said yet", STAY, 8)]
    bars += [(f"after call {n}", colour, 8) for n, colour in enumerate(CALLED, start=1)]
    lines = [Line2D([], [], color=colour, lw=lw, label=words) for words, colour, lw in bars]
    call: dict[str, Any] = {"marker": "o", "color": "white", "mec": "#41484f", "ms": 9, "ls": ""}
    lines.append(Line2D([], [], label="call with its number", **call))
    lines += [
        Line2D([], [], color=colour, marker=marker, ls="", ms=8, label=state)
        for state, (colour, marker) in ENDS.items()
    ]
    return lines


def show_clock(axes: Axes, zone: ZoneInfo) -> None:
    """Label the x axis with the time of day at the site."""
    clock: Any = dates  # has no type hints
    axes.xaxis.set_major_formatter(clock.DateFormatter("%H:%M:%S", tz=zone))
    axes.xaxis.set_major_locator(clock.AutoDateLocator(minticks=4, maxticks=9, tz=zone))
