"""Watch one rule on one camera: its hours, its condition, its ladder."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import numpy as np
import shapely
from pydantic import AwareDatetime

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.cameras.status import WATCHED, CameraNotice
from domain.cameras.steady_clock import SteadyClock
from domain.events.catalog import Event, Mark, OffenceOpened
from domain.events.commands import CommandKind, Refusal
from domain.events.refusals import refuse
from domain.events.wall_time import Convert, in_steady_time, in_wall_time, same_time
from domain.picture_digest import CLEAR, PictureTrust
from domain.rule_key import RuleKey
from domain.saved_state import Saved, StateFormat
from domain.site.cameras import Camera
from domain.site.rules import Rule
from domain.site.site import Site
from domain.tracks import SubjectKey, TrackedFrame
from flows.camera_health.warn_gate import WarnGate
from flows.conditions.build import build_condition
from flows.conditions.condition import Evaluator, Holding, Memory, Scene
from flows.escalation.call_pauses import CallPauses, Find, call_pauses_of
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.ladder import RuleLadder
from flows.escalation.marked_offences import MarkedOffences, MarkedState
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.repeat_offenders import Past
from flows.escalation.requests import missing_requests, with_requests
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import OffenceKey
from flows.opening_hours import Hours
from flows.speech.voice.wording import Surroundings


@dataclass
class RuleState:
    """Hold what a restart needs; small."""

    offences: dict[OffenceKey, Offence] = field(default_factory=dict)
    last_at: AwareDatetime | None = None
    memory: Memory = field(default_factory=dict)
    condition: str = ""  # whose memory it is: the rule's condition as JSON
    past: dict[SubjectKey, Past] = field(default_factory=dict)
    held: list[PendingCommand] = field(default_factory=list)
    sight: PictureTrust = CLEAR
    marked: MarkedState = field(default_factory=MarkedState)


RULE_FORMAT = StateFormat[RuleState](RuleState)


class RuleWatch:
    """Look at the tracked frames of one camera, in order; a plain class."""

    def __init__(
        self,
        site: Site,
        rule: Rule,
        condition: Evaluator,
        ladder: RuleLadder,
        hours: Hours,
        marked: MarkedOffences,
        wall: Convert = same_time,
    ) -> None:
        self._site = site
        self._rule = rule
        self._condition = condition
        self._hours = hours
        self.wall = wall  # what the wall's clock said at a moment of event time
        self._memory: Memory = {}
        self.ladder = ladder
        self.marked = marked  # what people have started
        self._no_pictures: BothLanguages | None = None  # why; None: there are some

    def step(self, tracked: TrackedFrame) -> list[Event]:
        """Return the events that one frame causes; outside the rule's hours nobody watches any more."""
        events: list[Event] = []
        self._no_pictures = None
        for link in tracked.links:
            self._condition.renumber(link, self._memory)
            events += self.ladder.renumber(link, tracked.frame.captured_at)
        if not self._hours.apply_at(tracked.frame.wall_at):
            lost = self.ladder.lose_sight(trouble("hours_ended"))
            held = self.ladder.take_held(tracked.frame.captured_at)
            lost += self.marked.refuse_starts() + self.marked.lose_all(trouble("hours_ended"))
            return self._told(events + lost + held)
        holdings = self.look(tracked)
        outlook = Outlook(tracked, self._look_ahead)
        for out in self.ladder.come_out(holdings, outlook):
            for link in out.links():
                self._condition.renumber(link, self._memory)
        events += self.ladder.step(tracked.frame, holdings, tracked.sight, tracked.matches, outlook)
        events += self.marked.step(tracked.frame, tracked.sight)
        return self._told(events)

    def look(self, tracked: TrackedFrame) -> list[Holding]:
        """Return what the rule's condition says of everybody seen."""
        strong = _at_least(tracked, self._rule.min_score)
        return self._condition.look(Scene(strong), self._memory)

    def _look_ahead(self, tracked: TrackedFrame) -> list[Holding]:
        """Return what the condition would say; it remembers nothing of it."""
        return self._condition.look(Scene(tracked), deepcopy(self._memory))

    def notice(self, notice: CameraNotice) -> list[Event]:
        """Return the events that news of the camera causes."""
        events, self._no_pictures = self.ladder.notice(notice), None
        if notice.status not in WATCHED:
            self._no_pictures = notice.said or trouble("footage_ended")
            events += self.marked.lose_all(self._no_pictures)
        return self._told(events)

    def command(self, pending: PendingCommand) -> list[Event]:
        """Return the events that an operator's command causes."""
        given = pending.given
        if given.command is CommandKind.START and self._no_pictures and not pending.is_answered:
            # the next picture may be hours away, and nobody should wait for an answer until then
            return [refuse(pending.event, Refusal.NOT_FIT, self._no_pictures.en)]
        if given.command is CommandKind.START or self.marked.knows(given.offence_id):
            return self._told(self.marked.command(pending, self.ladder.sight))
        return self._told(self.ladder.command(pending))

    def _told(self, events: list[Event]) -> list[Event]:
        """Return events as they are told: in the wall's time, with what they ask for."""
        return with_requests([in_wall_time(each, self.wall) for each in events], self._site)

    def adopt(
        self, stories: Mapping[str, Sequence[Event]], broken_at: datetime | None = None
    ) -> list[Event]:
        """Go on with a live camera from what the log has; return the events that a crash kept out of it.

        Args:
            stories: as RuleLadder.adopt takes them, in the wall's time.
            broken_at: as RuleLadder.adopt takes it.
        """
        since = self.ladder.last_at
        counted = {name: [in_steady_time(e) for e in story] for name, story in stories.items()}
        by_hand = {name: story for name, story in counted.items() if _is_marked(story)}
        others = {name: story for name, story in counted.items() if name not in by_hand}
        self.ladder.adopt(others, broken_at)
        self.marked.adopt(by_hand, broken_at)
        if since is None:
            return []
        return [
            each
            for story in stories.values()
            for each in missing_requests(story, since, self._site)
        ]

    def save(self) -> Saved:
        """Return a copy: it is written later, when the rule has moved on."""
        ladder = self.ladder
        state = RuleState(
            ladder.offences,
            ladder.last_at,
            self._memory,
            self._rule.condition.model_dump_json(),
            ladder.repeats.past,
            ladder.held,
            ladder.sight,
            self.marked.state,
        )
        return RULE_FORMAT.save(state)

    def restore(self, saved: Saved) -> None:
        """Go on from a saved state.

        Raises:
            StateUnusable: it cannot be read.
        """
        state = RULE_FORMAT.restore(saved)
        self.ladder.restore(state.offences, state.last_at, state.past, state.held, state.sight)
        self.marked.restore(state.marked)
        # the site file may ask for another condition now, which cannot read this memory
        if state.condition == self._rule.condition.model_dump_json():
            self._memory = state.memory


