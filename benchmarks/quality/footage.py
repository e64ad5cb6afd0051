"""Clips with a known truth.

The clips are not part of forewarn. Their folder is named by --data or FOREWARN_EVAL_DATA:
clips/NAME.mp4, gt/NAME.gt.txt and gt/NAME.det.txt (MOT challenge rows), and TIMELINE.json.

`NAME@dark` is a darkened copy, made when it is first asked for; `crossing` is the sample clip, whose
first 398 frames are those of `pets_s2l1_a`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.darkness import darkened
from benchmarks.results import ROOT
from domain.errors import Stop

DATA_VARIABLE = "FOREWARN_EVAL_DATA"
STARTS_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)  # of every clip, in event time
PERSON = 1
DARK = "@dark"
SAMPLE = "crossing"
# the same pictures, darkened or encoded anew: whose truth is theirs
TRUTH_OF = {"counter_a_dark": "counter_a", SAMPLE: "pets_s2l1_a"}
UNMARKED = ("night_square_8f",)  # nobody marked its people
FRAMES_OF = {SAMPLE: 398, "counter_a_dark": 460}  # the truth says nothing of later ones
# as the cameras gave them; at more frames a second nothing new is seen
NATIVE_FPS = {"tud_campus": 25.0, "night_square_8f": 3.0}


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """People of one clip as somebody marked them; frames count from 0."""

    frames: np.ndarray  # (n,) int64
    ids: np.ndarray  # (n,) int64
    boxes_xyxy: np.ndarray  # (n, 4) float64, pixels

    def at(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (ids, boxes) of one frame."""
        rows = self.frames == frame
        return self.ids[rows], self.boxes_xyxy[rows]


@dataclass(frozen=True, slots=True)
class EvalData:
    """The folder of clips."""

    folder: Path

    @classmethod
    def find(cls, folder: Path | None = None) -> EvalData:
        """Find the folder; raises Stop where none is named, or it has no clips."""
        named = folder or (Path(os.environ[DATA_VARIABLE]) if DATA_VARIABLE in os.environ else None)
        if named is None:
            raise Stop(
                f"{DATA_VARIABLE} is not set; name the folder of clips, or use --data FOLDER"
            )
        if not (named / "TIMELINE.json").is_file():
            raise Stop(f"{named}: needs TIMELINE.json, clips/ and gt/; is it the right folder?")
        return cls(named)

    def clip(self, name: str) -> Path:
        """Return the video file; a darkened copy is made where there is none yet."""
        if name.endswith(DARK):
            return darkened(self.clip(name.removesuffix(DARK)))
        folder = ROOT / "samples" if name == SAMPLE else self.folder / "clips"
        return folder / f"{name}.mp4"

    def truth(self, name: str, *, with_set_aside: bool = False) -> Truth:
        """Read the marked people.

        Args:
            name: of the clip.
            with_set_aside: also those whom the file sets aside (confidence 0) as too small or too
                hidden for scoring detectors: they are people all the same, and stay in zones.

        Returns:
            Nobody, for a clip without marks.
        """
        if name in UNMARKED:
            return Truth(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 4)))
        shown = name.removesuffix(DARK)
        rows = _read_rows(self._box_file(TRUTH_OF.get(shown, shown), "gt"))
        if not with_set_aside:
            rows = rows[rows[:, 6] != 0]
        return Truth(rows[:, 0].astype(np.int64) - 1, rows[:, 1].astype(np.int64), _corners(rows))

    def public_boxes(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Read (frames from 0, boxes, scores in [0, 1]) that the data set gives to everybody."""
        rows = _read_rows(self._box_file(name, "det"))
        scores = rows[:, 6]
        return rows[:, 0].astype(np.int64) - 1, _corners(rows), np.clip(scores, 0, 1)

    def timeline(self, name: str) -> list[dict[str, Any]]:
        """Read who does what from when to when, by eye."""
        whole = json.loads((self.folder / "TIMELINE.json").read_text(encoding="utf-8"))
        rows: list[dict[str, Any]] = whole[f"{name}.mp4"]
        return rows

    def _box_file(self, name: str, kind: str) -> Path:
        for path in (
            self.folder / "gt" / f"{name}.{kind}.txt",
            self.folder / "gt" / "mot15_no_video" / f"{name}.{kind}.txt",
        ):
            if path.is_file():
                return path
        raise Stop(f"{self.folder}: has no {name}.{kind}.txt in gt/")


def native_fps(clip: str) -> float:
    """Return the frames a second that the clip has."""
    return NATIVE_FPS.get(clip.removesuffix(DARK), 10.0)


def _read_rows(path: Path) -> np.ndarray:
    rows: np.ndarray = np.loadtxt(path, delimiter=",", ndmin=2, usecols=range(7))
    return rows


def _corners(rows: np.ndarray) -> np.ndarray:
    corners: np.ndarray = rows[:, 2:6].copy()
    corners[:, 2:] += corners[:, :2]
    return corners
