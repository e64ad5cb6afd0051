"""Wire the watch flow: cameras -> detections -> tracks -> rules' conditions and ladders -> events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow, Stream
from bytewax.inputs import Source
from bytewax.operators import KeyedStream
from bytewax.outputs import DynamicSink, Sink, StatelessSinkPartition

from domain.cameras.status import CameraNotice
from domain.cameras.steady_clock import SteadyClock
from domain.coco_classes import COCO_IDS
from domain.detections import Detections
from domain.events.catalog import CameraChanged, Event
from domain.ids import mint
from domain.rule_key import RuleKey
from domain.saved_state import Formats, Saved
from domain.site.rules import Rule
from domain.site.site import Site
from domain.tracks import TrackedFrame
from event_log.rows import LoggedEvent
from flows.camera_health.fitness import FITNESS_FORMAT, FitnessItem, FitnessLogic, FitnessWatch
from flows.escalation.commands.command_intake import CommandContext, PendingCommand, take_up
from flows.escalation.logic import LadderLogic, RuleItem, RuleStandings
from flows.escalation.restart.logged_offences import LoggedOffences
from flows.escalation.watched_rule import RULE_FORMAT, RuleWatch, watch_keys, watch_of
from flows.live_view.board import LiveBoard
from flows.put_aside import Asides, StepAside
from flows.sources.camera_shard import ShardItem
from flows.sources.event_log import PARTITION as LOG_PARTITION
from flows.sources.event_log import PLACE_FORMAT
from flows.sources.read_positions import POSITIONS_FORMAT
from flows.sources.side_by_side import SideBySide
from flows.speech.holds import SiteHolds
from flows.tracking.track import TRACKER_FORMAT, CameraTracker, TrackLogic

KeyedItem = tuple[RuleKey, RuleItem]  # as it goes to the rule's ladder

FLOW_ID = "watch"
DECIDE_WITHIN_S = 120.0  # who is compared for longer will not be known any better
SAVED_STEPS: Formats = {
    "cameras": POSITIONS_FORMAT,
    f"cameras/{LOG_PARTITION}": PLACE_FORMAT,
    "commands": PLACE_FORMAT,  # of older versions: commands are read from the log's start, once
    "fitness": FITNESS_FORMAT,
    "track": TRACKER_FORMAT,
    "ladder": RULE_FORMAT,
}


@dataclass(frozen=True)
class CommandParts:
    """Name where operators' commands come from."""

    commands: Source[LoggedEvent]  # CommandGiven only
    find: Callable[[str], LoggedEvent | None]  # an event of the log by its id
    about: Callable[[str], list[LoggedEvent]]  # events of the log about an offence
    live_cameras: frozenset[str] = frozenset()  # the others play recordings: never too late
    holds: SiteHolds | None = None  # quiet hours and caps; None: nothing holds words back


@dataclass(frozen=True)
class WatchParts:
    """Hold what the front door hands to the flow."""

    site: Site
    cameras: Source[ShardItem]
    detect: Callable[[list[ShardItem]], Iterable[Detections | CameraNotice]]
    events: Sink[tuple[str, Event]]
    live_board: LiveBoard | None = field(default=None)
    operators: CommandParts | None = None  # None: nobody can interfere
    logged: LoggedOffences | None = None  # None: no camera is live
    asides: Asides = field(default_factory=Asides)  # what steps put aside
    steady: SteadyClock | None = None  # that live frames are stamped by


