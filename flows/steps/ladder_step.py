"""Bytewax's face of RuleWatch, one for each camera and rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bytewax.operators import StatefulBatchLogic

from domain.cameras import CameraNotice
from domain.events import Event
from domain.tracks import TrackedFrame
from flows.steps.rule_watch import RuleState, RuleWatch
from flows.steps.take_up import Pending


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one subject stands, for the live page."""

    camera_id: str
    track_id: int
    state: str
    rung_number: int
    dwell_s: float


@dataclass(frozen=True, slots=True)
class RuleStandings:
    """Everybody under one rule after one frame."""

    key: str
    camera_id: str
    standings: tuple[Standing, ...]


RuleItem = TrackedFrame | CameraNotice | Pending
LadderOut = Event | RuleStandings


class LadderLogic(StatefulBatchLogic[tuple[str, RuleItem], LadderOut, RuleState]):
    """Runs one rule on one camera; items carry the key, for Bytewax does not tell it."""

    def __init__(
        self,
        make: Callable[[str], RuleWatch],
        resume: RuleState | None,
        *,
        tells_standings: bool,
        adopt: Callable[[str, RuleWatch], list[Event]] = lambda key, watch: [],
    ) -> None:
        """Args:
        adopt: called once, before the first item: takes up what happened after the state was saved.
        """
        self._make = make
        self._resume = resume
        self._tells_standings = tells_standings
        self._adopt = adopt
        self._watch: RuleWatch | None = None

    def on_batch(self, values: list[tuple[str, RuleItem]]) -> tuple[list[LadderOut], bool]:
        """Events in order; with `tells_standings`, also who stands where after the last frame."""
        key = values[0][0]
        out: list[LadderOut] = []
        if self._watch is None:
            self._watch = self._restored(key)
            out += self._adopt(key, self._watch)
        watch = self._watch
        for _, item in values:
            out += _take(watch, item)
        if self._tells_standings:
            out.append(_standings(key, watch))
        return out, StatefulBatchLogic.RETAIN

    def _restored(self, key: str) -> RuleWatch:
        watch = self._make(key)
        if self._resume is not None:
            watch.restore(self._resume)
        return watch

    def on_eof(self) -> tuple[list[LadderOut], bool]:
        """A stop is not the end of an offence: it goes on after the restart."""
        return [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> RuleState:
        """Called at the end of each epoch in which something came."""
        if self._watch is None:
            return self._resume or RuleState({}, None, {})
        return self._watch.save()


def _take(watch: RuleWatch, item: RuleItem) -> list[Event]:
    match item:
        case CameraNotice():
            return watch.notice(item)
        case Pending():
            return watch.command(item)
        case _:
            return watch.step(item)


def _standings(key: str, watch: RuleWatch) -> RuleStandings:
    camera_id = key.split("|")[0]
    return RuleStandings(
        key=key,
        camera_id=camera_id,
        standings=tuple(
            Standing(
                camera_id=camera_id,
                track_id=int(subject),
                state=offence.state.value,
                rung_number=offence.next_rung if offence.rungs else 0,
                dwell_s=offence.stayed_s(offence.last.at),
            )
            for subject, offence in watch.ladder.offences.items()
            if subject.isdigit()
        ),
    )
