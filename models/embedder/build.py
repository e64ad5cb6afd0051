"""Cut EfficientNet-Lite3 after its average pooling: 1280 features instead of 1000 classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import Stop
from models.registry import ModelEntry

VERSION = 1  # raise it when the built model changes
FEATURES = 1280


def build_model(entry: ModelEntry, source: Path) -> Any:
    """Return the openvino.Model to be saved; Stop without one average pooling to cut at."""
    import openvino as ov
    from openvino import opset13 as op

    model = ov.Core().read_model(source)
    image = model.inputs[0]
    model.reshape({image: [-1, *entry.inputs[0].shape[1:]]})
    image.get_tensor().set_names({entry.inputs[0].name})
    model.get_parameters()[0].set_layout(ov.Layout("NHWC"))

    # its FakeQuantize, where there is one, puts the values back on the scale they were trained on
    pooled = _single_pooling(model).output(0)
    after = next(iter(pooled.get_target_inputs())).get_node()
    if after.get_type_name() == "FakeQuantize":
        pooled = after.output(0)
    vector = op.reshape(pooled, op.constant(np.array([-1, FEATURES], np.int64)), False)
    vector.output(0).get_tensor().set_names({entry.outputs[0].name})
    return ov.Model([op.result(vector)], model.get_parameters(), "efficientnet_lite3_features")


def _single_pooling(model: Any) -> Any:
    poolings = [node for node in model.get_ops() if node.get_type_name() == "AvgPool"]
    if len(poolings) != 1:
        raise Stop(
            f"embedder: the network should have one average pooling, found {len(poolings)}; "
            "models/embedder/build.py fits EfficientNet-Lite only"
        )
    return poolings[0]
