"""Judge frame by frame whether a camera is fit to warn, and log each change as an event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
from pydantic import AwareDatetime

from domain.cameras.status import CameraNotice
from domain.detections import Detections
from domain.events.catalog import CameraFitness, Event
from domain.fitness import Unfit, explain
from domain.ids import mint
from domain.picture_digest import CLEAR, PictureTrust
from domain.saved_state import Saved, StateFormat
from domain.site.site import Site
from flows.camera_health.cells import cells_by_place, occupied_cells
from flows.camera_health.picture_health import HealthState, PictureHealth
from flows.camera_health.warn_gate import WarnGate
from flows.keyed_logic import WatcherLogic
from flows.put_aside import StepAside

# what looks half hidden for longer shows enough: nothing would be said there, and no stay would end
DOUBT = timedelta(seconds=5)


@dataclass(slots=True)
class FitnessState:
    """Hold what a restart needs; small."""

    view: str = ""  # which view is usual: a new technical review makes the camera learn it anew
    health: HealthState = field(default_factory=HealthState)
    logged: tuple[str, ...] = ()  # reasons in the last event; () at first, so fit is not told
    logged_places: tuple[str, ...] = ()  # and the places there
    hidden_since: dict[str, AwareDatetime] = field(default_factory=dict)  # by zone or line
    doubted_since: dict[str, AwareDatetime] = field(default_factory=dict)  # likewise


FITNESS_FORMAT = StateFormat[FitnessState](FitnessState)


class FitnessWatch:
    """Judge one camera; a plain class, callable with no stream running."""

    def __init__(self, site: Site, camera_id: str) -> None:
        self._site_id, self._camera_id = site.site.id, camera_id
        self._gate = WarnGate(site, camera_id, None)
        self._health = PictureHealth()
        self._cells = cells_by_place(site.camera(camera_id))
        self._state = FitnessState(_reviewed_view(site, camera_id), self._health.state)

    def save(self) -> Saved:
        """Return a copy of what a restart needs."""
        return FITNESS_FORMAT.save(self._state)

    def restore(self, saved: Saved) -> None:
        """Go on from a saved state; after a new technical review, the view is learnt anew.

        Raises:
            StateUnusable: it cannot be read.
        """
        known = FITNESS_FORMAT.restore(saved)
        if known.view == self._state.view:
            self._health = PictureHealth(known.health)
        self._state = FitnessState(
            self._state.view,
            self._health.state,
            known.logged,
            known.logged_places,
            known.hidden_since,
            known.doubted_since,
        )

    def step(self, seen: Detections) -> list[Detections | Event]:
        """Return the detections with how far the picture can be believed, after news if there is any."""
        if seen.look is not None:
            frame = seen.frame
            self._health.step(seen.look, frame.captured_at, frame.run, occupied_cells(seen))
        at = seen.frame.wall_at
        sight = self._trust(seen.frame.captured_at, at)
        places = () if sight.faults else tuple(sight.unfit_areas)
        of_picture = sight.faults or tuple(dict.fromkeys(sight.unfit_areas.values()))
        reasons = of_picture + sight.shortcomings
        is_logged = (reasons, places) == (self._state.logged, self._state.logged_places)
        news: list[Detections | Event] = [] if is_logged else [self._news(reasons, places, at)]
        return [*news, replace(seen, look=None, sight=sight)]

    def _trust(self, at: datetime, wall_at: datetime) -> PictureTrust:
        hidden = self._health.hidden
        places, before = self._within(hidden), self._state.hidden_since
        self._state.hidden_since = {
            place: before.get(place) or at - self._looked_so(hidden & self._cells[place])
            for place in places
        }
        return PictureTrust(
            tuple(fault.value for fault in self._health.faults),
            self._health.is_in_doubt,
            self._gate.why_withheld(CLEAR, wall_at),
            dict.fromkeys(places, Unfit.PARTLY_COVERED.value),
            self._state.hidden_since,
            self._doubted(at),
            tuple(np.flatnonzero(hidden).tolist()),
        )

    def _doubted(self, at: datetime) -> tuple[str, ...]:
        """Return the zones and lines of which it will soon be known whether something hides them."""
        places, before = self._within(self._health.doubted), self._state.doubted_since
        self._state.doubted_since = since = {place: before.get(place) or at for place in places}
        return tuple(place for place in places if at - since[place] <= DOUBT)

    def _looked_so(self, cells: np.ndarray) -> timedelta:
        """Return for how long most of the cells have looked hidden."""
        return timedelta(seconds=float(np.median(self._health.looked_so_s[cells])))

    def _within(self, cells: np.ndarray) -> tuple[str, ...]:
        """Return the zones and lines that any of the cells lies in."""
        if not cells.any():
            return ()
        return tuple(place for place, own in self._cells.items() if (own & cells).any())

    def _news(self, reasons: tuple[str, ...], places: tuple[str, ...], at: datetime) -> Event:
        self._state.logged, self._state.logged_places = reasons, places
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
                places=places,
            ),
        )


def _reviewed_view(site: Site, camera_id: str) -> str:
    record = site.camera(camera_id).compliance
    review = record.technical_review if record else None
    return review.date.isoformat() if review else ""


FitnessItem = Detections | CameraNotice


class FitnessLogic(WatcherLogic[FitnessItem, FitnessItem | Event, FitnessWatch]):
    """Bytewax adapter for `FitnessWatch`; one per camera."""

    def __init__(
        self,
        make: Callable[[str], FitnessWatch],
        resume: Saved | None,
        aside: StepAside | None = None,
    ) -> None:
        super().__init__(make, resume, FITNESS_FORMAT.save(FitnessState()), aside)

    def key_of(self, item: FitnessItem) -> str:
        """Return the camera."""
        return item.camera_id if isinstance(item, CameraNotice) else item.frame.camera_id

    def take(self, watcher: FitnessWatch, item: FitnessItem) -> list[FitnessItem | Event]:
        """Return what came, after news if there is any; notices pass through."""
        return [item] if isinstance(item, CameraNotice) else [*watcher.step(item)]
