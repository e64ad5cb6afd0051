"""Ask a server known questions, to prove that its answers are right.

A server can be up, say that it is ready, and answer nothing or nonsense: with NumPy 2 in its
environment it sees zeros and returns empty arrays; another model may lie in its repository.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import numpy as np

from domain.detections import Detections
from domain.errors import Stop
from domain.frames import FrameStamp, SampledFrame
from models.embedder import golden as golden_embedding
from models.face_detector import golden as golden_face
from models.likeness import golden as golden_likeness
from models.person_detector import golden as golden_persons
from models.person_detector.preprocess import SIDE_PX
from models.registry import read_registry
from models.serving.client import Detector, Embedder, FaceDetector, Inference, LikenessEncoder
from models.serving.connection import Connection

MODELS = read_registry().required
OPTIONAL = tuple(name for name in read_registry().names if name not in MODELS)


def check_answers(connection: Connection) -> None:
    """Compare the server's answers to known pictures with those of the original models.

    Raises:
        Stop: a model is not loaded, or an answer is empty or wrong; the message has what came.
        TryAgain: the server is away.
    """
    connection.check_models_ready(MODELS)
    there = tuple(name for name in OPTIONAL if connection.has_model(name))
    if faults := find_faults(connection, MODELS + there):
        raise Stop(
            f"Triton at {connection.address} answers, but wrongly:\n"
            + "\n".join(f"  {fault}" for fault in faults)
            + "\nare its models those of `forewarn models build`, and is NumPy below 2 in its "
            "environment?"
        )


def find_faults(inference: Inference, models: tuple[str, ...] = MODELS) -> list[str]:
    """Find what is wrong with the answers to the known pictures; [] if nothing is."""
    return [f"{name}: {fault}" for name in models for fault in _CHECKS[name](inference)]


def _check_detector(inference: Inference) -> list[str]:
    pictures = golden_persons.read_golden()
    frames = [SampledFrame(_stamp(picture.name), picture.image_rgb) for picture in pictures]
    detector = Detector(inference)
    together = detector.detect(frames)
    faults = [
        fault
        for picture, came in zip(pictures, together, strict=True)
        for fault in golden_persons.differences(picture, came)
    ]
    alone = [detector.detect([frame])[0] for frame in frames]
    if any(map(_differ, together, alone)):
        # batches form by chance: the same footage would not give the same events twice
        faults.append(
            "a picture's answer depends on what it is sent with; take CHUNK out of "
            "triton_repo/detector/config.pbtxt"
        )
    return faults


def _differ(one: Detections, other: Detections) -> bool:
    return not (
        np.array_equal(one.scores, other.scores)
        and np.array_equal(one.boxes_xyxy, other.boxes_xyxy)
        and np.array_equal(one.class_ids, other.class_ids)
    )


def _check_embedder(inference: Inference) -> list[str]:
    came = Embedder(inference).embed([golden_embedding.golden_crop()])
    return golden_embedding.differences(golden_embedding.read_golden(), came[0])


def _check_face_detector(inference: Inference) -> list[str]:
    golden = golden_face.read_golden()
    return golden_face.differences(golden, *FaceDetector(inference).find(golden.image_rgb))


def _check_likeness(inference: Inference) -> list[str]:
    came = LikenessEncoder(inference).describe(golden_likeness.golden_crops())
    return golden_likeness.differences(golden_likeness.read_golden(), came)


_CHECKS = {
    "detector": _check_detector,
    "embedder": _check_embedder,
    "face_detector": _check_face_detector,
    "likeness": _check_likeness,
}


def _stamp(name: str) -> FrameStamp:
    """Make a stamp whose pixels are the golden picture's own."""
    return FrameStamp(
        camera_id=name,
        pts=0,
        time_base=Fraction(1),
        media_time_s=0.0,
        captured_at=datetime(2026, 1, 1, tzinfo=UTC),
        width_px=SIDE_PX,
        height_px=SIDE_PX,
    )
