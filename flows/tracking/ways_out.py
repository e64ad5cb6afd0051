"""Tell who was on the way out of what is looked at: whoever comes in there next is somebody else.

Asked of the last sighting: where somebody unseen is by now is known less and less, and a box that an edge
cuts moves more slowly than the person in it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject

Point = tuple[float, float]


def was_leaving(subject: Subject, parts_xyxy: np.ndarray, settings: SubjectSettings) -> bool:
    """Tell whether somebody was walking out when last seen: cut by an edge already, or all but beyond it.

    Args:
        subject: as the last sighting left it.
        parts_xyxy: (k, 4) what is looked at of the picture, pixels; one part may go on where another ends.
        settings: what counts as walking.
    """
    moment_s = settings.recolour_gap_s
    return any(
        _is_beyond(front, parts_xyxy) or _is_beyond(middle, parts_xyxy)
        for (front, _), (_, middle) in zip(
            _ahead(subject, 0.0, settings), _ahead(subject, moment_s, settings), strict=True
        )
    )


def was_walking_out(subject: Subject, parts_xyxy: np.ndarray, settings: SubjectSettings) -> bool:
    """Tell whether somebody was so near to an edge, and walking towards it, that they may have left; see above."""
    moment_s = settings.recolour_gap_s
    return any(_is_beyond(front, parts_xyxy) for front, _ in _ahead(subject, moment_s, settings))


def _ahead(
    subject: Subject, moment_s: float, settings: SubjectSettings
) -> Iterator[tuple[Point, Point]]:
    """Yield where the front and the middle of the box will be, sideways and up or down; who stands has none."""
    left, top, right, bottom = subject.box_xyxy
    least_px_s = settings.walks * subject.height
    x, y = subject.x, subject.y
    speed = subject.speed_x
    if abs(speed) >= least_px_s:
        front = right if speed > 0 else left
        yield (front + speed * moment_s, y), (x + speed * moment_s, y)
    speed = subject.speed_y
    if abs(speed) >= least_px_s:
        front = bottom if speed > 0 else top
        yield (x, front + speed * moment_s), (x, y + speed * moment_s)


def _is_beyond(point: Point, parts_xyxy: np.ndarray) -> bool:
    x, y = point
    return not any(
        left <= x <= right and top <= y <= bottom
        for left, top, right, bottom in parts_xyxy.tolist()
    )
