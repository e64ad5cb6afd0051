"""The watch flow: cameras -> detections -> tracks -> rules' conditions and ladders -> events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream
from bytewax.inputs import Source
from bytewax.operators import KeyedStream
from bytewax.outputs import DynamicSink, Sink, StatelessSinkPartition

from domain.cameras import CameraNotice
from domain.classes import COCO_IDS
from domain.detections import Detections
from domain.events import CameraChanged, Event
from domain.ids import mint
from domain.site import Site
from domain.tracks import TrackedFrame
from event_log.rows import LoggedEvent
from flows.live_board import LiveBoard
from flows.sources.camera_shard import ShardItem
from flows.speech.holds import SiteHolds
from flows.steps.camera_fitness import FitnessItem, FitnessLogic, FitnessState, FitnessWatch
from flows.steps.ladder_step import LadderLogic, RuleItem, RuleStandings
from flows.steps.rule_watch import RuleState, RuleWatch, watch_keys, watch_of
from flows.steps.take_up import Desk, Pending, take_up
from flows.steps.track import CameraTracker, TrackerState, TrackLogic
from flows.told_offences import ToldOffences

FLOW_ID = "watch"


@dataclass(frozen=True)
class CommandParts:
    """Where operators' commands come from."""

    commands: Source[LoggedEvent]  # CommandGiven only
    find: Callable[[str], LoggedEvent | None]  # an event of the log by its id
    about: Callable[[str], list[LoggedEvent]]  # events of the log about an offence
    live_cameras: frozenset[str] = frozenset()  # the others play recordings: never too late
    holds: SiteHolds | None = None  # quiet hours and caps; None: nothing holds words back


@dataclass(frozen=True)
class WatchParts:
    """What the front door hands to the flow."""

    site: Site
    cameras: Source[ShardItem]
    detect: Callable[[list[ShardItem]], Iterable[Detections | CameraNotice]]
    events: Sink[tuple[str, Event]]
    live_board: LiveBoard | None = field(default=None)
    operators: CommandParts | None = None  # None: nobody can interfere
    told: ToldOffences | None = None  # None: no camera is live


def build_watch_flow(parts: WatchParts) -> Dataflow:
    """cameras -> detections -> fitness -> tracks -> rules -> events; commands -> rules

    The step names are part of every saved state: renaming one forgets what it knew.
    """
    site = parts.site
    flow = Dataflow(FLOW_ID)
    frames = op.input("cameras", flow, parts.cameras)
    # pixels end here: everything after carries numbers only
    seen = op.flat_map_batch("detect", frames, parts.detect)
    by_camera = op.key_on("by_camera", seen, _camera_of)
    judged = op.stateful_batch("fitness", by_camera, _fitness_builder(site))
    believed: KeyedStream[FitnessItem] = op.filter_map_value("believed", judged, _no_event)
    tracked = op.stateful_batch("track", believed, _track_builder(site))
    by_rule = op.flat_map("by_rule", tracked, _rule_step(site))
    refused: list[Stream[Event]] = []
    if parts.operators is not None:
        asked, refused = _take_up_commands(flow, site, parts.operators)
        by_rule = op.merge("with_commands", by_rule, asked)
    climbed = op.stateful_batch("ladder", by_rule, _ladder_builder(parts))
    offences = op.filter_map("offences", op.key_rm("unkey", climbed), _only_event)
    cameras = op.filter_map("camera_news", op.key_rm("unkey_news", tracked), _camera_event(site))
    fitness = op.filter_map("fitness_news", op.key_rm("unkey_fitness", judged), _only_event)
    told = op.merge("all", offences, cameras, fitness, *refused)
    events = op.key_on("by_site", told, lambda event: site.site.id)
    op.output("events", events, parts.events)
    if parts.live_board is not None:
        shown = op.merge(
            "shown",
            op.filter_map("sightings", seen, _only_sighting),
            op.key_rm("unkey_tracked", tracked),
            op.filter_map("standings", op.key_rm("unkey_climbed", climbed), _only_standings),
        )
        op.output("live", shown, LiveSink(parts.live_board))
    return flow


def _take_up_commands(
    flow: Dataflow, site: Site, parts: CommandParts
) -> tuple[KeyedStream[tuple[str, RuleItem]], list[Stream[Event]]]:
    """Commands for each rule's ladder, and those that are refused before they get there."""
    keys = frozenset(key for keys in watch_keys(site).values() for key in keys)
    live, useful_for_s = parts.live_cameras, site.calls.useful_for_s
    desk = Desk(parts.find, parts.about, keys, live, useful_for_s)
    if parts.holds is not None:
        desk = replace(desk, why_held=parts.holds.why_held)
    given = op.input("commands", flow, parts.commands)
    taken: Stream[Pending | Event] = op.filter_map(
        "take_up", given, lambda logged: take_up(logged, desk)
    )
    asked = op.filter_map("commands_by_rule", taken, _keyed_command)
    return asked, [op.filter_map("refused", taken, _only_event)]


