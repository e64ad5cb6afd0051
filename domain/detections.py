"""Detections: the boxes, scores and classes that one model found in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.errors import PutAside
from domain.frames import FrameStamp
from domain.picture_digest import CLEAR, PictureDigest, PictureTrust


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Detections:
    """Hold what one model saw in a frame, n may be 0; PutAside for arrays that do not fit."""

    frame: FrameStamp
    boxes_xyxy: np.ndarray  # (n, 4) float32, pixels of the decoded frame
    scores: np.ndarray  # (n,) float32 in [0, 1], as the model gave them
    class_ids: np.ndarray  # (n,) int64, COCO's category id, 1 = person
    look: PictureDigest | None = None  # None: this picture was not looked at
    sight: PictureTrust = CLEAR
    # (k, 4) float32, pixels: the parts of the picture that were looked at; None: all of it
    looked_at_xyxy: np.ndarray | None = None
    appearances: np.ndarray | None = None  # (n, 256) float16, unit length or all 0: not described
    # (n, 256) float16, unit length, of the likeness model; all 0: not asked for. None: nobody's was
    likeness: np.ndarray | None = None

    def __post_init__(self) -> None:
        n, camera = len(self.scores), self.frame.camera_id
        if self.boxes_xyxy.shape != (n, 4) or self.class_ids.shape != (n,):
            raise PutAside(
                f"{camera}: boxes should be ({n}, 4) and class ids ({n},) for {n} "
                f"scores, got {self.boxes_xyxy.shape} and {self.class_ids.shape}; "
                "does the model's output match its registry entry?"
            )
        for what in ("appearances", "likeness"):
            rows = getattr(self, what)
            if rows is not None and len(rows) != n:
                raise PutAside(f"{camera}: {n} scores need {n} rows of {what}, got {len(rows)}")

    def __len__(self) -> int:
        return len(self.scores)
