"""What the rest of forewarn asks of the models: detect, embed, find faces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from domain.detections import Detections
from domain.errors import Stop
from domain.frames import SampledFrame
from models.embedder import postprocess as embedding
from models.embedder import preprocess as crops
from models.face_detector import postprocess as faces
from models.face_detector import preprocess as face_pictures
from models.person_detector import postprocess as persons
from models.person_detector.preprocess import SIDE_PX
from models.registry import ModelEntry, Registry, Tensor, read_registry
from models.serving.connection import Connection, connect

__all__ = ["Connection", "Detector", "Embedder", "FaceDetector", "connect"]

BATCH = 8  # max_batch_size in triton_repo/*/config.pbtxt


class Inference(Protocol):
    """Whatever answers batches: a Connection, or models/direct.py without a server."""

    def infer(
        self,
        model: str,
        given: Tensor,
        batches: Sequence[Sequence[np.ndarray]],
        wanted: Sequence[Tensor],
    ) -> list[dict[str, np.ndarray]]:
        """See Connection.infer."""
        ...


class Detector:
    """Persons and vehicles in whole pictures."""

    def __init__(
        self,
        connection: Inference,
        *,
        min_score: float = persons.MIN_SCORE,
        registry: Registry | None = None,
    ) -> None:
        """Args:
        min_score: weaker detections are left out; 0.05 is the least the model gives.
        """
        self._connection = connection
        self._min_score = min_score
        self._entry = (registry or read_registry()).model("detector")
        self._wanted = self._entry.outputs[:3]  # boxes, classes, scores

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """Look at frames, of one camera or of many; one answer for each, in order.

        The answer to a frame does not depend on which others it was sent with.

        Raises:
            TryAgain: the server is away, overloaded or too slow; back off before the next call.
            Stop: a frame has the wrong shape, or the server's answer has.
        """
        for frame in frames:
            check_frame(frame)
        pictures = [frame.image_rgb for frame in frames]
        answers = self._connection.infer(
            self._entry.triton_folder, self._entry.inputs[0], _batches(pictures), self._wanted
        )
        boxes, classes, scores = (
            [row for answer in answers for row in answer[tensor.name]] for tensor in self._wanted
        )
        return [
            persons.to_detections(frame.stamp, *rows, self._min_score)
            for frame, rows in zip(frames, zip(boxes, classes, scores, strict=True), strict=True)
        ]


class Embedder:
    """Crops as vectors."""

    def __init__(self, connection: Inference, *, registry: Registry | None = None) -> None:
        self._connection = connection
        self._entry = (registry or read_registry()).model("embedder")

    def embed(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """Describe crops by what they look like.

        Args:
            crops_rgb: each (h, w, 3) uint8, of any size.
        Returns:
            (n, 1280) float32, each row of unit length.
        Raises:
            PutAside: a crop is empty.
            TryAgain, Stop: as Detector.detect.
        """
        output = self._entry.outputs[0]
        answers = self._connection.infer(
            self._entry.triton_folder,
            self._entry.inputs[0],
            _batches([crops.fit(crop) for crop in crops_rgb]),
            [output],
        )
        if not answers:
            return np.empty((0, output.shape[1]), np.float32)
        return embedding.to_unit_length(np.concatenate([a[output.name] for a in answers]))


class FaceDetector:
    """Where the faces are."""

    def __init__(self, connection: Inference, *, registry: Registry | None = None) -> None:
        self._connection = connection
        self._entry = (registry or read_registry()).model("face_detector")

    def find(self, image_rgb: np.ndarray, min_score: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
        """Find faces in one picture.

        Args:
            image_rgb: (h, w, 3) uint8, of any size; larger ones are shrunk to the model's.
            min_score: in [0, 1]; a mask should rather cover one thing too many.
        Returns:
            boxes (k, 4) float32: left, top, right, bottom in the picture's pixels; scores (k,)
            float32, best first.
        Raises:
            PutAside: the picture is empty.
            TryAgain, Stop: as Detector.detect.
        """
        return self.find_in_all([image_rgb], min_score)[0]

    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float = 0.3
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Like find(), for many pictures at once: the next is sent while one is looked at."""
        _, height, width, _ = _picture_shape(self._entry)
        pictures = [face_pictures.squeeze(image, height, width) for image in images_rgb]
        answers = self._connection.infer(
            self._entry.triton_folder,
            self._entry.inputs[0],
            [[picture] for picture in pictures],
            self._entry.outputs,
        )
        found = []
        for image, answer in zip(images_rgb, answers, strict=True):
            heatmap, scale, offset = (answer[tensor.name][0] for tensor in self._entry.outputs)
            height_px, width_px = image.shape[:2]
            found.append(faces.to_boxes(heatmap, scale, offset, height_px, width_px, min_score))
        return found


def _batches(rows: list[np.ndarray]) -> list[list[np.ndarray]]:
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


def _picture_shape(entry: ModelEntry) -> tuple[int, int, int, int]:
    given: Tensor = entry.inputs[0]
    batch, height, width, channels = given.shape
    return batch, height, width, channels


def check_frame(frame: SampledFrame) -> None:
    """Raise Stop unless the picture is what the detector takes."""
    image = frame.image_rgb
    if image.shape != (SIDE_PX, SIDE_PX, 3) or image.dtype != np.uint8:
        raise Stop(
            f"{frame.stamp.camera_id}: a sampled frame should be ({SIDE_PX}, {SIDE_PX}, 3) uint8, "
            f"got {image.shape} {image.dtype}"
        )
