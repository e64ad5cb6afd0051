"""Measure how well boxes fit subjects, by place and by colours, and assign them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.tracking.colours import lightness
from flows.tracking.least_cost import linear_sum_assignment
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject

NEVER = 1e6
# people are taller than wide, and differ in height less than in place: half as much sideways
_WIDEN = np.array([-0.5, -1.0, 0.5, 1.0])
# at night, colours of different people are about a quarter as far apart as at day
DARK_STRETCH = 2.7
UNKNOWN_LOOKS_COST = 0.1  # so that a known likeness is preferred to an unknown one


def overlaps(one_xyxy: np.ndarray, other_xyxy: np.ndarray) -> np.ndarray:
    """Return the IoU of each box with each.

    Args:
        one_xyxy: (n, 4), or (n, 1, 4) where it depends on the other as well.
        other_xyxy: (m, 4), or (n, m, 4) likewise.
    Returns:
        (n, m) in [0, 1].
    """
    one = one_xyxy[:, None] if one_xyxy.ndim == 2 else one_xyxy
    other = other_xyxy[None] if other_xyxy.ndim == 2 else other_xyxy
    # written out, for these few boxes cost less than NumPy's reductions and clip() do
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    np.maximum(sides, 0, out=sides)
    shared = sides[..., 0] * sides[..., 1]
    areas = _areas(one) + _areas(other)
    iou: np.ndarray = shared / np.maximum(areas - shared, 1e-9)
    return iou


def _areas(boxes_xyxy: np.ndarray) -> np.ndarray:
    sides = boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]
    areas: np.ndarray = sides[..., 0] * sides[..., 1]
    return areas


def widened_overlaps(
    there_xyxy: np.ndarray, boxes_xyxy: np.ndarray, margins_px: np.ndarray
) -> np.ndarray:
    """Return the (n, m) IoU of where each should be with each box, both widened first.

    People stand upright: a quarter of their height beside somebody, nothing overlaps any more.

    Args:
        there_xyxy: (n, 4) where each subject should be, pixels.
        boxes_xyxy: (m, 4) boxes, pixels.
        margins_px: (n,) how far up and down; half as far to the sides.
    Source: Yang et al., Hard To Track Objects with Irregular Motions and Similar Appearances,
    WACV 2023 (buffered IoU); there the margin is a fixed share of the box.
    """
    widen = margins_px[:, None] * _WIDEN
    return overlaps((there_xyxy + widen)[:, None], boxes_xyxy[None] + widen[:, None])


def drop_duplicates(
    boxes_xyxy: np.ndarray, scores: np.ndarray, kinds: np.ndarray, max_iou: float
) -> np.ndarray:
    """Return the rows to keep, best score first: of boxes of a kind that overlap more, the better one."""
    doubled = (overlaps(boxes_xyxy, boxes_xyxy) > max_iou) & (kinds[:, None] == kinds[None])
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable"):
        if not doubled[row, kept].any():
            kept.append(int(row))
    return np.array(kept, np.int64)


def foreseen_boxes(
    subjects: Sequence[Subject], at_s: float, settings: SubjectSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Return ((n, 4) where each should be now, (n,) how unsure that is: a deviation in pixels)."""
    rows, unsure_px = [], []
    for each in subjects:
        x, y, variance = each.foresee(at_s, settings)
        half_width, half_height = each.width / 2, each.height / 2
        rows.append((x - half_width, y - half_height, x + half_width, y + half_height))
        unsure_px.append(variance**0.5 * each.height)
    return np.array(rows, np.float64).reshape(-1, 4), np.array(unsure_px)


def match_costs(
    subjects: Sequence[Subject],
    boxes_xyxy: np.ndarray,
    kinds: np.ndarray,
    looks: np.ndarray | None,
    at_s: float,
    settings: SubjectSettings,
) -> np.ndarray:
    """Return what it costs to take each box for each subject, (n, m); NEVER: impossible.

    Missing overlap of the boxes, both widened by how unsure the place is, plus missing likeness.
    Of several who were out of sight for a while, a box is only for whom it resembles most.
    """
    now, unsure_px = foreseen_boxes(subjects, at_s, settings)
    heights = np.array([each.height for each in subjects])
    margin_px = settings.widening * heights + settings.widening_per_sd * unsure_px
    iou = widened_overlaps(now, boxes_xyxy, margin_px)
    alike = similarities(subjects, looks, len(boxes_xyxy))
    lacking = settings.plain_similarity - alike
    costs: np.ndarray = 1 - iou
    if looks is not None:
        lacking = np.where(np.isnan(lacking), UNKNOWN_LOOKS_COST, np.maximum(lacking, 0))
        costs += settings.looks_weight * lacking
    costs[iou < settings.min_overlap] = NEVER
    costs[np.array([each.kind for each in subjects])[:, None] != kinds[None]] = NEVER
    costs[_resembles_another(subjects, alike, costs < NEVER, at_s, settings)] = NEVER
    return costs


def _resembles_another(
    subjects: Sequence[Subject],
    alike: np.ndarray,
    can_be: np.ndarray,
    at_s: float,
    settings: SubjectSettings,
) -> np.ndarray:
    """Tell where somebody else who was out of sight as well is clearly more like that box, (n, m) bool.

    After a while a person can be nearly anywhere around: two come out of a group, and by place alone
    the first box would go to whoever has been hidden for longer.
    """
    is_lost = np.array([at_s - each.last_s > settings.recolour_gap_s for each in subjects])[:, None]
    best = np.where(is_lost & can_be, np.nan_to_num(alike, nan=0.0), 0.0).max(axis=0, initial=0.0)
    return np.asarray(is_lost & (alike < best[None] - settings.margin))


def similarities(subjects: Sequence[Subject], looks: np.ndarray | None, count: int) -> np.ndarray:
    """Return how alike each subject and each box are, (n, count) in [0, 1]; nan: one is not known.

    In the dark everybody's colours are nearly the same, and smaller differences count for more.
    """
    alike = np.full((len(subjects), count), np.nan, np.float32)
    known = [(row, each.looks) for row, each in enumerate(subjects) if each.looks is not None]
    if looks is None or not known or not count:
        return alike
    given = looks.astype(np.float32)
    kept = np.stack([each for _, each in known]).astype(np.float32)
    dark = 1 - np.minimum(lightness(kept)[:, None], lightness(given)[None])
    apart = (1 + DARK_STRETCH * dark) * (1 - kept @ given.T)
    alike[[row for row, _ in known]] = np.maximum(1 - apart, 0)
    alike[:, ~given.any(axis=1)] = np.nan
    return alike


def assign(costs: np.ndarray, max_cost: float) -> list[tuple[int, int]]:
    """Return (row, column) pairs for the least total cost; those of max_cost and more stay apart."""
    if 0 in costs.shape:
        return []
    # leaving two alone costs max_cost, whatever they would have cost: else a pair that may not be
    # would push good pairs aside
    rows, columns = linear_sum_assignment(np.minimum(costs, max_cost))
    return [
        (int(row), int(column))
        for row, column in zip(rows, columns, strict=True)
        if costs[row, column] < max_cost
    ]