def build_watch_flow(parts: WatchParts) -> Dataflow:
    """Wire cameras -> detections -> fitness -> tracks -> rules -> events; commands -> rules

    The step names are part of every saved state: renaming one forgets what it knew.
    """
    site, asides = parts.site, parts.asides
    flow = Dataflow(FLOW_ID)
    sources: list[Source[Any]] = [parts.cameras]
    if parts.operators is not None:
        sources.append(parts.operators.commands)
    given = op.input("cameras", flow, SideBySide(sources))
    frames = op.flat_map_batch("frames", given, _frames_of)
    # pixels end here: everything after carries numbers only
    seen = op.flat_map_batch("detect", frames, parts.detect)
    by_camera = op.key_on("by_camera", seen, _camera_of)
    judged = op.stateful_batch("fitness", by_camera, _fitness_builder(site, asides))
    believed: KeyedStream[FitnessItem] = op.filter_map_value("believed", judged, _no_event)
    tracked = op.stateful_batch("track", believed, _track_builder(site, asides))
    by_rule = op.flat_map("by_rule", tracked, asides.step("by_rule").each(_rule_step(site), []))
    refused: list[Stream[Event]] = []
    if parts.operators is not None:
        asked, refused = _take_up_commands(given, parts, parts.operators)
        by_rule = op.merge("with_commands", by_rule, asked)
    climbed = op.stateful_batch("ladder", by_rule, ladder_builder(parts))
    offences = op.filter_map("offences", op.key_rm("unkey", climbed), _only_event)
    write_news = asides.step("camera_news").each(_camera_event(site), None)
    cameras = op.filter_map("camera_news", op.key_rm("unkey_news", tracked), write_news)
    fitness = op.filter_map("fitness_news", op.key_rm("unkey_fitness", judged), _only_event)
    written = op.merge("all", offences, cameras, fitness, *refused)
    events = op.key_on("by_site", written, lambda event: site.site.id)
    op.output("events", events, parts.events)
    if parts.live_board is not None:
        shown = op.merge(
            "shown",
            op.filter_map("sightings", seen, _only_sighting),
            op.key_rm("unkey_tracked", tracked),
            op.filter_map("standings", op.key_rm("unkey_climbed", climbed), _only_standings),
        )
        op.output("live", shown, LiveSink(parts.live_board, asides.step("live")))
    return flow


def _take_up_commands(
    given: Stream[ShardItem | LoggedEvent], all_parts: WatchParts, parts: CommandParts
) -> tuple[KeyedStream[KeyedItem], list[Stream[Event]]]:
    """Return commands for each rule's ladder, and those that are refused before they get there."""
    context = command_context(all_parts, parts)

    def take(logged: LoggedEvent) -> PendingCommand | Event | None:
        return take_up(logged, context)

    guarded = all_parts.asides.step("take_up").each(take, None)
    commands = op.flat_map_batch("commands", given, _commands_of)
    taken: Stream[PendingCommand | Event] = op.filter_map("take_up", commands, guarded)
    asked = op.filter_map("commands_by_rule", taken, _keyed_command)
    return asked, [op.filter_map("refused", taken, _only_event)]


def command_context(all_parts: WatchParts, parts: CommandParts) -> CommandContext:
    """Return what taking up a command needs to know of the flow."""
    site = all_parts.site
    keys = frozenset(key for keys in watch_keys(site).values() for key in keys)
    live, useful_for_s = parts.live_cameras, site.calls.useful_for_s
    context = CommandContext(parts.find, parts.about, keys, live, useful_for_s)
    if all_parts.steady is not None:
        context = replace(context, of_wall=all_parts.steady.of_wall)
    if parts.holds is not None:
        context = replace(context, why_held=parts.holds.why_held)
    return context


def _frames_of(batch: list[ShardItem | LoggedEvent]) -> list[ShardItem]:
    return [item for item in batch if not isinstance(item, LoggedEvent)]


def _commands_of(batch: list[ShardItem | LoggedEvent]) -> list[LoggedEvent]:
    return [item for item in batch if isinstance(item, LoggedEvent)]


def _keyed_command(item: PendingCommand | Event) -> tuple[str, KeyedItem] | None:
    if not isinstance(item, PendingCommand):
        return None
    key = RuleKey(item.given.camera_id, item.given.rule_id)
    return str(key), (key, item)


def _camera_of(item: Detections | CameraNotice) -> str:
    return item.camera_id if isinstance(item, CameraNotice) else item.frame.camera_id


def _fitness_builder(site: Site, asides: Asides) -> Callable[[Saved | None], FitnessLogic]:
    aside = asides.step("fitness", blinds=True)
    return lambda resume: FitnessLogic(
        lambda camera_id: FitnessWatch(site, camera_id), resume, aside
    )


