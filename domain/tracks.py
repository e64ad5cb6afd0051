"""Detections with a name that stays the same from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.frames import FrameStamp
from domain.looks import CLEAR, Sight


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class TrackedFrame:
    """Who was seen in one frame of one camera; n may be 0 and still says that time went on."""

    frame: FrameStamp
    boxes_xyxy: np.ndarray  # (n, 4) float32, pixels of the decoded frame
    scores: np.ndarray  # (n,) float32 in [0, 1]
    class_ids: np.ndarray  # (n,) int64, COCO's category id
    track_ids: np.ndarray  # (n,) int64, unique within the camera, from 1
    sight: Sight = CLEAR

    def __len__(self) -> int:
        return len(self.track_ids)
