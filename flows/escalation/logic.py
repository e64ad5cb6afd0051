"""Bytewax adapter for `RuleWatch`; one per camera and rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.cameras.status import CameraNotice
from domain.events.catalog import Event
from domain.rule_key import RuleKey
from domain.saved_state import Saved
from domain.tracks import Track, TrackedFrame
from flows.escalation.command_intake import PendingCommand
from flows.escalation.watched_rule import RULE_FORMAT, RuleState, RuleWatch
from flows.keyed_logic import WatcherLogic
from flows.put_aside import StepAside


@dataclass(frozen=True, slots=True)
class SubjectStanding:
    """Say where one subject stands, for the live page."""

    camera_id: str
    track_id: int
    state: str
    rung_number: int
    dwell_s: float


@dataclass(frozen=True, slots=True)
class RuleStandings:
    """Say where everybody under one rule stands after one frame."""

    key: RuleKey
    standings: tuple[SubjectStanding, ...]


RuleItem = TrackedFrame | CameraNotice | PendingCommand
LadderOut = Event | RuleStandings


class LadderLogic(WatcherLogic[tuple[RuleKey, RuleItem], LadderOut, RuleWatch]):
    """Bytewax adapter for `RuleWatch`; one per rule and camera, whose key comes with the items."""

    def __init__(
        self,
        make: Callable[[RuleKey], RuleWatch],
        resume: Saved | None,
        *,
        tells_standings: bool,
        adopt: Callable[[RuleKey, RuleWatch], list[Event]] = lambda key, watch: [],
        aside: StepAside | None = None,
    ) -> None:
        """Begin with no watch.

        Args:
            make: the watch of a key.
            resume: as Bytewax gives it back after a restart.
            tells_standings: also return who stands where after the last frame.
            adopt: called once, before the first item: takes up what happened after the state was
                saved.
            aside: is told what was put aside; None: the log file alone is.
        """
        super().__init__(
            lambda key: make(RuleKey.parse(key)), resume, RULE_FORMAT.save(RuleState()), aside
        )
        self._tells_standings = tells_standings
        self._adopt = adopt

    def key_of(self, item: tuple[RuleKey, RuleItem]) -> str:
        """Return the rule on the camera."""
        return str(item[0])

    def begin(self, watcher: RuleWatch, key: str) -> list[LadderOut]:
        """Take up what happened since the state was saved."""
        return [*self._adopt(RuleKey.parse(key), watcher)]

    def take(self, watcher: RuleWatch, item: tuple[RuleKey, RuleItem]) -> list[LadderOut]:
        """Return events in order."""
        match item[1]:
            case CameraNotice() as notice:
                return [*watcher.notice(notice)]
            case PendingCommand() as command:
                return [*watcher.command(command)]
            case tracked:
                return [*watcher.step(tracked)]

    def sum_up(self, watcher: RuleWatch, key: str) -> list[LadderOut]:
        """Return who stands where after the last item, if anybody asks."""
        return [_standings(RuleKey.parse(key), watcher)] if self._tells_standings else []


def _standings(key: RuleKey, watch: RuleWatch) -> RuleStandings:
    return RuleStandings(
        key=key,
        standings=tuple(
            SubjectStanding(
                camera_id=key.camera_id,
                track_id=subject.number,
                state=offence.state.value,
                rung_number=offence.escalation.next_rung if offence.escalation.calls else 0,
                dwell_s=offence.stay.lasted_s(offence.stay.last.at),
            )
            for subject, offence in watch.ladder.offences.items()
            if isinstance(subject, Track)
        ),
    )
