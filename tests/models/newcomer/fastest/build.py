"""Decode FastestDet's grid inside the graph, and let it take RGB pictures as they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from domain.coco_classes import COCO_IDS
from models.person_detector.suppression import suppress
from models.registry import ModelEntry

VERSION = 1
CELLS = 22
# its own numbers of the classes, of the 80 in COCO's order
PLACES = {"person": 0, "bicycle": 1, "car": 2, "motorcycle": 3, "bus": 5, "truck": 7}


def build_model(entry: ModelEntry, source: Path) -> Any:
    """Return the openvino.Model to be saved."""
    import openvino as ov
    from openvino import opset13 as op
    from openvino.preprocess import ColorFormat, PrePostProcessor

    model = ov.Core().read_model(source)
    cells = CELLS * CELLS
    grid = model.outputs[0].get_node().input_value(0)
    flat = op.reshape(grid, op.constant(np.array([1, 85, cells])), False)
    rows = op.transpose(flat, op.constant(np.array([0, 2, 1])))  # (1, cells, 85)

    def columns(*places: int) -> Any:
        return op.gather(rows, op.constant(np.array(places)), op.constant(np.int64(2)))

    def number(value: float) -> Any:
        return op.constant(np.float32(value))

    at = np.stack(np.meshgrid(np.arange(CELLS), np.arange(CELLS)), axis=-1).reshape(1, cells, 2)
    middle = op.divide(op.add(op.tanh(columns(1, 2)), at.astype(np.float32)), number(CELLS))
    half = op.multiply(op.sigmoid(columns(3, 4)), number(0.5))
    x_first = op.concat([op.subtract(middle, half), op.add(middle, half)], 2)
    boxes = op.gather(x_first, op.constant(np.array([1, 0, 3, 2])), op.constant(np.int64(2)))
    scores = op.multiply(
        op.power(columns(0), number(0.6)),
        op.power(columns(*(5 + place for place in PLACES.values())), number(0.4)),
    )
    ids = tuple(COCO_IDS[name] for name in PLACES)
    results = []
    for node, tensor in zip(
        suppress(boxes.output(0), scores.output(0), ids), entry.outputs, strict=True
    ):
        output = node if isinstance(node, ov.Output) else node.output(0)
        output.get_tensor().set_names({tensor.name})
        results.append(op.result(output))
    whole = ov.Model(results, model.get_parameters(), "fastest")
    whole.inputs[0].get_tensor().set_names({entry.inputs[0].name})
    pre = PrePostProcessor(whole)
    tensor = pre.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    tensor.set_color_format(ColorFormat.RGB)
    steps = pre.input().preprocess().convert_element_type(ov.Type.f32)
    steps.convert_color(ColorFormat.BGR).scale(255.0)
    pre.input().model().set_layout(ov.Layout("NCHW"))
    return pre.build()
