"""Note who may have changed places with somebody dressed alike who is hidden since they stood together.

Where two alike are in each other's way and one box is left, neither the place nor the clothes say whose it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from flows.tracking.matching import overlaps, similarities
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject
from flows.tracking.ways_out import was_walking_out


def note_doubles(
    seen: Collection[Subject],
    unseen: Sequence[Subject],
    at_s: float,
    parts_xyxy: np.ndarray,
    settings: SubjectSettings,
) -> None:
    """Remember of those seen who of the unseen may go by their number, and forget who is seen again.

    Args:
        seen: numbered subjects of this frame.
        unseen: numbered ones who were seen a moment ago.
        at_s: seconds of the frames' clock.
        parts_xyxy: (k, 4) what is looked at of the picture, pixels.
        settings: how much alike cannot be told apart, and for how long somebody may be hidden.
    """
    since_s = at_s - settings.doubles_last_s
    here = {each.number for each in seen}
    for each in seen:
        if each.doubles:
            each.doubles = {
                number: last_s
                for number, last_s in each.doubles.items()
                if number not in here and last_s >= since_s
            }
    front = [each for each in seen if each.looks is not None]
    hidden = [each for each in unseen if each.looks is not None]
    if not front or not hidden:
        return
    shared = overlaps(
        np.array([each.box_xyxy for each in hidden]), np.array([each.box_xyxy for each in front])
    )
    if not (shared >= settings.double_iou).any():
        return
    worn = np.array([each.looks for each in front])
    alike = similarities(hidden, worn, len(front)) >= settings.double_similarity
    for row, column in np.argwhere(alike & (shared >= settings.double_iou)).tolist():
        one, other = hidden[row], front[column]
        if one.kind == other.kind and not was_walking_out(one, parts_xyxy, settings):
            other.doubles = {**other.doubles, one.number: one.last_s}
