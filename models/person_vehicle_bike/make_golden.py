"""Make golden/answers.json: ask the original network, as its makers describe it, about known pictures.

Run again only when the original is another: `python -m models.person_vehicle_bike.make_golden`
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import openvino as ov

from models.person_detector.golden import ANSWERS as PICTURES
from models.person_detector.golden import read_squeezed
from models.person_vehicle_bike.golden import ANSWERS, SIDE_PX
from models.registry import read_registry
from models.sources import fetch, named_mirror

LABEL_OF_PERSONS = 1
LEAST_SCORE = 0.3


def main() -> None:
    """Write answers.json; files of web servers come from the mirror, where one is named."""
    entry = read_registry().model("person_vehicle_bike")
    source = fetch(entry, mirror=named_mirror())
    compiled = ov.Core().compile_model(source, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [each["file"] for each in json.loads(PICTURES.read_text("utf-8"))["pictures"]]
    answers = {
        "made_by": "python -m models.person_vehicle_bike.make_golden",
        "made_from": f"models/person_detector/golden/*.jpg, squeezed to {SIDE_PX} x {SIDE_PX}",
        "original": str(entry.source),
        "original_sha256": [entry.sha256, *(more.sha256 for more in entry.companions)],
        "precision": "as quantised by its makers, the rest float32",
        "openvino": ov.__version__,
        "class": "person",
        "pictures": [_ask(compiled, name) for name in names],
    }
    ANSWERS.parent.mkdir(exist_ok=True)
    ANSWERS.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


def _ask(compiled: Any, name: str) -> dict[str, Any]:
    # planes of blue, green and red, 0..255; rows of picture, label, score, left, top, right, bottom
    picture = read_squeezed(PICTURES.with_name(name), SIDE_PX)
    planes = picture[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32)
    rows = compiled(planes)[0].reshape(-1, 7)
    used = rows[(rows[:, 1] == LABEL_OF_PERSONS) & (rows[:, 2] >= LEAST_SCORE)]
    return {
        "file": name,
        "boxes_xyxy": np.float64(used[:, 3:] * SIDE_PX).round(2).tolist(),
        "scores": np.float64(used[:, 2]).round(4).tolist(),
    }


if __name__ == "__main__":
    main()
