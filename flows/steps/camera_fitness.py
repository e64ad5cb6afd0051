"""Whether a camera is fit to warn, frame by frame, and the events that tell of changes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from bytewax.operators import StatefulBatchLogic

from domain.cameras import CameraNotice
from domain.detections import Detections
from domain.events import CameraFitness, Event
from domain.fitness import explain
from domain.ids import mint
from domain.looks import Sight
from domain.site import Site
from flows.steps.picture_health import HealthState, PictureHealth
from flows.steps.warn_gate import WarnGate


@dataclass(slots=True)
class FitnessState:
    """What a restart needs; small."""

    view: str = ""  # which view is usual: a new technical review makes the camera learn it anew
    health: HealthState = field(default_factory=HealthState)
    told: tuple[str, ...] = ()  # reasons in the last event; () at first, so fit is not told


class FitnessWatch:
    """Judges one camera; a plain class, callable with no stream running."""

    def __init__(self, site: Site, camera_id: str, resume: FitnessState | None = None) -> None:
        self._site_id, self._camera_id = site.site.id, camera_id
        self._gate = WarnGate(site, camera_id, None)
        view = _reviewed_view(site, camera_id)
        known = resume if resume is not None and resume.view == view else None
        told = resume.told if resume is not None else ()
        self._health = PictureHealth(copy.deepcopy(known.health) if known else None)
        self.state = FitnessState(view, self._health.state, told)

    def step(self, seen: Detections) -> list[Detections | Event]:
        """The same detections with how far the picture can be believed, after news if there is any."""
        at = seen.frame.captured_at
        if seen.look is not None:
            self._health.step(seen.look, at)
        picture = Sight(tuple(fault.value for fault in self._health.faults))
        reasons = self._gate.why_withheld(picture, at)
        sight = Sight(picture.faults, self._health.is_in_doubt, reasons[len(picture.faults) :])
        news: list[Detections | Event] = (
            [] if reasons == self.state.told else [self._tell(reasons, at)]
        )
        return [*news, replace(seen, look=None, sight=sight)]

    def _tell(self, reasons: tuple[str, ...], at: datetime) -> Event:
        self.state.told = reasons
        return Event(
            id=mint("evt", self._site_id, self._camera_id, "fitness", at),
            source=f"forewarn/{self._site_id}/{self._camera_id}",
            subject=self._camera_id,
            time=at,
            data=CameraFitness(
                site_id=self._site_id,
                camera_id=self._camera_id,
                is_fit=not reasons,
                reasons=reasons,
                explanation=explain(reasons),
            ),
        )


def _reviewed_view(site: Site, camera_id: str) -> str:
    record = site.camera(camera_id).compliance
    review = record.technical_review if record else None
    return review.date.isoformat() if review else ""


FitnessItem = Detections | CameraNotice


class FitnessLogic(StatefulBatchLogic[FitnessItem, FitnessItem | Event, FitnessState]):
    """Bytewax's face of FitnessWatch, one for each camera."""

    def __init__(
        self, make: Callable[[str, FitnessState | None], FitnessWatch], resume: FitnessState | None
    ) -> None:
        self._make = make
        self._resume = resume
        self._watch: FitnessWatch | None = None

    def on_batch(self, values: list[FitnessItem]) -> tuple[list[FitnessItem | Event], bool]:
        """What came, in order, with news between; notices pass through."""
        out: list[FitnessItem | Event] = []
        for value in values:
            if isinstance(value, CameraNotice):
                out.append(value)
            else:
                out += self._watch_of(value.frame.camera_id).step(value)
        return out, StatefulBatchLogic.RETAIN

    def _watch_of(self, camera_id: str) -> FitnessWatch:
        if self._watch is None:
            self._watch = self._make(camera_id, self._resume)
        return self._watch

    def on_eof(self) -> tuple[list[FitnessItem | Event], bool]:
        """A stop changes nothing about the camera."""
        return [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> FitnessState:
        """A copy: Bytewax pickles it later, when the watch has moved on."""
        if self._watch is None:
            return self._resume or FitnessState()
        return copy.deepcopy(self._watch.state)
