"""Live tiles: how many people and faces are left visible, and what masking costs a camera.

The sample clip is played into the live board with the real server's answers, as the watch program does
it, five pictures a second. A more careful look (nine overlapping parts of the whole picture, half the
score) says who is there; somebody is left visible where the tile shows their pixels as they were.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.processes import own_cpu_s
from benchmarks.results import Result, Tell, WrongOutputs, quiet
from benchmarks.workload import CLIP, scratch
from domain.detections import Detections
from domain.frames import SampledFrame
from flows.live_view.board import LiveBoard
from flows.masks.faces import MIN_FACE_SCORE
from flows.masks.people import find_people
from flows.sources.sampler import Sampler
from models.serving.client import Detector, FaceDetector, connect
from models.serving.server import TritonServer

NAME = "live_masks"
FPS = 5.0
SECONDS, LONG_SECONDS = 30.0, 79.0
REFEREE_EVERY = 10  # analysed frames
# of 255, mean over a body or a face: tiles are compressed, so nothing stays to the last bit
UNCHANGED = 6.0
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass(slots=True)
class Count:
    """What the careful look found, and what of it the tiles still show."""

    tiles: int = 0
    people: int = 0
    people_visible: int = 0
    faces: int = 0
    faces_visible: int = 0


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Measure; raises WrongOutputs where no tile is written, or one shows nothing but mosaic."""
    seconds = LONG_SECONDS if long else SECONDS
    with scratch(NAME) as folder, TritonServer(folder / "triton") as server:
        server.wait_ready()
        with connect(server.address) as connection:
            people, faces = Detector(connection), FaceDetector(connection)
            board = LiveBoard(folder / "live", updates_per_s=1e9)
            count, cost_s, shown = Count(), 0.0, 0
            for number, (frame, sampled) in enumerate(_sampled(seconds)):
                (seen,) = people.detect([sampled])
                before_s = own_cpu_s()
                tile = _show(board, folder / "live", frame, sampled, seen)
                cost_s, shown = cost_s + own_cpu_s() - before_s, shown + 1
                if number % REFEREE_EVERY == 0:
                    _compare(count, frame.to_ndarray(format="rgb24"), tile, people, faces)
                    tell(f"picture {number} of {FPS * seconds:.0f}")
            board.close()
    if not count.people or not _shows_the_place(frame, tile):
        raise WrongOutputs(f"nothing to hide, or the last tile shows nothing: {count}")
    return _summarise(count, 1e3 * cost_s / shown, shown)


def _sampled(seconds: float) -> Iterator[tuple[VideoFrame, SampledFrame]]:
    sampler = Sampler("gate", FPS)
    with av.open(str(CLIP)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            at_s = float(frame.time or 0)
            if at_s > seconds:
                return
            if sampler.wants(at_s):
                at = START + timedelta(seconds=at_s)
                assert stream.time_base is not None
                yield frame, sampler.sample(frame, stream.time_base, at_s, at)


def _show(
    board: LiveBoard, live: Path, frame: VideoFrame, sampled: SampledFrame, seen: Detections
) -> np.ndarray:
    """Play one frame; the tile as the console would read it, (h, w, 3) uint8, RGB."""
    path = live / "gate.jpg"
    path.unlink(missing_ok=True)
    board.show_frame(sampled.stamp, frame)
    board.take(seen)
    deadline_s = time.monotonic() + 30
    while not path.exists():
        if time.monotonic() > deadline_s:
            raise WrongOutputs("no tile was written within 30 s")
        time.sleep(0.002)
    tile = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(cv2.cvtColor(np.asarray(tile), cv2.COLOR_BGR2RGB))


def _compare(
    count: Count, image: np.ndarray, tile: np.ndarray, people: Detector, faces: FaceDetector
) -> None:
    height, width = tile.shape[:2]
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    scale = width / image.shape[1]
    (found,) = find_people([image], people)
    bodies = found.boxes_xyxy[~found.is_cut] * scale
    (heads, _) = faces.find(image, MIN_FACE_SCORE)
    count.tiles += 1
    count.people += len(bodies)
    count.people_visible += sum(_is_visible(small, tile, box) for box in bodies)
    count.faces += len(heads)
    count.faces_visible += sum(_is_visible(small, tile, box) for box in heads * scale)


def _is_visible(original: np.ndarray, tile: np.ndarray, box: np.ndarray) -> bool:
    x1, y1, x2, y2 = box.round().astype(int).clip(0).tolist()
    before, after = original[y1:y2, x1:x2].astype(int), tile[y1:y2, x1:x2]
    return bool(before.size) and bool(np.abs(before - after).mean() < UNCHANGED)


def _shows_the_place(frame: VideoFrame, tile: np.ndarray) -> bool:
    """Tell whether half of the picture is as it was."""
    small = cv2.resize(frame.to_ndarray(format="rgb24"), tile.shape[1::-1])
    near = np.abs(small.astype(int) - tile).mean(axis=2) < 2 * UNCHANGED
    return bool(near.mean() > 0.5)


def _summarise(count: Count, cpu_ms: float, shown: int) -> Result:
    return Result(
        name=NAME,
        value=count.people_visible,
        unit=f"people visible of {count.people} found",
        must=max(1, round(0.02 * count.people)),
        aim=0,
        better="lower",
        conditions={
            "tiles": count.tiles,
            "found_by": "the same detector, nine parts of each picture, score 0.15",
            "visible": f"mean difference within the box below {UNCHANGED} of 255",
        },
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "faces": count.faces,
            "faces_visible": count.faces_visible,
            "cpu_ms_a_tile": round(cpu_ms, 2),
            "share_of_a_core_a_camera": round(cpu_ms * FPS / 1e3, 3),
            "tiles_written": shown,
        },
    )
