"""Make golden/answers.json: ask the original ONNX file, in single precision, about the portrait.

Run again only when the original is another: `python -m models.face_detector.make_golden`
"""

from __future__ import annotations

import json

import numpy as np
import openvino as ov

from models.face_detector.golden import ANSWERS, golden_picture
from models.face_detector.postprocess import to_boxes
from models.registry import read_registry
from models.sources import fetch


def main() -> None:
    """Write answers.json."""
    entry = read_registry().model("face_detector")
    image = golden_picture()
    original = ov.Core().read_model(fetch(entry))
    original.reshape([1, 3, *image.shape[:2]])
    compiled = ov.Core().compile_model(original, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    answer = compiled(image.transpose(2, 0, 1)[None].astype(np.float32))
    heatmap, scale, offset = answer["537"][0, 0], answer["538"][0], answer["539"][0]
    height_px, width_px, _ = image.shape
    boxes, scores = to_boxes(heatmap, scale, offset, height_px, width_px, 0.3)
    if len(scores) != 1:
        raise SystemExit(f"expected one face in the portrait, found {len(scores)}")
    answers = {
        "made_by": "python -m models.face_detector.make_golden",
        "made_from": "portrait.jpg on a grey canvas, see golden.py",
        "original": str(entry.source),
        "original_sha256": entry.sha256,
        "precision": "float32",
        "openvino": ov.__version__,
        "box_xyxy": np.float64(boxes[0]).round(2).tolist(),
        "score": round(float(scores[0]), 4),
    }
    ANSWERS.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
