"""Make golden/: ask TensorFlow's own graph, in single precision, about a few frames.

Run again only when the original is another: `python -m models.person_detector.make_golden`
"""

from __future__ import annotations

import json
from typing import Any

import av
import cv2
import numpy as np
import openvino as ov

from models.person_detector.golden import ANSWERS, FOLDER, read_picture
from models.person_detector.postprocess import PERSON
from models.person_detector.preprocess import SIDE_PX, squeeze
from models.registry import ROOT, read_registry
from models.sources import fetch

CLIP = ROOT / "samples" / "crossing.mp4"
MEDIA_TIMES_S = (5.0, 30.0, 60.0)


def main() -> None:
    """Write the pictures and answers.json."""
    entry = read_registry().model("detector")
    core = ov.Core()
    original = core.read_model(fetch(entry))
    original.reshape([1, SIDE_PX, SIDE_PX, 3])
    compiled = core.compile_model(original, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    FOLDER.mkdir(exist_ok=True)
    pictures = [_ask(compiled, media_time_s) for media_time_s in MEDIA_TIMES_S]
    answers = {
        "made_by": "python -m models.person_detector.make_golden",
        "made_from": f"samples/{CLIP.name}, frames squeezed to 300 x 300, JPEG quality 95",
        "original": str(entry.source),
        "original_sha256": entry.sha256,
        "precision": "float32",
        "openvino": ov.__version__,
        "class": "person",
        "pictures": pictures,
    }
    ANSWERS.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


def _ask(compiled: Any, media_time_s: float) -> dict[str, Any]:
    path = FOLDER / f"crossing_{media_time_s:04.1f}s.jpg"
    image_bgr = cv2.cvtColor(squeeze(_frame_at(media_time_s)), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(path), image_bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])
    answer = compiled(read_picture(path)[None])
    used = answer["detection_scores:0"][0] >= 0.3
    used &= answer["detection_classes:0"][0] == PERSON
    top, left, bottom, right = answer["detection_boxes:0"][0][used].T
    boxes = np.stack([left, top, right, bottom], axis=1) * SIDE_PX
    return {
        "file": path.name,
        "boxes_xyxy": np.float64(boxes).round(2).tolist(),
        "scores": np.float64(answer["detection_scores:0"][0][used]).round(4).tolist(),
    }


def _frame_at(media_time_s: float) -> np.ndarray:
    with av.open(str(CLIP)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= media_time_s:
                return frame.to_ndarray(format="rgb24")
    raise ValueError(f"{CLIP} ends before {media_time_s} s")


if __name__ == "__main__":
    main()
