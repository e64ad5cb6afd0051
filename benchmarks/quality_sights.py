"""What the real detector sees on the clips; its answers are kept for the next run.

Kept are boxes, picture by picture; joining views and describing colours is done anew each time, by
today's code. The cache knows clip, views and model by their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.quality_footage import STARTS_AT, EvalData
from benchmarks.results import ROOT
from domain.detections import Detections
from domain.frames import SampledFrame
from domain.views import View
from flows.steps.close_looks import detect_closely, pictures_of

CACHE = ROOT / "var" / "eval"
BATCH = 32


def sampled_frames(data: EvalData, name: str, views: Sequence[View] = ()) -> Iterator[SampledFrame]:
    """Every frame of a clip, shrunk as the watch flow shrinks it."""
    import av

    from flows.sources.decoder import Decoder
    from flows.sources.sampler import Sampler

    with av.open(str(data.clip(name))) as container:
        stream = container.streams.video[0]
        decoder = Decoder(container, stream, lambda packet: None, lambda time_s: None)
        sampler = Sampler(name, 1000, lambda *size_px: views)
        for media_time_s, frame in decoder.frames():
            at = STARTS_AT + timedelta(seconds=media_time_s)
            yield sampler.sample(frame, decoder.time_base, media_time_s, at)


def detect_all(data: EvalData, wanted: Mapping[str, Sequence[View]]) -> dict[str, list[Detections]]:
    """What the detect step makes of every frame of these clips, looked at in these views."""
    missing = {n: v for n, v in wanted.items() if not _cache_file(data, n, v).is_file()}
    if missing:
        _fill_cache(data, missing)
    return {name: _with_answers(data, name, views) for name, views in wanted.items()}


def _with_answers(data: EvalData, name: str, views: Sequence[View]) -> list[Detections]:
    answers = iter(_read_cache(_cache_file(data, name, views)))

    def detect(pictures: Sequence[SampledFrame]) -> list[Detections]:
        return [next(answers).of(picture) for picture in pictures]

    return [
        seen
        for frame in sampled_frames(data, name, views)
        for seen in detect_closely(detect, [frame])
    ]


def _cache_file(data: EvalData, name: str, views: Sequence[View]) -> Path:
    from models.registry import read_registry

    entry = read_registry().model("detector")
    clip = data.clip(name)
    told = f"{clip.stat().st_size} {hashlib.sha256(clip.read_bytes()).hexdigest()} {entry}"
    told += f" {[list(view) for view in views]}" if views else ""
    return CACHE / f"{name}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.npz"


def _fill_cache(data: EvalData, wanted: Mapping[str, Sequence[View]]) -> None:
    from benchmarks.serving import detector_server
    from benchmarks.workload import scratch
    from models.serving.client import Detector, connect

    with (
        scratch("quality") as folder,
        detector_server(folder) as server,
        connect(server.address) as connection,
    ):
        detector = Detector(connection)
        for name, views in wanted.items():
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
        """As the detector gave it."""
        return Detections(picture.stamp, self.boxes_xyxy, self.scores, self.class_ids)


def _write_cache(path: Path, seen: list[Detections]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part.npz")
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
