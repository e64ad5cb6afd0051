"""Say from the marked boxes alone who was in the zones, from when to when, and who was seen leaving.

No tracker and no ladder has a part in it: by this they are judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from benchmarks.quality.footage import Truth
from benchmarks.quality.zones import COMPLY_AFTER_S, GAP_TOLERANCE_S, Polygon
from domain.frames import FrameStamp

# of the picture: so far inside a zone's edge, nobody can say that they stand outside
BORDER = 0.02
# of the picture: whose last box ends nearer to its edge walked out there
EDGE = 0.02
# what follows a leaving must be in the clip, and a little more: else nobody can have told
SPARE_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Where one marked person was."""

    at_s: np.ndarray  # (k,) seconds of the frames' clock
    inside: np.ndarray  # (k,) bool, feet in the zones
    well_inside: np.ndarray  # (k,) bool, and not near their edges
    at_edge: np.ndarray  # (k,) bool, the box ends near the picture's edge

    def stayed_in(self, from_s: float, to_s: float) -> bool:
        """Tell whether they were well inside at the end, and for half of that time at least."""
        rows = (self.at_s > from_s) & (self.at_s <= to_s + 1e-6)
        within = self.well_inside[rows]
        # marked to the end: who went between two marks has no row there
        is_marked = rows.any() and to_s - self.at_s[rows][-1] <= 0.5
        return bool(is_marked and within[-1] and within.mean() >= 0.5)


@dataclass(frozen=True, slots=True)
class TrueStay:
    """One stay of a marked person in the zones."""

    person: int
    first_s: float
    last_s: float
    # over the zone's edge, or out of the picture; neither hidden nor cut off by the clip's end
    is_seen_leaving: bool

    @property
    def dwell_s(self) -> float:
        """Return how long it lasted."""
        return self.last_s - self.first_s


def paths_of(
    truth: Truth, frames: Mapping[int, FrameStamp], zones: Sequence[Polygon]
) -> dict[int, Path]:
    """Return everybody's path over those frames, by person.

    Args:
        truth: marked boxes.
        frames: number of the frame in the clip, and its stamp.
        zones: corners as fractions of the picture.
    """
    area = shapely.union_all([shapely.Polygon(zone) for zone in zones])
    inner = area.buffer(-BORDER)
    paths = {}
    for person in np.unique(truth.ids).tolist():
        rows = [
            row for row in np.flatnonzero(truth.ids == person) if int(truth.frames[row]) in frames
        ]
        if not rows:
            continue
        stamps = [frames[int(truth.frames[row])] for row in rows]
        sides = np.array([[each.width_px, each.height_px] * 2 for each in stamps], float)
        boxes = truth.boxes_xyxy[rows] / sides
        feet = np.stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, 3]], axis=1)
        paths[person] = Path(
            at_s=np.array([each.captured_at.timestamp() for each in stamps]),
            inside=shapely.contains_xy(area, feet[:, 0], feet[:, 1]),
            well_inside=shapely.contains_xy(inner, feet[:, 0], feet[:, 1]),
            at_edge=(boxes[:, :2] <= EDGE).any(axis=1) | (boxes[:, 2:] >= 1 - EDGE).any(axis=1),
        )
    return paths


def true_stays(paths: Mapping[int, Path], threshold_s: float, end_s: float) -> list[TrueStay]:
    """Return the stays of that length and more; gaps as the rule tolerates them.

    Args:
        paths: by person.
        threshold_s: of the rule.
        end_s: the clip's, on the frames' clock.
    """
    found = []
    for person, path in paths.items():
        for first, last in _spans(path):
            if path.at_s[last] - path.at_s[first] >= threshold_s:
                stay = TrueStay(
                    person,
                    float(path.at_s[first]),
                    float(path.at_s[last]),
                    _is_seen_leaving(path, last, end_s),
                )
                found.append(stay)
    return sorted(found, key=lambda each: (each.first_s, each.person))


def _spans(path: Path) -> list[tuple[int, int]]:
    """Return the rows of the first and the last mark of each stay."""
    spans: list[tuple[int, int]] = []
    first: int | None = None
    last, outside_s = 0, 0.0
    for row, (at_s, is_inside) in enumerate(zip(path.at_s, path.inside, strict=True)):
        if first is not None and at_s - path.at_s[row - 1] > GAP_TOLERANCE_S:
            spans.append((first, last))
            first = None
        if is_inside:
            first = row if first is None else first
            last = row
        elif first is not None:
            outside_s = path.at_s[last + 1]
            if at_s - outside_s >= COMPLY_AFTER_S:
                spans.append((first, last))
                first = None
    return spans if first is None else [*spans, (first, last)]


def _is_seen_leaving(path: Path, last: int, end_s: float) -> bool:
    left_s = path.at_s[last]
    if left_s + max(GAP_TOLERANCE_S, COMPLY_AFTER_S) + SPARE_S > end_s:
        return False
    has_next = last + 1 < len(path.at_s) and path.at_s[last + 1] - left_s <= GAP_TOLERANCE_S
    return bool(has_next or path.at_edge[last])
