"""Give the network the usual detector's inputs and outputs, in batches of any size.

Its last node, DetectionOutput, joins the boxes of all pictures in one list, which a server that batches
cannot split again: it is cut off, and boxes are decoded and suppressed by plain tensor operations.
Decoding: Liu et al., SSD: Single Shot MultiBox Detector, 2016 (arXiv:1512.02325), section 2.2.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from domain.coco_classes import COCO_IDS
from domain.errors import Stop
from models.person_detector.suppression import suppress
from models.registry import ModelEntry

VERSION = 1  # raise it when the built model changes
# columns of its scores: vehicle, person, bike; the last is the background
_COLUMNS = {"car": 0, "person": 1, "bicycle": 2}


def build_model(entry: ModelEntry, source: Path) -> Any:
    """Return the openvino.Model to be saved; Stop where the graph does not end as it should."""
    import openvino as ov
    from openvino import opset13 as op
    from openvino.preprocess import ColorFormat, PrePostProcessor

    model = ov.Core().read_model(source)
    side = entry.inputs[0].shape[1]
    model.reshape([-1, 3, side, side])
    last = [node for node in model.get_ops() if node.get_type_name() == "DetectionOutput"]
    if len(last) != 1:
        raise Stop(f"{entry.name}: the graph should have one DetectionOutput, found {len(last)}")
    shifts, scores, anchors = (last[0].input(n).get_source_output() for n in range(3))
    count = anchors.get_partial_shape()[2].get_length() // 4
    boxes = _decode(_rows(shifts, -1, count), _rows(anchors, 2, count))
    wanted = op.gather(_rows(scores, -1, count), _ints(*_COLUMNS.values()), _int(2))
    ids = tuple(COCO_IDS[name] for name in _COLUMNS)
    results = []
    nodes = suppress(boxes.output(0), wanted.output(0), ids)
    for node, tensor in zip(nodes, entry.outputs, strict=True):
        output = node if isinstance(node, ov.Output) else node.output(0)
        output.get_tensor().set_names({tensor.name})
        results.append(op.result(output))
    cut = ov.Model(results, model.get_parameters(), "person_vehicle_bike")
    cut.inputs[0].get_tensor().set_names({entry.inputs[0].name})
    pre = PrePostProcessor(cut)
    given = pre.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    given.set_color_format(ColorFormat.RGB)
    steps = pre.input().preprocess().convert_element_type(ov.Type.f32)
    steps.convert_color(ColorFormat.BGR)
    pre.input().model().set_layout(ov.Layout("NCHW"))
    return pre.build()


def _decode(shifts: Any, anchors: Any) -> Any:
    """Move and scale the anchors: (b, n, 4) top, left, bottom, right as fractions of the picture.

    `shifts` is (b, n, 4): x, y of the middle, logarithms of width, height; `anchors` (2, n, 4): left,
    top, right, bottom, then what each shift is multiplied by.
    """
    from openvino import opset13 as op

    corners = op.gather(anchors, _ints(0), _int(0))
    scaled = op.multiply(shifts, op.gather(anchors, _ints(1), _int(0)))
    low, high = op.gather(corners, _ints(0, 1), _int(2)), op.gather(corners, _ints(2, 3), _int(2))
    size, half = op.subtract(high, low), op.constant(np.float32(0.5))
    moved = op.multiply(op.gather(scaled, _ints(0, 1), _int(2)), size)
    middle = op.add(moved, op.multiply(op.add(low, high), half))
    grown = op.multiply(op.exp(op.gather(scaled, _ints(2, 3), _int(2))), size)
    reach = op.multiply(grown, half)
    x_first = op.concat([op.subtract(middle, reach), op.add(middle, reach)], 2)
    return op.gather(x_first, _ints(1, 0, 3, 2), _int(2))


def _rows(output: Any, batch: int, count: int) -> Any:
    from openvino import opset13 as op

    return op.reshape(output, _ints(batch, count, 4), False)


def _int(value: int) -> Any:
    from openvino import opset13 as op

    return op.constant(np.array(value, np.int64))


def _ints(*values: int) -> Any:
    from openvino import opset13 as op

    return op.constant(np.array(values, np.int64))
