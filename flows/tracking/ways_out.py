"""Tell who was on the way out of what is looked at, by their last box and how they moved.

Asked of the last sighting: where somebody unseen is by now is known less and less, and a box that an edge
cuts moves more slowly than the person in it. Where two parts that are looked at meet, nothing ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.events.base import Box
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject

AHEAD_S = 1.0  # so far people are foreseen by how they moved
LEAST_SPEED = 0.15  # heights a second; slower, and a box that trembles would be on its way
CUT_SHARE = 0.2  # of a box: so much of it is foreseen beyond the edge of what is looked at
CUT_WITHIN = 0.05  # heights: a box that ends nearer to the edge is cut by it


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Outwards:
    """Hold how somebody stands to where nobody looks: to the left, upwards, to the right and downwards."""

    speeds_px: np.ndarray  # (4,) a second, outwards
    room_px: np.ndarray  # (4,) between the box and the edge; negative: beyond it already
    sides_px: np.ndarray  # (4,) of the box, in that direction

    def beyond_px(self, after_s: float) -> np.ndarray:
        """Return how far beyond the edge the front will be, (4,); negative: so far before it."""
        beyond: np.ndarray = self.speeds_px * after_s - self.room_px
        return beyond


def outwards(box_xyxy: Box, speed_px: tuple[float, float], parts_xyxy: np.ndarray) -> Outwards:
    """Measure how somebody stands to the edges of what is looked at.

    Args:
        box_xyxy: where they are, pixels.
        speed_px: a second, to the right and down.
        parts_xyxy: (k, 4) what is looked at of the picture, pixels; one part may go on where another ends.
    """
    x1, y1, x2, y2 = box_xyxy
    right, down = speed_px
    left_edge, top_edge, right_edge, bottom_edge = _edges(np.array(box_xyxy), parts_xyxy)
    width, height = max(x2 - x1, 1.0), max(y2 - y1, 1.0)
    return Outwards(
        np.array([-right, -down, right, down]),
        np.array([x1 - left_edge, y1 - top_edge, right_edge - x2, bottom_edge - y2]),
        np.array([width, height, width, height]),
    )


def was_leaving(subject: Subject, parts_xyxy: np.ndarray, settings: SubjectSettings) -> bool:
    """Tell whether somebody was walking out when last seen: cut by an edge already, or all but beyond it.

    Args:
        subject: as the last sighting left it.
        parts_xyxy: as `outwards` takes them.
        settings: what counts as walking.
    """
    out = _of(subject, parts_xyxy)
    is_cut, soon = out.room_px < 0, out.beyond_px(settings.recolour_gap_s)
    return _any(out, is_cut | (soon > out.sides_px / 2), settings.walks * subject.height)


def was_walking_out(subject: Subject, parts_xyxy: np.ndarray, settings: SubjectSettings) -> bool:
    """Tell whether somebody was so near to an edge, and walking towards it, that they may have left; see above."""
    out = _of(subject, parts_xyxy)
    soon = out.beyond_px(settings.recolour_gap_s)
    return _any(out, soon > 0, settings.walks * subject.height)


def was_leaving_the_view(
    box_xyxy: Box, speed_px: tuple[float, float], parts_xyxy: np.ndarray, *, trembles: bool = False
) -> bool:
    """Tell whether somebody was about to leave, so surely that nobody asks where they are: as `outwards` takes it.

    Where a trembling box could be all of the speed, it is believed as it is, and not for a part of theirs.
    """
    out = outwards(box_xyxy, speed_px, parts_xyxy)
    height_px = float(out.sides_px[1])
    # the middle of a box that the edge cuts moves at half the pace
    is_cut = out.room_px <= CUT_WITHIN * height_px
    paced = Outwards(
        np.where(is_cut & (not trembles), 2 * out.speeds_px, out.speeds_px),
        np.maximum(out.room_px, 0),
        out.sides_px,
    )
    enough = CUT_SHARE * out.sides_px
    return _any(paced, paced.beyond_px(AHEAD_S) >= enough, LEAST_SPEED * height_px)


def _of(subject: Subject, parts_xyxy: np.ndarray) -> Outwards:
    return outwards(subject.box_xyxy, (subject.speed_x, subject.speed_y), parts_xyxy)


def _any(out: Outwards, is_out: np.ndarray, least_px_s: float) -> bool:
    """Tell whether it is so on a side to which they walk."""
    return bool((is_out & (out.speeds_px >= least_px_s)).any())


def _edges(box: np.ndarray, parts: np.ndarray) -> tuple[float, float, float, float]:
    """Return where what is looked at ends around a box, (4,): of the part that shows most of it, and of those beside it."""
    begins = np.maximum(box[:2], parts[:, :2])
    ends = np.minimum(box[2:], parts[:, 2:])
    best = int(np.prod(np.maximum(ends - begins, 0), axis=1).argmax())
    left, top, right, bottom = parts[best].tolist()
    if len(parts) == 1:
        return left, top, right, bottom
    x, y = ((begins[best] + ends[best]) / 2).tolist()
    across = parts[(parts[:, 1] <= y) & (y <= parts[:, 3])]
    along = parts[(parts[:, 0] <= x) & (x <= parts[:, 2])]
    return (
        -_end(-left, -across[:, 2], -across[:, 0]),
        -_end(-top, -along[:, 3], -along[:, 1]),
        _end(right, across[:, 0], across[:, 2]),
        _end(bottom, along[:, 1], along[:, 3]),
    )


def _end(end: float, begins: np.ndarray, ends: np.ndarray) -> float:
    """Return where a stretch ends that others go on with."""
    for begin, other in sorted(zip(begins.tolist(), ends.tolist(), strict=True)):
        if begin <= end:
            end = max(end, other)
    return end
