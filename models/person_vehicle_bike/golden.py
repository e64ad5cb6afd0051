"""Known pictures, the usual detector's, and what the original network found in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.contract import Answer
from models.person_detector.golden import GoldenPicture, differences, read_golden, stamp_of
from models.person_detector.postprocess import to_detections

ANSWERS = Path(__file__).with_name("golden") / "answers.json"
SIDE_PX = 256


def questions() -> list[np.ndarray]:
    """Return the known pictures, each (256, 256, 3) uint8 RGB."""
    return [picture.image_rgb for picture in read_known()]


def faults(answers: list[Answer]) -> list[str]:
    """Say how answers to the questions, one each, differ from the original's; [] if they agree."""
    return [
        fault
        for picture, answer in zip(read_known(), answers, strict=True)
        for fault in differences(picture, to_detections(stamp_of(picture), answer))
    ]


def read_known() -> list[GoldenPicture]:
    """Read pictures and answers that are kept in the repository."""
    return read_golden(ANSWERS, SIDE_PX)
