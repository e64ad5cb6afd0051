"""Find what is wrong with the detectors that a site file names, and what is better known before."""

from __future__ import annotations

from collections.abc import Container, Iterator

from domain.base import Fault
from domain.site.site import Site
from flows.detection.camera_detectors import choose_detectors
from models.calibration import is_calibrated
from models.registry import USUAL_DETECTOR, Registry


def detector_faults(site: Site, registry: Registry) -> Iterator[Fault]:
    """Yield names of detectors that there are not."""
    words = f"is no detector; these are: {', '.join(registry.detectors)}"
    if site.detector not in registry.detectors:
        yield ("detector",), f"{site.detector!r} {words}"
    for row, camera in enumerate(site.cameras):
        if camera.detector is not None and camera.detector not in registry.detectors:
            yield ("cameras", row, "detector"), f"{camera.detector!r} {words}"


def detector_notes(site: Site, registry: Registry, built: Container[str]) -> Iterator[Fault]:
    """Yield cameras that keep the usual detector, and detectors whose scores mean something else.

    The site file names only detectors that there are; `built` are those of this machine.
    """
    chosen = choose_detectors(site, registry, registry.detectors)
    for row, each in enumerate(chosen):
        if each.why_not_wanted:
            words = f"{each.camera_id} keeps {USUAL_DETECTOR!r}: {each.why_not_wanted}"
            yield ("cameras", row, "id"), words
    for name in sorted({each.name for each in chosen} - {USUAL_DETECTOR}):
        row = next(row for row, each in enumerate(chosen) if each.name == name)
        place = ("detector",) if site.detector == name else ("cameras", row, "detector")
        if name not in built:
            words = f"{name!r} is not built here: {registry.model(name).without}"
            yield place, f"{words}; `forewarn models build {name}` fetches it"
        if not is_calibrated(registry.model(name)):
            words = (
                f"the scores of {name!r} are not calibrated: min_score means something else with it"
            )
            yield place, words
