"""Make golden/answers.json: ask the network, cut but not yet saved, in single precision.

Run again only when the original is another: `python -m models.embedder.make_golden`
"""

from __future__ import annotations

import json

import numpy as np
import openvino as ov

from models.embedder.build import build_model
from models.embedder.golden import ANSWERS, golden_crop
from models.embedder.postprocess import to_unit_length
from models.embedder.preprocess import fit
from models.registry import read_registry
from models.sources import fetch


def main() -> None:
    """Write answers.json."""
    entry = read_registry().model("embedder")
    model = build_model(entry, fetch(entry))
    model.reshape([1, *entry.inputs[0].shape[1:]])
    compiled = ov.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    vector = to_unit_length(compiled(fit(golden_crop())[None])[0])[0]
    answers = {
        "made_by": "python -m models.embedder.make_golden",
        "made_from": "models/face_detector/golden/portrait.jpg",
        "original": str(entry.source),
        "original_sha256": entry.sha256,
        "precision": "float32",
        "openvino": ov.__version__,
        "embedding": np.float64(vector).round(5).tolist(),
    }
    ANSWERS.write_text(json.dumps(answers) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
