"""Choose each camera's detector, and ask each frame's own.

The site file names one; a camera keeps the usual one where its rules mean classes that the named one
does not tell apart, and where the named one cannot be used. Whoever chooses says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.detections import Detections
from domain.errors import Stop, TryAgain
from domain.frames import SampledFrame
from domain.site.site import Site
from models.registry import USUAL_DETECTOR, Registry

GONE_AFTER_S = 30.0  # a server that loads a model again has it back before


@dataclass(frozen=True, slots=True)
class ChosenDetector:
    """A camera's detector, and why it is another than the site file names."""

    camera_id: str
    name: str
    why_not_wanted: str = ""  # "": it is the one that is named


def choose_detectors(
    site: Site, registry: Registry, can_be_used: Container[str]
) -> list[ChosenDetector]:
    """Choose for every camera, in the site file's order.

    Raises:
        Stop: the site file names a detector that there is not.
    """
    return [_choose(site, camera.id, registry, can_be_used) for camera in site.cameras]


def _choose(
    site: Site, camera_id: str, registry: Registry, can_be_used: Container[str]
) -> ChosenDetector:
    wanted = site.detector_wanted(camera_id)
    if wanted == USUAL_DETECTOR:
        return ChosenDetector(camera_id, USUAL_DETECTOR)
    detects = registry.model(wanted).detects if wanted in registry.names else None
    if detects is None:
        known = ", ".join(registry.detectors)
        raise Stop(f"{camera_id}: {wanted!r} is no detector; these are: {known}")
    asked = [
        classes
        for rule in site.rules_watching(camera_id)
        for classes in rule.condition.class_sets()
    ]
    if missing := {name for classes in asked for name in detects.cannot_answer(classes)}:
        together = [" or ".join(group) for group in detects.groups]
        why = (
            f"it does not tell apart what rules mean there, {', '.join(sorted(missing))}: it knows "
            f"{'; '.join(together)}, and a rule may name such a group whole"
        )
        return ChosenDetector(camera_id, USUAL_DETECTOR, why)
    if wanted not in can_be_used:
        return ChosenDetector(
            camera_id, USUAL_DETECTOR, "the server does not have it, or it answers wrongly"
        )
    return ChosenDetector(camera_id, wanted)


class PictureDetector(Protocol):
    """Looks at pictures of one size; models/serving has the one that asks Triton."""

    side_px: int

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """Return one Detections for each frame, in order; raises TryAgain when the server is away."""


class CameraDetectors:
    """Asks about each frame the detector of its camera."""

    def __init__(
        self,
        chosen: Sequence[ChosenDetector],
        detectors: Mapping[str, PictureDetector],
        is_gone: Callable[[str], bool] = lambda name: False,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take what was chosen, and every detector in it by its name.

        `is_gone` tells of one that a server has no longer while it has the usual one.
        """
        self._of_camera = {each.camera_id: detectors[each.name] for each in chosen}
        self._names = {each.camera_id: each.name for each in chosen}
        self._is_gone, self._clock_s = is_gone, clock_s
        self._gone_since_s: dict[str, float] = {}

    def side_px_of(self, camera_id: str) -> int:
        """Side of the square pictures that a camera's detector takes."""
        return self._of_camera[camera_id].side_px

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        """Return one Detections for each frame, in order.

        Raises:
            TryAgain: the server is away.
            Stop: it has lost a detector for good; whoever starts again chooses the usual one.
        """
        places: dict[int, list[int]] = {}
        for place, frame in enumerate(frames):
            places.setdefault(id(self._of_camera[frame.stamp.camera_id]), []).append(place)
        answers: dict[int, Detections] = {}
        for rows in places.values():
            camera_id = frames[rows[0]].stamp.camera_id
            try:
                seen = self._of_camera[camera_id].detect([frames[row] for row in rows])
            except TryAgain:
                self._check_is_there(self._names[camera_id])
                raise
            answers.update(zip(rows, seen, strict=True))
        return [answers[place] for place in range(len(frames))]

    def _check_is_there(self, name: str) -> None:
        """Raise Stop where a detector has been gone for so long: all cameras would wait for it."""
        if name == USUAL_DETECTOR or not self._is_gone(name):
            self._gone_since_s.pop(name, None)
            return
        now_s = self._clock_s()
        if now_s - self._gone_since_s.setdefault(name, now_s) >= GONE_AFTER_S:
            raise Stop(f"the server has lost the detector {name!r}; cameras get the usual one")