def watch_keys(site: Site) -> dict[str, list[RuleKey]]:
    """Return the keys of the rules that watch each camera, in the order of the site file.

    Raises:
        Stop: a zone crosses itself, or hours cannot be read.
    """
    return {
        camera.id: [
            RuleKey(camera.id, rule.id) for rule in site.rules if make_watch(site, camera, rule)
        ]
        for camera in site.cameras
    }


def watch_of(
    site: Site,
    key: RuleKey,
    find: Find | None = None,
    live_cameras: Collection[str] = (),
    steady: SteadyClock | None = None,
) -> RuleWatch:
    """Make the watch of one key.

    Args:
        site: has the rule and the camera.
        key: one of watch_keys().
        find: an event of the log by its id: what came of calls; None: nobody asks.
        live_cameras: whose calls may be heard by somebody.
        steady: what the camera's frames are stamped by; None: they have a clock of their own.
    """
    camera, rule = site.camera(key.camera_id), site.rule(key.rule_id)
    ladder = site.ladder(rule.ladder)
    wall = steady.wall if steady else same_time
    of_wall = steady.of_wall if steady else same_time
    pauses = find and call_pauses_of(site, key.camera_id, ladder, find, live_cameras, of_wall)
    watch = make_watch(site, camera, rule, pauses or None, wall, find)
    assert watch is not None, key
    return watch


def make_watch(
    site: Site,
    camera: Camera,
    rule: Rule,
    pauses: CallPauses | None = None,
    wall: Convert = same_time,
    find: Find | None = None,
) -> RuleWatch | None:
    """Make the watch of a rule; None where the camera does not see the rule's places."""
    condition = build_condition(rule.condition, camera)
    if condition is None:
        return None
    climbs = site.ladder(rule.ladder)
    surroundings = Surroundings.of(site, camera)
    writer = OffenceWriter(site.site.id, camera.id, rule, climbs, surroundings, wall)
    hours = Hours(f"rule {rule.id!r}", rule.hours, site.site.timezone, site.site.country)
    gate = WarnGate(site, camera.id, rule.id)
    tools = (rule, climbs, writer, gate, site.operators, pauses)
    known = find or (lambda event_id: None)
    marked = MarkedOffences(*tools, place_at=partial(_place_at, camera, rule), find=known)
    return RuleWatch(site, rule, condition, RuleLadder(*tools), hours, marked, wall)


def _place_at(camera: Camera, rule: Rule, mark: Mark) -> str:
    """Name the rule's zone that a mark lies in; where it lies in none, its first place on this camera."""
    seen = [zone for zone in camera.zones if zone.id in rule.condition.places()]
    for zone in seen:
        if shapely.intersects_xy(shapely.Polygon(zone.polygon), mark.x, mark.y):
            return zone.id
    places = {zone.id for zone in camera.zones} | {line.id for line in camera.lines}
    return next((place for place in rule.condition.places() if place in places), camera.id)


def _is_marked(story: Sequence[Event]) -> bool:
    """Tell whether an offence was started by hand."""
    opened = story[0].data
    return isinstance(opened, OffenceOpened) and opened.by_hand is not None


def _at_least(tracked: TrackedFrame, min_score: float) -> TrackedFrame:
    """Keep those who were seen that well now or a moment ago."""
    scores = tracked.scores if tracked.steady_scores is None else tracked.steady_scores
    keep = np.asarray(scores >= min_score)
    return tracked if keep.all() else tracked.keep(keep)