def _keyed_command(item: Pending | Event) -> tuple[str, tuple[str, RuleItem]] | None:
    if not isinstance(item, Pending):
        return None
    key = f"{item.given.camera_id}|{item.given.rule_id}"
    return key, (key, item)


def _camera_of(item: Detections | CameraNotice) -> str:
    return item.camera_id if isinstance(item, CameraNotice) else item.frame.camera_id


def _fitness_builder(site: Site) -> Callable[[FitnessState | None], FitnessLogic]:
    return lambda resume: FitnessLogic(
        lambda camera_id, state: FitnessWatch(site, camera_id, state), resume
    )


def tracker_for(site: Site, camera_id: str) -> CameraTracker:
    """The tracker of one camera; it follows whatever the site's most lenient rule may use."""
    lowest = min((rule.min_score for rule in site.rules), default=0.3)
    return CameraTracker(
        site.camera(camera_id).analyse_fps,
        lowest,
        class_ids=followed_classes(site),
        # colours of people are kept no longer than some ladder asks for
        repeat_window_s=max((ladder.repeat_window_s for ladder in site.ladders), default=0.0),
    )


def followed_classes(site: Site) -> frozenset[int]:
    """COCO categories that any rule looks for; people, where there is no rule."""
    names = {name for rule in site.rules for name in rule.condition.class_names()}
    return frozenset(COCO_IDS[name] for name in names or {"person"})


def _track_builder(site: Site) -> Callable[[TrackerState | None], TrackLogic]:
    return lambda resume: TrackLogic(lambda camera_id: tracker_for(site, camera_id), resume)


def _rule_step(
    site: Site,
) -> Callable[[tuple[str, RuleItem]], list[tuple[str, tuple[str, RuleItem]]]]:
    keys = watch_keys(site)

    def fan_out(keyed: tuple[str, RuleItem]) -> list[tuple[str, tuple[str, RuleItem]]]:
        camera_id, item = keyed
        return [(key, (key, item)) for key in keys.get(camera_id, [])]

    return fan_out


def _ladder_builder(parts: WatchParts) -> Callable[[RuleState | None], LadderLogic]:
    tells = parts.live_board is not None
    find = parts.operators.find if parts.operators else None
    live = parts.operators.live_cameras if parts.operators else ()
    return lambda resume: LadderLogic(
        lambda key: watch_of(parts.site, key, find, live),
        resume,
        tells_standings=tells,
        adopt=_adopter(parts),
    )


def _adopter(parts: WatchParts) -> Callable[[str, RuleWatch], list[Event]]:
    """Brings a rule that watches a live camera to where the log is."""
    told = parts.told

    def adopt(key: str, watch: RuleWatch) -> list[Event]:
        if told is None or not told.covers(key):
            return []
        ladder = watch.ladder
        known = [ladder.id_of(each) for each in ladder.offences.values()]
        return watch.adopt(told.stories(key, known, ladder.last_at))

    return adopt


def _only_event(item: Event | RuleStandings | FitnessItem | Pending) -> Event | None:
    return item if isinstance(item, Event) else None


def _only_sighting(item: Detections | CameraNotice) -> Detections | None:
    return item if isinstance(item, Detections) else None


def _only_standings(item: Event | RuleStandings) -> RuleStandings | None:
    return item if isinstance(item, RuleStandings) else None


def _camera_event(site: Site) -> Callable[[TrackedFrame | CameraNotice], Event | None]:
    def write(item: TrackedFrame | CameraNotice) -> Event | None:
        if not isinstance(item, CameraNotice):
            return None
        return Event(
            id=mint("evt", site.site.id, item.camera_id, item.status, item.at),
            source=f"forewarn/{site.site.id}/{item.camera_id}",
            subject=item.camera_id,
            time=item.at,
            data=CameraChanged(
                site_id=site.site.id,
                camera_id=item.camera_id,
                status=item.status,
                reason=item.reason,
                reason_zh=item.reason_zh,
                frames_read=item.counts.frames_read,
                frames_put_aside=item.counts.frames_put_aside,
            ),
        )

    return write


def _no_event(item: FitnessItem | Event) -> FitnessItem | None:
    return None if isinstance(item, Event) else item


class _LivePartition(StatelessSinkPartition[Any]):
    def __init__(self, board: LiveBoard) -> None:
        self._board = board

    def write_batch(self, items: list[Any]) -> None:
        for item in items:
            self._board.take(item)


class LiveSink(DynamicSink[Any]):
    """Hands what is seen to the live board; not part of any promise, so not saved."""

    def __init__(self, board: LiveBoard) -> None:
        self._board = board

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _LivePartition:
        """One partition a worker; all share the board."""
        return _LivePartition(self._board)
