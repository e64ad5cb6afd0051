"""Clips with a known truth, and what the real detector sees on them, kept for the next run.

The clips are not part of forewarn. Their folder is named by --data or FOREWARN_EVAL_DATA:
clips/NAME.mp4, gt/NAME.gt.txt and gt/NAME.det.txt (MOT challenge rows), and TIMELINE.json.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import ROOT
from domain.detections import Detections
from domain.errors import Stop
from domain.frames import FrameStamp, SampledFrame

DATA_VARIABLE = "FOREWARN_EVAL_DATA"
CACHE = ROOT / "var" / "eval"
STARTS_AT = datetime(2026, 3, 2, 8, tzinfo=UTC)  # of every clip, in event time
BATCH = 32
PERSON = 1


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """People of one clip as somebody marked them; frames count from 0."""

    frames: np.ndarray  # (n,) int64
    ids: np.ndarray  # (n,) int64
    boxes_xyxy: np.ndarray  # (n, 4) float64, pixels

    def at(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids, boxes) of one frame."""
        rows = self.frames == frame
        return self.ids[rows], self.boxes_xyxy[rows]


@dataclass(frozen=True, slots=True)
class EvalData:
    """The folder of clips."""

    folder: Path

    @classmethod
    def find(cls, folder: Path | None = None) -> EvalData:
        """Raises Stop where no folder is named, or it has no clips."""
        named = folder or (Path(os.environ[DATA_VARIABLE]) if DATA_VARIABLE in os.environ else None)
        if named is None:
            raise Stop(
                f"{DATA_VARIABLE} is not set; name the folder of clips, or use --data FOLDER"
            )
        if not (named / "TIMELINE.json").is_file():
            raise Stop(f"{named}: needs TIMELINE.json, clips/ and gt/; is it the right folder?")
        return cls(named)

    def clip(self, name: str) -> Path:
        """The video file."""
        return self.folder / "clips" / f"{name}.mp4"

    def truth(self, name: str) -> Truth:
        """Marked people; rows that the file itself sets aside (confidence 0) are left out."""
        rows = _read_rows(self._box_file(name, "gt"))
        rows = rows[rows[:, 6] != 0]
        return Truth(rows[:, 0].astype(np.int64) - 1, rows[:, 1].astype(np.int64), _corners(rows))

    def public_boxes(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(frames from 0, boxes, scores in [0, 1]) that the data set gives to everybody."""
        rows = _read_rows(self._box_file(name, "det"))
        scores = rows[:, 6]
        return rows[:, 0].astype(np.int64) - 1, _corners(rows), np.clip(scores, 0, 1)

    def timeline(self, name: str) -> list[dict[str, Any]]:
        """Who does what from when to when, by eye."""
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


def _read_rows(path: Path) -> np.ndarray:
    rows: np.ndarray = np.loadtxt(path, delimiter=",", ndmin=2, usecols=range(7))
    return rows


def _corners(rows: np.ndarray) -> np.ndarray:
    corners: np.ndarray = rows[:, 2:6].copy()
    corners[:, 2:] += corners[:, :2]
    return corners


def sampled_frames(path: Path, camera_id: str) -> Iterator[SampledFrame]:
    """Every frame of a clip, shrunk as the watch flow shrinks it."""
    import av

    from flows.sources.decoder import Decoder
    from flows.sources.sampler import Sampler

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoder = Decoder(container, stream, lambda packet: None, lambda time_s: None)
        sampler = Sampler(camera_id, 1000)
        for media_time_s, frame in decoder.frames():
            at = STARTS_AT + timedelta(seconds=media_time_s)
            yield sampler.sample(frame, decoder.time_base, media_time_s, at)


def detect_all(data: EvalData, names: Sequence[str]) -> dict[str, list[Detections]]:
    """What the detector sees in every frame of these clips; asked once, then read from the disk."""
    missing = [name for name in names if not _cache_file(data, name).is_file()]
    if missing:
        _fill_cache(data, missing)
    return {name: _read_cache(_cache_file(data, name), name) for name in names}


def _cache_file(data: EvalData, name: str) -> Path:
    """The cache knows the clip and the model by their bytes."""
    from models.registry import read_registry

    entry = read_registry().model("detector")
    clip = data.clip(name)
    told = f"{clip.stat().st_size} {hashlib.sha256(clip.read_bytes()).hexdigest()} {entry}"
    return CACHE / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.npz"


def _fill_cache(data: EvalData, names: Sequence[str]) -> None:
    from benchmarks.serving import detector_server
    from benchmarks.workload import scratch
    from models.serving.client import Detector, connect

    with (
        scratch("quality") as folder,
        detector_server(folder) as server,
        connect(server.address) as connection,
    ):
        detector = Detector(connection)
        for name in names:
            seen: list[Detections] = []
            waiting: list[SampledFrame] = []
            for frame in sampled_frames(data.clip(name), name):
                waiting.append(frame)
                if len(waiting) == BATCH:
                    seen += detector.detect(waiting)
                    waiting = []
            if waiting:
                seen += detector.detect(waiting)
            _write_cache(_cache_file(data, name), seen)


def _write_cache(path: Path, seen: list[Detections]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
    stamp = seen[0].frame
    np.savez_compressed(
        unfinished,
        size=np.array([stamp.width_px, stamp.height_px]),
        times_s=np.array([each.frame.media_time_s for each in seen]),
        pts=np.array([each.frame.pts for each in seen]),
        time_base=np.array([stamp.time_base.numerator, stamp.time_base.denominator]),
        counts=np.array([len(each) for each in seen]),
        boxes=np.concatenate([each.boxes_xyxy for each in seen]),
        scores=np.concatenate([each.scores for each in seen]),
        classes=np.concatenate([each.class_ids for each in seen]),
    )
    unfinished.rename(path)


def _read_cache(path: Path, name: str) -> list[Detections]:
    with np.load(path) as kept:
        width_px, height_px = (int(value) for value in kept["size"])
        time_base = Fraction(*(int(value) for value in kept["time_base"]))
        ends = np.cumsum(kept["counts"])
        boxes, scores, classes = kept["boxes"], kept["scores"], kept["classes"]
        return [
            Detections(
                frame=FrameStamp(
                    camera_id=name,
                    pts=int(pts),
                    time_base=time_base,
                    media_time_s=float(time_s),
                    captured_at=STARTS_AT + timedelta(seconds=float(time_s)),
                    width_px=width_px,
                    height_px=height_px,
                ),
                boxes_xyxy=boxes[end - count : end],
                scores=scores[end - count : end],
                class_ids=classes[end - count : end],
            )
            for time_s, pts, count, end in zip(
                kept["times_s"], kept["pts"], kept["counts"], ends, strict=True
            )
        ]
