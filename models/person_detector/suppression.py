"""Non-maximum suppression written as plain tensor operations, so that pictures can be batched.

The graph's own suppression loops over pictures and classes one at a time: half of all the work.
OpenVINO's NMS operators join the boxes of all pictures in one ragged list, which a server that
batches cannot split again. This one keeps one row for each picture.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from openvino import opset13 as op

CANDIDATES = 100  # the original's max_total_detections
MAX_IOU = 0.6  # the original's iou_threshold
MIN_SCORE = 0.05  # lower than the original's 0.3: callers choose their own
# A suppressed box must not suppress others, so one pass is not enough; chains of overlaps longer
# than this many boxes do not occur (equal to greedy suppression on random boxes, see the tests).
ROUNDS = 6


def suppress(boxes: Any, scores: Any, category_ids: tuple[int, ...]) -> tuple[Any, Any, Any, Any]:
    """Build the nodes that keep the best boxes of each class.

    Args:
        boxes: output of shape (b, n, 4) float32: top, left, bottom, right in [0, 1].
        scores: output of shape (b, n, c) float32, without the background.
        category_ids: COCO's number of each of the c columns.
    Returns:
        Nodes: boxes (b, 100, 4), COCO category ids (b, 100), scores (b, 100) falling, and how many
        rows are used (b,). An anchor gives its best class only.
    """
    best = op.topk(scores, _int(1), 2, "max", "none", "i64")
    best_score = op.squeeze(best.output(0), _ints(2))
    best_class = op.squeeze(best.output(1), _ints(2))

    top = op.topk(best_score, _int(CANDIDATES), 1, "max", "value", "i64")
    rows = top.output(1)
    top_boxes = _take_rows(boxes, rows)
    top_class = op.convert(op.gather_elements(best_class, rows, 1), "f32")

    kept = _kept(_overlapping(top_boxes, top_class))
    top_score = op.multiply(top.output(0), kept)
    strong = op.convert(op.greater_equal(top_score, _float(MIN_SCORE)), "f32")
    final = op.topk(op.multiply(top_score, strong), _int(CANDIDATES), 1, "max", "value", "i64")

    out_scores, order = final.output(0), final.output(1)
    out_boxes = op.clamp(_take_rows(top_boxes, order), 0.0, 1.0)
    columns = op.gather_elements(best_class, op.gather_elements(rows, order, 1), 1)
    numbers = op.constant(np.array(category_ids, np.float32))
    out_classes = op.gather(numbers, columns, _int(0))
    used = op.reduce_sum(op.convert(op.greater(out_scores, _float(0.0)), "f32"), _ints(1))
    return out_boxes, out_classes, out_scores, used


def _overlapping(boxes: Any, classes: Any) -> Any:
    """Mark the boxes that overlap: (b, k, k) float, 1 where the better box i overlaps j of its class too much."""
    # boxes lie in [0, 1]: moved 4 apart for each class, different classes never overlap
    apart = op.add(boxes, op.unsqueeze(op.multiply(classes, _float(4.0)), _ints(2)))
    top, left, bottom, right = (op.gather(apart, _int(side), _int(2)) for side in range(4))
    area = op.multiply(_positive(op.subtract(bottom, top)), _positive(op.subtract(right, left)))
    height = op.subtract(
        op.minimum(_column(bottom), _row(bottom)), op.maximum(_column(top), _row(top))
    )
    width = op.subtract(
        op.minimum(_column(right), _row(right)), op.maximum(_column(left), _row(left))
    )
    shared = op.multiply(_positive(height), _positive(width))
    either = op.subtract(op.add(_column(area), _row(area)), shared)
    iou = op.divide(shared, op.maximum(either, _float(1e-9)))
    later = np.triu(np.ones((1, CANDIDATES, CANDIDATES), np.float32), 1)
    return op.multiply(op.convert(op.greater(iou, _float(MAX_IOU)), "f32"), op.constant(later))


def _kept(overlapping: Any) -> Any:
    """Mark the boxes to keep: (b, k) float, 1 where no kept better box overlaps."""
    kept = op.subtract(_float(1.0), op.reduce_max(overlapping, _ints(1)))
    for _ in range(ROUNDS - 1):
        by_kept = op.multiply(overlapping, op.unsqueeze(kept, _ints(2)))
        kept = op.subtract(_float(1.0), op.reduce_max(by_kept, _ints(1)))
    return kept


def _take_rows(boxes: Any, rows: Any) -> Any:
    """Take boxes[b, rows[b]] for each picture b."""
    # GatherElements, not Gather(batch_dims=1): OpenVINO 2026.4.1 on CPU compiles the latter at
    # batch 1 to wrong boxes or a crash, while all scores look right
    four = op.concat([op.shape_of(rows), _ints(4)], 0)
    return op.gather_elements(boxes, op.broadcast(op.unsqueeze(rows, _ints(2)), four), 1)


def _column(values: Any) -> Any:
    return op.unsqueeze(values, _ints(2))


def _row(values: Any) -> Any:
    return op.unsqueeze(values, _ints(1))


def _positive(values: Any) -> Any:
    return op.maximum(values, _float(0.0))


def _int(value: int) -> Any:
    return op.constant(np.array(value, np.int64))


def _ints(*values: int) -> Any:
    return op.constant(np.array(values, np.int64))


def _float(value: float) -> Any:
    return op.constant(np.array(value, np.float32))
