"""Leave out of the graph what nobody asks for: the scores of classes that no rule can name.

The class predictors give 91 scores for each of 1,917 anchors: half of all multiplications of the
network. A class's score comes from its own rows of the last convolutions and from a sigmoid of its
own, so the scores of those that stay are what they were.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from openvino import opset13 as op

from domain.errors import Stop

ALL_CLASSES = 91  # COCO's numbers with their holes; 0 is the background


def keep_classes(model: Any, category_ids: tuple[int, ...]) -> None:
    """Cut all other classes out of the class predictors, in place.

    Args:
        model: openvino.Model; every Reshape to (batch, anchors, 91) that follows a convolution is
            taken for a class predictor.
        category_ids: what stays, in the order in which its scores shall stand.
    Raises:
        Stop: the graph has no such predictors, or they are built otherwise.
    """
    predictors = [node for node in model.get_ops() if _gives_class_scores(node)]
    if not predictors:
        raise Stop(f"detector: the graph has no class predictors of {ALL_CLASSES} classes")
    for reshape in predictors:
        _shrink(reshape, np.array(category_ids, np.int64))
    model.validate_nodes_and_infer_types()


def _gives_class_scores(node: Any) -> bool:
    if node.get_type_name() != "Reshape":
        return False
    shape = node.output(0).get_partial_shape()
    return shape.rank.is_static and len(shape) == 3 and shape[2] == ALL_CLASSES


def _shrink(reshape: Any, category_ids: np.ndarray) -> None:
    """Shrink Convolution -> Add -> Transpose -> Reshape: fewer rows of weights and bias, fewer scores."""
    transpose = _before(reshape, 0, "Transpose")
    add = _before(transpose, 0, "Add")
    convolution = _before(add, 0, "Convolution")
    weights, bias = _before(convolution, 1, "Constant"), _before(add, 1, "Constant")

    rows = weights.get_data()  # (anchors of a place x 91, channels, height, width)
    starts = np.arange(0, len(rows), ALL_CLASSES)
    kept = (starts[:, None] + category_ids[None, :]).ravel()
    convolution.input(1).replace_source_output(op.constant(rows[kept]).output(0))
    add.input(1).replace_source_output(op.constant(bias.get_data()[:, kept]).output(0))

    anchors = reshape.output(0).get_partial_shape()[1].get_length()
    shape = op.constant(np.array([-1, anchors, len(category_ids)], np.int64))
    reshape.input(1).replace_source_output(shape.output(0))


def _before(node: Any, place: int, kind: str) -> Any:
    found = node.input(place).get_source_output().get_node()
    if found.get_type_name() != kind:
        raise Stop(
            f"detector: {kind} expected before {node.get_friendly_name()} in the graph, found "
            f"{found.get_type_name()} {found.get_friendly_name()}; another release of the model?"
        )
    return found
