"""The loop that one would write first: read a frame, look at it, track, read the next.

Needs openvino, opencv, supervision and trackers and imports nothing of forewarn, so that other
environments can use it too:

    python -m benchmarks.plain_loop GRAPH EVERY MIN_SCORE linear|area CLIP [CLIP ...]

Prints one JSON object: frames, people, tracks, wall_s, cpu_s, machine_cpu_s. Imports, reading and compiling the
graph and one first inference are not counted.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import openvino as ov
import supervision as sv
from trackers import ByteTrackTracker

PERSON = 1  # COCO's category id
SIDE_PX = 300


class Clocks(NamedTuple):
    """Wall time, CPU seconds of this process and of the whole machine, at one moment."""

    wall_s: float
    cpu_s: float
    machine_cpu_s: float

    @classmethod
    def read(cls) -> Clocks:
        """Read the clocks now."""
        return cls(time.perf_counter(), cpu_s(), machine_cpu_s())


class Analysis:
    """The same graph called once for each frame, as OpenVINO compiles it unless told otherwise;
    one tracker a camera, with the same settings as the watch flow's."""

    def __init__(self, graph: str, every: int, min_score: float, resize: str) -> None:
        core = ov.Core()
        model = core.read_model(graph)
        model.reshape([1, SIDE_PX, SIDE_PX, 3])
        self._compiled = core.compile_model(model, "CPU")
        self._compiled(np.zeros((1, SIDE_PX, SIDE_PX, 3), np.uint8))
        self._min_score = min_score
        self._interpolation = {"linear": cv2.INTER_LINEAR, "area": cv2.INTER_AREA}[resize]
        self._trackers: dict[Any, ByteTrackTracker] = {}
        self._frame_rate = 10.0 / every
        self.frames = self.people = 0
        self.tracks: set[tuple[Any, int]] = set()

    def look(self, camera: Any, image_bgr: np.ndarray) -> sv.Detections:
        """Detect and track people in one frame of a camera."""
        small = cv2.resize(image_bgr, (SIDE_PX, SIDE_PX), interpolation=self._interpolation)
        answer = self._compiled(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)[None])
        scores = answer["detection_scores:0"][0]
        classes = answer["detection_classes:0"][0]
        keep = (classes == PERSON) & (scores >= self._min_score)
        top, left, bottom, right = answer["detection_boxes:0"][0][keep].T
        height_px, width_px = image_bgr.shape[:2]
        found = sv.Detections(
            xyxy=np.stack(
                [left * width_px, top * height_px, right * width_px, bottom * height_px], axis=1
            ),
            confidence=scores[keep],
            class_id=classes[keep].astype(int),
        )
        self.frames += 1
        self.people += len(found)
        tracked = self._tracker(camera).update(found)
        ids = tracked.tracker_id if tracked.tracker_id is not None else ()
        self.tracks |= {(camera, int(each)) for each in ids if each >= 0}
        return tracked

    def _tracker(self, camera: Any) -> ByteTrackTracker:
        if camera not in self._trackers:
            self._trackers[camera] = ByteTrackTracker(
                lost_track_buffer=60,
                frame_rate=self._frame_rate,
                track_activation_threshold=0.35,
                high_conf_det_threshold=0.35,
                minimum_consecutive_frames=2,
                minimum_iou_threshold=0.1,
            )
        return self._trackers[camera]


def play(analysis: Analysis, clips: list[str], every: int) -> None:
    """Clip after clip; frames that are not analysed are passed over without converting them."""
    for camera, clip in enumerate(clips):
        capture = cv2.VideoCapture(clip)
        number = 0
        while capture.grab():
            if number % every == 0:
                readable, image = capture.retrieve()
                if not readable:
                    break
                analysis.look(camera, image)
            number += 1
        capture.release()


def cpu_s() -> float:
    """Return CPU seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def machine_cpu_s() -> float:
    """Return CPU seconds that all processes of the machine have used so far."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def main(graph: str, every: str, min_score: str, resize: str, *clips: str) -> None:
    """Play the clips and print what it took."""
    warnings.simplefilter("ignore")
    analysis = Analysis(graph, int(every), float(min_score), resize)
    begun = Clocks.read()
    play(analysis, list(clips), int(every))
    print_outcome(analysis, begun)


def print_outcome(analysis: Analysis, begun: Clocks) -> None:
    """Print one JSON object, as benchmarks/others.py reads it."""
    now = Clocks.read()
    outcome = {
        "frames": analysis.frames,
        "people": analysis.people,
        "tracks": len(analysis.tracks),
        "wall_s": now.wall_s - begun.wall_s,
        "cpu_s": now.cpu_s - begun.cpu_s,
        "machine_cpu_s": now.machine_cpu_s - begun.machine_cpu_s,
    }
    print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