def tracker_for(site: Site, camera_id: str) -> CameraTracker:
    """Make the tracker of one camera: it follows what the most lenient rule there may use."""
    rules = site.rules_watching(camera_id)
    ladders = [site.ladder(rule.ladder) for rule in rules]
    return CameraTracker(
        site.camera(camera_id).analyse_fps,
        min((rule.min_score for rule in rules), default=0.3),
        class_ids=_followed_classes(rules),
        # colours of people are kept no longer than some ladder asks for
        repeat_window_s=max((ladder.repeat_window_s for ladder in ladders), default=0.0),
        # until the last of their offences would open
        decide_within_s=min(
            max((rule.threshold_s for rule in rules), default=0.0), DECIDE_WITHIN_S
        ),
    )


def _followed_classes(rules: Iterable[Rule]) -> frozenset[int]:
    """Return the COCO categories that rules look for; people, where there is no rule."""
    names = {name for rule in rules for name in rule.condition.class_names()}
    return frozenset(COCO_IDS[name] for name in names or {"person"})


def _track_builder(site: Site, asides: Asides) -> Callable[[Saved | None], TrackLogic]:
    aside = asides.step("track", blinds=True)
    return lambda resume: TrackLogic(lambda camera_id: tracker_for(site, camera_id), resume, aside)


def _rule_step(site: Site) -> Callable[[tuple[str, RuleItem]], list[tuple[str, KeyedItem]]]:
    keys = {
        camera_id: [(str(key), key) for key in keys] for camera_id, keys in watch_keys(site).items()
    }

    def fan_out(keyed: tuple[str, RuleItem]) -> list[tuple[str, KeyedItem]]:
        camera_id, item = keyed
        return [(name, (key, item)) for name, key in keys.get(camera_id, [])]

    return fan_out


def ladder_builder(parts: WatchParts) -> Callable[[Saved | None], LadderLogic]:
    """Return what makes the ladder of one rule on one camera, or restores it from what was saved."""
    tells = parts.live_board is not None
    find = parts.operators.find if parts.operators else None
    live = parts.operators.live_cameras if parts.operators else ()
    aside = parts.asides.step("ladder")

    def make(key: RuleKey) -> RuleWatch:
        is_live = parts.logged is not None and parts.logged.covers(key)
        return watch_of(parts.site, key, find, live, parts.steady if is_live else None)

    return lambda resume: LadderLogic(
        make,
        resume,
        tells_standings=tells,
        adopt=_adopter(parts),
        aside=aside,
    )


def _adopter(parts: WatchParts) -> Callable[[RuleKey, RuleWatch], list[Event]]:
    """Bring a rule that watches a live camera to where the log is."""
    logged = parts.logged

    def adopt(key: RuleKey, watch: RuleWatch) -> list[Event]:
        if logged is None or not logged.covers(key):
            return []
        ladder = watch.ladder
        known = [ladder.id_of(each) for each in ladder.offences.values()] + watch.marked.ids
        broken_at = parts.steady.broken_at if parts.steady else None
        return watch.adopt(logged.stories(key, known, ladder.last_at), broken_at)

    return adopt


def _only_event(item: Event | RuleStandings | FitnessItem | PendingCommand) -> Event | None:
    return item if isinstance(item, Event) else None


def _only_sighting(item: Detections | CameraNotice) -> Detections | None:
    return item if isinstance(item, Detections) else None


def _only_standings(item: Event | RuleStandings) -> RuleStandings | None:
    return item if isinstance(item, RuleStandings) else None


def _camera_event(site: Site) -> Callable[[TrackedFrame | CameraNotice], Event | None]:
    def write(item: TrackedFrame | CameraNotice) -> Event | None:
        if not isinstance(item, CameraNotice) or not item.is_news:
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
                blind_since=item.blind_since,
                failures=item.failures,
                boxes_left_out=item.boxes_left_out,
            ),
        )

    return write


def _no_event(item: FitnessItem | Event) -> FitnessItem | None:
    return None if isinstance(item, Event) else item


class _LivePartition(StatelessSinkPartition[Any]):
    def __init__(self, take: Callable[[Any], None]) -> None:
        self._take = take

    def write_batch(self, items: list[Any]) -> None:
        for item in items:
            self._take(item)


class LiveSink(DynamicSink[Any]):
    """Hand what is seen to the live board; not part of any promise, so not saved."""

    def __init__(self, board: LiveBoard, aside: StepAside) -> None:
        self._take = aside.each(board.take, None)

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _LivePartition:
        """Build one partition a worker; all share the board."""
        return _LivePartition(self._take)
