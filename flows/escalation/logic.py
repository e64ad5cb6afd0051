"""Bytewax adapter for `RuleWatch`; one per camera and rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.cameras.status import CameraNotice
from domain.events.base import Box
from domain.events.catalog import Event
from domain.rule_key import RuleKey
from domain.saved_state import Saved
from domain.tracks import Track, TrackedFrame
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.stays.offence import Offence
from flows.escalation.watched_rule import RULE_FORMAT, RuleState, RuleWatch
from flows.keyed_logic import WatcherLogic
from flows.put_aside import StepAside


@dataclass(frozen=True, slots=True)
class SubjectStanding:
    """Say where one subject stands, for the live page."""

    track_id: int
    offence_id: str
    state: str
    rung_number: int
    dwell_s: float
    box_xyxy: Box  # where they were last
    hidden_since: datetime | None = None  # by the wall's clock; None: seen, or unseen for a moment


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
        return [standings_of(RuleKey.parse(key), watcher)] if self._tells_standings else []


def standings_of(key: RuleKey, watch: RuleWatch) -> RuleStandings:
    """Return who stands where under one rule after its last frame."""
    return RuleStandings(
        key=key,
        standings=tuple(
            _standing(subject, offence, watch)
            for subject, offence in watch.ladder.offences.items()
            if isinstance(subject, Track)
        ),
    )


def _standing(subject: Track, offence: Offence, watch: RuleWatch) -> SubjectStanding:
    stay, climb = offence.stay, offence.escalation
    # of who is hidden the clock goes on
    until = stay.last.at if stay.hidden is None else watch.ladder.last_at or stay.last.at
    return SubjectStanding(
        track_id=subject.number,
        offence_id=watch.ladder.id_of(offence),
        state=offence.state.value,
        rung_number=climb.next_rung if climb.calls else 0,
        dwell_s=stay.lasted_s(until),
        box_xyxy=stay.whereabouts.box_xyxy if stay.whereabouts else stay.last.box_xyxy,
        hidden_since=None if stay.hidden is None else watch.wall(stay.hidden.since),
    )
