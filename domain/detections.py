"""What one model saw in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.errors import PutAside
from domain.frames import FrameStamp
from domain.looks import CLEAR, PictureLook, Sight


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Detections:
    """What one model saw in one frame; n may be 0.

    Raises:
        PutAside: the arrays do not belong together.
    """

    frame: FrameStamp
    boxes_xyxy: np.ndarray  # (n, 4) float32, pixels of the decoded frame
    scores: np.ndarray  # (n,) float32 in [0, 1], as the model gave them
    class_ids: np.ndarray  # (n,) int64, COCO's category id, 1 = person
    look: PictureLook | None = None  # None: this picture was not looked at
    sight: Sight = CLEAR
    # (k, 4) float32, pixels: the parts of the picture that were looked at; None: all of it
    looked_at_xyxy: np.ndarray | None = None
    appearances: np.ndarray | None = None  # (n, 256) float16, unit length or all 0: not described

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes_xyxy.shape != (n, 4) or self.class_ids.shape != (n,):
            raise PutAside(
                f"{self.frame.camera_id}: boxes should be ({n}, 4) and class ids ({n},) for {n} "
                f"scores, got {self.boxes_xyxy.shape} and {self.class_ids.shape}; "
                "does the model's output match its registry entry?"
            )

        if self.appearances is not None and len(self.appearances) != n:
            raise PutAside(
                f"{self.frame.camera_id}: {n} scores need {n} appearances, "
                f"got {len(self.appearances)}"
            )

    def __len__(self) -> int:
        return len(self.scores)
