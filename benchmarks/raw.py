"""The bounds: the least that decoding, shrinking and inference can cost, with nothing around."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from benchmarks.processes import own_cpu_s
from benchmarks.serving import DETECTOR
from benchmarks.workload import EVERY
from models.direct import compile_as_served
from models.person_detector.preprocess import SIDE_PX
from models.registry import TRITON_REPO, read_registry

Answer = tuple[np.ndarray, ...]


@dataclass(frozen=True, slots=True)
class Cost:
    """What so many frames cost."""

    frames: int
    wall_s: float
    cpu_s: float

    @property
    def wall_ms(self) -> float:
        """Return milliseconds of wall time a frame."""
        return 1e3 * self.wall_s / self.frames

    @property
    def cpu_ms(self) -> float:
        """Return milliseconds of CPU a frame."""
        return 1e3 * self.cpu_s / self.frames


def compile_detector() -> Any:
    """Compile as the server's backend does: one picture, throughput hint, default precision."""
    entry = read_registry().model(DETECTOR)
    return compile_as_served(TRITON_REPO / entry.triton_folder, entry.inputs[0])


def sampled_squares(clip: Path) -> Iterator[np.ndarray]:
    """Decode all of a clip and shrink each frame that is analysed: (300, 300, 3) uint8, RGB."""
    reformatter = VideoReformatter()
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for number, frame in enumerate(container.decode(stream)):
            if number % EVERY == 0:
                small = reformatter.reformat(frame, SIDE_PX, SIDE_PX, "rgb24", interpolation="AREA")
                # PyAV's rows are padded; OpenVINO would read a copy that is gone by then
                yield np.ascontiguousarray(small.to_ndarray())


class RawInference:
    """Asynchronous inference, one picture a request, as many requests as OpenVINO wants."""

    def __init__(self, compiled: Any) -> None:
        import openvino as ov

        self._names = [tensor.name for tensor in read_registry().model(DETECTOR).outputs[:3]]
        self._queue = ov.AsyncInferQueue(compiled, 0)
        self._queue.set_callback(self._keep)
        self.answers: dict[int, Answer] = {}

    def start(self, number: int, square: np.ndarray) -> None:
        """Start one picture; waits while all requests are busy."""
        # the queue keeps the array until the callback, OpenVINO reads it where it is
        self._queue.start_async([square[None]], (number, square), share_inputs=True)

    def wait(self) -> None:
        """Wait for all that was started."""
        self._queue.wait_all()

    def _keep(self, request: Any, about: tuple[int, np.ndarray]) -> None:
        self.answers[about[0]] = tuple(
            request.get_tensor(name).data[0].copy() for name in self._names
        )


def time_inference(inference: RawInference, squares: list[np.ndarray]) -> Cost:
    """Answer each picture once; the answers are left in `inference.answers`."""
    inference.answers.clear()
    cpu_s, began_s = own_cpu_s(), time.perf_counter()
    for number, square in enumerate(squares):
        inference.start(number, square)
    inference.wait()
    return Cost(len(squares), time.perf_counter() - began_s, own_cpu_s() - cpu_s)


def time_decode_and_inference(inference: RawInference, clips: list[Path]) -> Cost:
    """Decode, shrink and answer clip after clip."""
    inference.answers.clear()
    cpu_s, began_s = own_cpu_s(), time.perf_counter()
    number = 0
    for clip in clips:
        for square in sampled_squares(clip):
            inference.start(number, square)
            number += 1
    inference.wait()
    return Cost(number, time.perf_counter() - began_s, own_cpu_s() - cpu_s)
