"""One rule on one camera: its hours, its condition, its ladder."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from domain.camera_trouble import trouble
from domain.cameras import CameraNotice
from domain.events import Event
from domain.looks import CLEAR, Sight
from domain.site import Camera, Rule, Site
from domain.tracks import TrackedFrame
from flows.conditions.build import build_condition
from flows.conditions.condition import Condition, Holding, Memory, Scene
from flows.hours import Hours
from flows.steps.call_words import Surroundings
from flows.steps.heard_calls import Find, HeardCalls, heard_calls_of
from flows.steps.ladder import RuleLadder
from flows.steps.offence import Offence, OffenceWriter
from flows.steps.repeats import Past
from flows.steps.requests import requests_untold, with_requests
from flows.steps.take_up import Pending
from flows.steps.warn_gate import WarnGate


@dataclass
class RuleState:
    """What a restart needs; plain and small."""

    offences: dict[str, Offence]
    last_at: datetime | None
    memory: Memory
    past: dict[str, Past] = field(default_factory=dict)
    held: list[Pending] = field(default_factory=list)
    sight: Sight = CLEAR


class RuleWatch:
    """Looks at the tracked frames of one camera, in order; a plain class."""

    def __init__(
        self, site: Site, rule: Rule, condition: Condition, ladder: RuleLadder, hours: Hours
    ) -> None:
        self._site = site
        self._rule = rule
        self._condition = condition
        self._hours = hours
        self._memory: Memory = {}
        self.ladder = ladder

    def step(self, tracked: TrackedFrame) -> list[Event]:
        """Events that one frame causes; outside the rule's hours nobody watches any more."""
        if not self._hours.apply_at(tracked.frame.captured_at):
            lost = self.ladder.lose_sight(trouble("hours_ended"))
            held = self.ladder.take_held(tracked.frame.captured_at)
            return with_requests(lost + held, self._site)
        for link in tracked.links:
            self.ladder.renumber(link)
        events = self.ladder.step(tracked.frame, self.look(tracked), tracked.sight)
        for link in tracked.links:
            self.ladder.note_recognition(link)
        return with_requests(events, self._site)

    def look(self, tracked: TrackedFrame) -> list[Holding]:
        """What the rule's condition says of everybody seen."""
        strong = _at_least(tracked, self._rule.min_score)
        return self._condition.look(Scene(strong), self._memory)

    def notice(self, notice: CameraNotice) -> list[Event]:
        """Events that news of the camera causes."""
        return with_requests(self.ladder.notice(notice), self._site)

    def command(self, pending: Pending) -> list[Event]:
        """Events that an operator's command causes."""
        return with_requests(self.ladder.command(pending), self._site)

    def adopt(self, stories: Mapping[str, Sequence[Event]]) -> list[Event]:
        """Go on with a live camera from what the log tells; events that a crash kept out of it.

        Args:
            stories: as RuleLadder.adopt takes them.
        """
        since = self.ladder.last_at
        self.ladder.adopt(stories)
        if since is None:
            return []
        told = stories.values()
        return [each for story in told for each in requests_untold(story, since, self._site)]

    def save(self) -> RuleState:
        """A copy: it is written later, when the rule has moved on."""
        ladder = self.ladder
        state = RuleState(
            ladder.offences,
            ladder.last_at,
            self._memory,
            ladder.repeats.past,
            ladder.held,
            ladder.sight,
        )
        return copy.deepcopy(state)

    def restore(self, state: RuleState) -> None:
        """Go on from a saved state."""
        state = copy.deepcopy(state)
        self.ladder.offences, self.ladder.last_at = state.offences, state.last_at
        self._memory, self.ladder.repeats.past = state.memory, state.past
        self.ladder.held, self.ladder.sight = state.held, state.sight


def watch_keys(site: Site) -> dict[str, list[str]]:
    """Keys of the rules that watch each camera, in the order of the site file.

    Raises:
        Stop: a zone crosses itself, or hours cannot be read.
    """
    return {
        camera.id: [
            f"{camera.id}|{rule.id}" for rule in site.rules if make_watch(site, camera, rule)
        ]
        for camera in site.cameras
    }


def watch_of(
    site: Site, key: str, find: Find | None = None, live_cameras: Collection[str] = ()
) -> RuleWatch:
    """The watch of one key.

    Args:
        find: an event of the log by its id: what came of calls; None: nobody asks.
        live_cameras: whose calls may be heard by somebody.
    """
    camera_id, rule_id = key.split("|")
    camera, rule = site.camera(camera_id), site.rule(rule_id)
    ladder = site.ladder(rule.ladder)
    heard = find and heard_calls_of(site, camera_id, ladder, find, live_cameras)
    watch = make_watch(site, camera, rule, heard or None)
    assert watch is not None, key
    return watch


def make_watch(
    site: Site, camera: Camera, rule: Rule, heard: HeardCalls | None = None
) -> RuleWatch | None:
    """One rule on one camera; None where the camera does not see the rule's places."""
    condition = build_condition(rule.condition, camera)
    if condition is None:
        return None
    climbs = site.ladder(rule.ladder)
    surroundings = Surroundings.of(site, camera)
    writer = OffenceWriter(site.site.id, camera.id, rule, climbs, surroundings)
    hours = Hours(f"rule {rule.id!r}", rule.hours, site.site.timezone, site.site.country)
    gate = WarnGate(site, camera.id, rule.id)
    climbing = RuleLadder(rule, climbs, writer, gate, site.operators, heard)
    return RuleWatch(site, rule, condition, climbing, hours)


def _at_least(tracked: TrackedFrame, min_score: float) -> TrackedFrame:
    """Those who were seen that well now or a moment ago."""
    scores = tracked.scores if tracked.steady_scores is None else tracked.steady_scores
    keep = np.asarray(scores >= min_score)
    if keep.all():
        return tracked
    return replace(
        tracked,
        boxes_xyxy=tracked.boxes_xyxy[keep],
        scores=tracked.scores[keep],
        class_ids=tracked.class_ids[keep],
        track_ids=tracked.track_ids[keep],
        steady_scores=scores[keep],
    )
