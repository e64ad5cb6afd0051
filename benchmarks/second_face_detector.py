"""A face detector that has nothing in common with the product's: Ultra-Light-Fast-Generic RFB-320.

Its weights (face_rfb320_simplified.onnx, MIT, github.com/Linzaer) lie in the folder of clips, under
models/; they are not part of forewarn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from domain.errors import Stop

WIDTH_PX, HEIGHT_PX = 320, 240
# parts that are looked at, as shares of the picture's height; they overlap by a half
PARTS = (1.0, 0.5, 0.25)
SURE_SCORE = 0.8
SAME_IOU = 0.3


class SecondFaceDetector:
    """Finds faces in a whole picture and, enlarged, in overlapping parts of it."""

    def __init__(self, folder: Path) -> None:
        """Load the weights.

        Args:
            folder: of clips.
        Raises:
            Stop: the weights are not there.
        """
        import openvino as ov

        path = folder / "models" / "face_rfb320_simplified.onnx"
        if not path.is_file():
            raise Stop(
                f"{path} is missing; see the licence and source in this module's first lines"
            )
        self._model: Any = ov.Core().compile_model(path, "CPU")
        self._priors = _priors()

    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return (k, 4) boxes in pixels and (k,) scores of each picture, best first; each face once."""
        return [self._find(image, min_score) for image in images_rgb]

    def _find(self, image_rgb: np.ndarray, min_score: float) -> tuple[np.ndarray, np.ndarray]:
        boxes, scores = [np.empty((0, 4))], [np.empty(0)]
        for left, top, width, height in _parts(image_rgb):
            part = cv2.resize(
                image_rgb[top : top + height, left : left + width], (WIDTH_PX, HEIGHT_PX)
            )
            given = ((part.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
            answer = self._model(given)
            found = answer["scores"][0, :, 1]
            rows = np.flatnonzero(found >= min_score)
            shares = _decode(answer["boxes"][0, rows], self._priors[rows])
            boxes.append(shares * np.array([width, height] * 2) + np.array([left, top] * 2))
            scores.append(found[rows])
        return _each_once(np.concatenate(boxes), np.concatenate(scores), min_score)


def _priors() -> np.ndarray:
    """Return (4420, 4) middle x, middle y, width, height, as shares of the model's picture.

    Source: the model's own repository, vision/ssd/config/fd_config.py and vision/utils/box_utils.py.
    """
    rows = []
    for step, sides in ((8, (10, 16, 24)), (16, (32, 48)), (32, (64, 96)), (64, (128, 192, 256))):
        for y in range(-(-HEIGHT_PX // step)):
            for x in range(-(-WIDTH_PX // step)):
                for side in sides:
                    middle = ((x + 0.5) * step / WIDTH_PX, (y + 0.5) * step / HEIGHT_PX)
                    rows.append((*middle, side / WIDTH_PX, side / HEIGHT_PX))
    return np.array(rows)


def _decode(given: np.ndarray, priors: np.ndarray) -> np.ndarray:
    """Return (k, 4) corners as shares of the model's picture."""
    middle = priors[:, :2] + 0.1 * given[:, :2] * priors[:, 2:]
    half = priors[:, 2:] * np.exp(0.2 * given[:, 2:]) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _parts(image_rgb: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
    """Yield (left, top, width, height) of parts of the model's own shape, or nearly."""
    height, width = image_rgb.shape[:2]
    for share in PARTS:
        high = int(share * height)
        wide = min(width, high * WIDTH_PX // HEIGHT_PX) if share < 1 else width
        for top in range(0, height - high + 1, max(1, high // 2)):
            for left in range(0, width - wide + 1, max(1, wide // 2)):
                yield left, top, wide, high


def _each_once(
    boxes: np.ndarray, scores: np.ndarray, min_score: float
) -> tuple[np.ndarray, np.ndarray]:
    corners = [(x1, y1, x2 - x1, y2 - y1) for x1, y1, x2, y2 in boxes.tolist()]
    kept = cv2.dnn.NMSBoxes(corners, scores.tolist(), min_score, SAME_IOU) if corners else ()
    rows = np.asarray(kept, np.int64).reshape(-1)
    return boxes[rows], scores[rows]
