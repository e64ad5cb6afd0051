"""Name the classes that the detector can tell apart: COCO's object categories and their numbers.

Source: Lin et al., Microsoft COCO, ECCV 2014; the numbers are the data set's own, with its holes.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

from pydantic import AfterValidator

COCO_IDS: dict[str, int] = {
    "person": 1,
    "bicycle": 2,
    "car": 3,
    "motorcycle": 4,
    "bus": 6,
    "train": 7,
    "truck": 8,
    "boat": 9,
    "bench": 15,
    "bird": 16,
    "cat": 17,
    "dog": 18,
    "horse": 19,
    "sheep": 20,
    "cow": 21,
    "backpack": 27,
    "umbrella": 28,
    "handbag": 31,
    "suitcase": 33,
    "sports ball": 37,
    "kite": 38,
    "skateboard": 41,
    "bottle": 44,
    "chair": 62,
    "couch": 63,
    "potted plant": 64,
    "dining table": 67,
    "tv": 72,
    "laptop": 73,
    "cell phone": 77,
    "refrigerator": 82,
}


def _known(name: str) -> str:
    if name not in COCO_IDS:
        near = get_close_matches(name, COCO_IDS, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"it knows {', '.join(COCO_IDS)}"
        raise ValueError(f"the detector knows no class {name!r}; {hint}")
    return name


ClassName = Annotated[str, AfterValidator(_known)]
