"""Let the network take uint8 RGB pictures as they come, in batches of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.registry import ModelEntry

VERSION = 1  # raise it when the built model changes


def build_model(entry: ModelEntry, source: Path) -> Any:
    """Return the openvino.Model to be saved; the network wants blue first and turns it itself."""
    import openvino as ov
    from openvino.preprocess import ColorFormat, PrePostProcessor

    _, height, width, _ = entry.inputs[0].shape
    model = ov.Core().read_model(source)
    model.reshape([-1, 3, height, width])
    model.inputs[0].get_tensor().set_names({entry.inputs[0].name})
    pre = PrePostProcessor(model)
    tensor = pre.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    tensor.set_color_format(ColorFormat.RGB)
    pre.input().preprocess().convert_color(ColorFormat.BGR)
    pre.input().model().set_layout(ov.Layout("NCHW"))
    return pre.build()
