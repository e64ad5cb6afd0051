"""Turn TensorFlow's frozen graph into an OpenVINO model that batches.

Taken out of the graph: its pre-processing (a loop over pictures; the callers send 300 x 300
already), its suppression (a loop over pictures and classes) and the classes that no rule can name
(models/person_detector/kept_classes.py). Put in: models/person_detector/suppression.py. The names of
inputs and outputs stay, and so do COCO's numbers of the classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from domain.coco_classes import COCO_IDS
from domain.errors import Stop
from models.person_detector.kept_classes import keep_classes
from models.person_detector.suppression import suppress
from models.registry import ModelEntry

VERSION = 2  # raise it when the built model changes
ANCHORS = 1917
KEPT = tuple(sorted(COCO_IDS.values()))
BUILT_FOR = {"classes": KEPT}

_RESIZED = "Preprocessor/map/TensorArrayStack/TensorArrayGatherV3"  # (b, 300, 300, 3) float
_DECODED_BOXES = "Postprocessor/ExpandDims_1"  # (b, 1917, 1, 4)
_SCORES = "Postprocessor/convert_scores"  # (b, 1917, classes), after the sigmoid


def build_model(entry: ModelEntry, source: Path) -> Any:
    """Return the openvino.Model to be saved; Stop where the graph lacks a node to cut at."""
    import openvino as ov

    original = ov.Core().read_model(source)
    keep_classes(original, KEPT)
    image = _feed_pictures_directly(original, entry.inputs[0].name)
    boxes, scores = _cut_before_suppression(original)
    results = []
    for node, tensor in zip(suppress(boxes, scores, KEPT), entry.outputs, strict=True):
        output = node if isinstance(node, ov.Output) else node.output(0)
        output.get_tensor().set_names({tensor.name})
        results.append(ov.opset13.result(output))
    return ov.Model(results, [image], "ssd_mobilenet_v2")


def _feed_pictures_directly(model: Any, input_name: str) -> Any:
    """Replace everything before the network by a conversion from uint8 to float."""
    import openvino as ov

    image = ov.opset13.parameter([-1, 300, 300, 3], ov.Type.u8, name="image_tensor")
    image.output(0).get_tensor().set_names({input_name})
    image.set_layout(ov.Layout("NHWC"))
    as_float = ov.opset13.convert(image, "f32")
    for target in _node(model, _RESIZED).output(0).get_target_inputs():
        target.replace_source_output(as_float.output(0))
    for target in model.get_parameters()[0].output(0).get_target_inputs():
        target.replace_source_output(image.output(0))
    return image


def _cut_before_suppression(model: Any) -> tuple[Any, Any]:
    from openvino import opset13 as op

    rows = op.constant(np.array([0, ANCHORS, 4], np.int64))
    boxes = op.reshape(_node(model, _DECODED_BOXES).output(0), rows, True)
    return boxes.output(0), _node(model, _SCORES).output(0)


def _node(model: Any, name: str) -> Any:
    for node in model.get_ops():
        if node.get_friendly_name() == name:
            return node
    raise Stop(
        f"detector: the graph has no node {name!r}; models/person_detector/build.py fits "
        "ssd_mobilenet_v2_coco_2018_03_29 only"
    )
