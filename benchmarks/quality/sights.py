"""Ask the real detector (in this process; Triton serves the same) what it sees on the clips, and keep its answers for the next run.

Kept are boxes, picture by picture; joining views and describing colours is done anew each time, by
today's code. The cache knows clip, views and model by their bytes, so that worktrees may share it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.quality.darkness import CACHE
from benchmarks.quality.footage import FRAMES_OF, STARTS_AT, EvalData
from benchmarks.quality.likenesses import Likenesses
from domain.detections import Detections
from domain.frames import SampledFrame
from domain.site.views import View
from flows.detection.zoomed_views import detect_closely, pictures_of
from flows.sources.sampler import GRID_SLACK

BATCH = 32


def sampled_frames(data: EvalData, name: str, views: Sequence[View] = ()) -> Iterator[SampledFrame]:
    """Yield every frame of a clip, shrunk as the watch flow shrinks it."""
    import av

    from flows.sources.media.decoder import Decoder
    from flows.sources.sampler import Sampler

    with av.open(str(data.clip(name))) as container:
        stream = container.streams.video[0]
        decoder = Decoder(container, stream, lambda packet: None, lambda time_s: None)
        sampler = Sampler(name, 1000, lambda *size_px: views)
        for media_time_s, frame in islice(decoder.frames(), FRAMES_OF.get(name)):
            at = STARTS_AT + timedelta(seconds=media_time_s)
            yield sampler.sample(frame, decoder.time_base, media_time_s, at)


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """What the detect step makes of a clip at one frame rate."""

    frames: list[int]  # which of the clip's
    seen: list[Detections]


def look(
    data: EvalData,
    name: str,
    views: Sequence[View],
    areas: Sequence[View],
    rates: Sequence[float],
) -> dict[float, Sights]:
    """Return what the detect step makes of the frames of each rate, looked at in these views.

    `areas` are where rules look for people's feet, as fractions of the picture; (): everywhere.
    """
    path = _cache_file(data, name, views)
    if not path.is_file():
        _fill_cache(data, name, views)
    answers = iter(_read_cache(path))

    def detect(pictures: Sequence[SampledFrame]) -> list[Detections]:
        return [next(answers).of(picture) for picture in pictures]

    told = {fps: Sights([], []) for fps in rates}
    likenesses = {fps: Likenesses(areas) for fps in rates}
    last_cells = dict.fromkeys(rates, -1)
    for number, frame in enumerate(sampled_frames(data, name, views)):
        (seen,) = detect_closely(detect, [frame])
        for fps, sights in told.items():
            # of a grid of so many a second, as the sampler picks them
            cell = int(frame.stamp.media_time_s * fps + GRID_SLACK)
            if cell > last_cells[fps]:
                last_cells[fps] = cell
                sights.frames.append(number)
                sights.seen.append(likenesses[fps].added_to(frame, seen))
    return told


def _cache_file(data: EvalData, name: str, views: Sequence[View]) -> Path:
    from models.registry import read_registry

    weights = read_registry().model("detector").sha256
    clip = data.clip(name)
    told = f"{hashlib.sha256(clip.read_bytes()).hexdigest()} {weights}"
    told += f" {[list(view) for view in views]}" if views else ""
    return CACHE / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.npz"


def _fill_cache(data: EvalData, name: str, views: Sequence[View]) -> None:
    from models.direct import DirectInference
    from models.serving.client import Detector

    detector = Detector(DirectInference())
    frames = sampled_frames(data, name, views)
    pictures = (each for frame in frames for each in pictures_of(frame))
    seen: list[Detections] = []
    while batch := list(islice(pictures, BATCH)):
        seen += detector.detect(batch)
    _write_cache(_cache_file(data, name, views), seen)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Rows of one picture."""

    boxes_xyxy: np.ndarray
    scores: np.ndarray
    class_ids: np.ndarray

    def of(self, picture: SampledFrame) -> Detections:
        """Keep a detection as the detector gave it."""
        return Detections(picture.stamp, self.boxes_xyxy, self.scores, self.class_ids)


def _write_cache(path: Path, seen: list[Detections]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.npz")  # several may measure at once
    np.savez_compressed(
        unfinished,
        counts=np.array([len(each) for each in seen]),
        boxes=np.concatenate([each.boxes_xyxy for each in seen]),
        scores=np.concatenate([each.scores for each in seen]),
        classes=np.concatenate([each.class_ids for each in seen]),
    )
    unfinished.rename(path)


def _read_cache(path: Path) -> list[Answer]:
    with np.load(path) as kept:
        boxes, scores, classes = kept["boxes"], kept["scores"], kept["classes"]
        ends = np.cumsum(kept["counts"])
        return [
            Answer(boxes[end - n : end], scores[end - n : end], classes[end - n : end])
            for n, end in zip(kept["counts"], ends, strict=True)
        ]
