"""Detections with a name that stays the same from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from domain.frames import FrameStamp
from domain.looks import CLEAR, Sight

LinkKind = Literal["occlusion", "return"]


@dataclass(frozen=True, slots=True)
class SubjectLink:
    """Somebody who just came was recognised as somebody who was here before; told once."""

    track_id: int  # their number, from now on and before
    was: int  # the number under which they were told since they came; 0: under none
    how: LinkKind  # hidden for a moment, or gone and back within the repeat window
    gap_s: float  # unseen for so long
    similarity: float  # of their colours, in [0, 1]
    margin: float  # how much less alike the next best was; 1 where there was no other


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class TrackedFrame:
    """Who was seen in one frame of one camera; n may be 0 and still says that time went on."""

    frame: FrameStamp
    boxes_xyxy: np.ndarray  # (n, 4) float32, pixels of the decoded frame
    scores: np.ndarray  # (n,) float32 in [0, 1]
    class_ids: np.ndarray  # (n,) int64, COCO's category id
    track_ids: np.ndarray  # (n,) int64, subjects' numbers within the camera, from 1
    sight: Sight = CLEAR
    links: tuple[SubjectLink, ...] = ()
    # (n,) float32: the best score of the subject's last seconds, fading; None: as `scores`. Who was
    # seen well a moment ago is believed to be still there on the strength of a weak box
    steady_scores: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.track_ids)
