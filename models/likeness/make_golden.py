"""Make golden/answers.json: ask the original network, as its makers describe it, in single precision.

Run again only when the original is another: `python -m models.likeness.make_golden`
"""

from __future__ import annotations

import json

import numpy as np
import openvino as ov

from models.embedder.postprocess import to_unit_length
from models.likeness.golden import ANSWERS, golden_crops
from models.likeness.preprocess import squeeze
from models.registry import read_registry
from models.sources import fetch


def main() -> None:
    """Write answers.json."""
    entry = read_registry().model("likeness")
    compiled = ov.Core().compile_model(fetch(entry), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    # planes of blue, green and red, 0..255, one picture at a time
    pictures = [squeeze(crop)[..., ::-1].transpose(2, 0, 1)[None] for crop in golden_crops()]
    vectors = np.concatenate([compiled(picture.astype(np.float32))[0] for picture in pictures])
    answers = {
        "made_by": "python -m models.likeness.make_golden",
        "made_from": "models/person_detector/golden/*.jpg",
        "original": str(entry.source),
        "original_sha256": [entry.sha256, *(more.sha256 for more in entry.companions)],
        "precision": "float32",
        "openvino": ov.__version__,
        "vectors": np.float64(to_unit_length(vectors)).round(5).tolist(),
    }
    ANSWERS.write_text(json.dumps(answers) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
