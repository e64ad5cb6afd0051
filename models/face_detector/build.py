"""Give CenterFace the picture's size, and let it take uint8 pictures as they come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from domain.errors import Stop
from models.registry import ModelEntry

VERSION = 1  # raise it when the built model changes
STRIDE = 32  # sides must be multiples of it
_HEATMAP, _SCALE, _OFFSET = "537", "538", "539"  # names in the ONNX file; 540 are landmarks


def build_model(entry: ModelEntry, source: Path) -> Any:
    """Return the openvino.Model to be saved; Stop where it cannot take the registry's size."""
    import openvino as ov
    from openvino import opset13 as op
    from openvino.preprocess import PrePostProcessor

    _, height, width, _ = entry.inputs[0].shape
    if height % STRIDE or width % STRIDE:
        raise Stop(
            f"face_detector: sides should be multiples of {STRIDE}, the registry says "
            f"{width}x{height}"
        )
    model = ov.Core().read_model(source)
    model.reshape([-1, 3, height, width])

    heatmap = model.output(_HEATMAP).get_node().input_value(0)
    squeezed = op.squeeze(heatmap, op.constant([1])).output(0)
    parts = (squeezed, *(model.output(n).get_node().input_value(0) for n in (_SCALE, _OFFSET)))
    results = []
    for part, tensor in zip(parts, entry.outputs, strict=True):
        part.get_tensor().set_names({tensor.name})
        results.append(op.result(part))
    cut = ov.Model(results, model.get_parameters(), "centerface")
    cut.inputs[0].get_tensor().set_names({entry.inputs[0].name})

    pre = PrePostProcessor(cut)
    pre.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    pre.input().model().set_layout(ov.Layout("NCHW"))
    return pre.build()
