"""Ask the models, by any connection: detect, embed, find faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Protocol

import numpy as np

from domain.detections import Detections
from domain.errors import Stop
from domain.frames import SampledFrame
from models.calibration import read_calibration
from models.contract import Answer, Batches, Tensor, Tensors
from models.embedder import postprocess as embedding
from models.embedder import preprocess as crops
from models.face_detector import postprocess as faces
from models.face_detector import preprocess as face_pictures
from models.likeness.preprocess import squeeze
from models.registry import USUAL_DETECTOR, ModelEntry, read_registry
from models.serving.connection import Connection, connect
from models.versions import version_of

__all__ = [
    "Connection",
    "Detector",
    "Embedder",
    "FaceDetector",
    "LikenessEncoder",
    "connect",
    "find_likeness",
]

BATCH = 8  # at most; a model may be served in smaller ones
WEAKEST_SCORE = 0.05  # nothing weaker is anywhere asked for


class Inference(Protocol):
    """Whatever answers batches: a Connection, or models/direct.py without a server."""

    def infer(self, model: str, given: Tensor, batches: Batches, wanted: Tensors) -> list[Answer]:
        """Answer each batch, in order; see Connection.infer."""


class _ModelClient:
    """Base of what asks one model of the registry."""

    _name: ClassVar[str]

    def __init__(self, connection: Inference, entry: ModelEntry | None = None) -> None:
        self._connection = connection
        self._entry = entry or read_registry().model(self._name)

    @property
    def model(self) -> str:
        """Name of the model in Triton."""
        return self._entry.triton_folder

    def _batches(self, rows: Sequence[np.ndarray]) -> list[Sequence[np.ndarray]]:
        return in_batches(rows, min(BATCH, self._entry.served.max_batch or 1))

    def _ask(self, batches: Batches, wanted: Tensors) -> list[Answer]:
        folder, given = self._entry.triton_folder, self._entry.inputs[0]
        return self._connection.infer(folder, given, batches, wanted)


class Detector(_ModelClient):
    """Persons and vehicles in whole pictures, by any detector of the registry."""

    def __init__(
        self,
        connection: Inference,
        name: str = USUAL_DETECTOR,
        *,
        min_score: float = WEAKEST_SCORE,
    ) -> None:
        """Ask by a connection; what scores below `min_score` on the common scale is left out.

        Raises:
            Stop: there is no such detector, or its folder is not whole.
        """
        entry = read_registry().model(name)
        if entry.detects is None or entry.side_px is None:
            raise Stop(f"model {name!r} is no detector; these are: {_detectors()}")
        super().__init__(connection, entry)
        self.side_px = entry.side_px
        self._to_detections = entry.part("postprocess").to_detections
        self._calibration = read_calibration(entry)
        self.version = version_of(entry)
        self._seen_by = "" if name == USUAL_DETECTOR else self.version
        self._min_score = min_score
        if self._calibration is not None:
            self._min_score = self._calibration.to_given(min_score)

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """Look at frames, of one camera or of many; one answer for each, in order.

        The answer to a frame does not depend on which others it was sent with.

        Raises:
            TryAgain: the server is away, overloaded or too slow; back off before the next call.
            Stop: a frame has the wrong shape, or the server's answer has.
        """
        for frame in frames:
            check_frame(frame, self.side_px)
        batches = self._batches([frame.image_rgb for frame in frames])
        answers = self._ask(batches, self._entry.outputs)
        rows = (
            {name: value[row] for name, value in answer.items()}
            for answer, batch in zip(answers, batches, strict=True)
            for row in range(len(batch))
        )
        return [self._read(frame, row) for frame, row in zip(frames, rows, strict=True)]

    def _read(self, frame: SampledFrame, row: Answer) -> Detections:
        stamp = replace(frame.stamp, seen_by=self._seen_by) if self._seen_by else frame.stamp
        seen: Detections = self._to_detections(stamp, row, self._min_score)
        if self._calibration is None:
            return seen
        return replace(seen, scores=self._calibration.to_common(seen.scores))


def _detectors() -> str:
    return ", ".join(read_registry().detectors)


class Embedder(_ModelClient):
    """Crops as vectors."""

    _name = "embedder"

    def embed(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """Describe crops, each (h, w, 3) uint8 of any size, by what they look like.

        Returns:
            (n, 1280) float32, each row of unit length.
        Raises:
            PutAside: a crop is empty.
            TryAgain, Stop: as Detector.detect.
        """
        output = self._entry.outputs[0]
        fitted = [crops.fit(crop) for crop in crops_rgb]
        answers = self._ask(self._batches(fitted), [output])
        if not answers:
            return np.empty((0, output.shape[1]), np.float32)
        return embedding.to_unit_length(np.concatenate([a[output.name] for a in answers]))


class LikenessEncoder(_ModelClient):
    """Persons as vectors that tell them apart; an optional model."""

    _name = "likeness"

    def describe(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """Describe persons, each their box's (h, w, 3) uint8 of any size, by what tells them apart.

        Returns:
            (n, 256) float32, each row of unit length.
        Raises:
            PutAside: a crop is empty.
            TryAgain, Stop: as Detector.detect.
        """
        output = self._entry.outputs[0]
        answers = self._ask(self._batches([squeeze(crop) for crop in crops_rgb]), [output])
        if not answers:
            return np.empty((0, output.shape[1]), np.float32)
        vectors = np.concatenate([answer[output.name] for answer in answers])
        return embedding.to_unit_length(vectors, "the likeness model")


class FaceDetector(_ModelClient):
    """Faces in pictures."""

    _name = "face_detector"

    def find(self, image_rgb: np.ndarray, min_score: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
        """Find faces in one picture, (h, w, 3) uint8 of any size; larger ones are shrunk.

        The least score is low: a mask should rather cover one thing too many.

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
        _, height, width, _ = self._entry.inputs[0].shape
        pictures = [face_pictures.squeeze(image, height, width) for image in images_rgb]
        answers = self._ask([[picture] for picture in pictures], self._entry.outputs)
        found = []
        for image, answer in zip(images_rgb, answers, strict=True):
            heatmap, scale, offset = (answer[tensor.name][0] for tensor in self._entry.outputs)
            height_px, width_px = image.shape[:2]
            found.append(faces.to_boxes(heatmap, scale, offset, height_px, width_px, min_score))
        return found


def find_likeness(connection: Connection) -> LikenessEncoder | None:
    """Return the likeness model of a server; None where it has none; TryAgain where it is away."""
    encoder = LikenessEncoder(connection)
    return encoder if connection.has_model(encoder.model) else None


def in_batches(rows: Sequence[np.ndarray], size: int) -> list[Sequence[np.ndarray]]:
    """Cut rows into batches of `size`, in order; the last may be smaller, no rows are no batch."""
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def check_frame(frame: SampledFrame, side_px: int) -> None:
    """Raise Stop unless the picture is what the detector takes."""
    image = frame.image_rgb
    if image.shape != (side_px, side_px, 3) or image.dtype != np.uint8:
        raise Stop(
            f"{frame.stamp.camera_id}: a sampled frame should be ({side_px}, {side_px}, 3) uint8, "
            f"got {image.shape} {image.dtype}"
        )
