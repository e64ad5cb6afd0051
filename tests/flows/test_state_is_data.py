"""What recovery stores of each flow is plain: no class of ours is in it, and it comes back the same."""

from __future__ import annotations

import importlib
import pickle
import pickletools
import pkgutil
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_operators import command_event
from bytewax.dataflow import Dataflow, Operator
from bytewax.inputs import StatefulSourcePartition
from bytewax.outputs import StatefulSinkPartition
from bytewax.testing import TestingSink, TestingSource
from people import BEGAN, HERE, INSIDE, Shown, presence

import flows
from domain.cameras.status import CameraNotice, ReadCounts
from domain.detections import Detections
from domain.events.catalog import Event, OffenceOpened
from domain.events.commands import CommandKind
from domain.picture_digest import PictureDigest
from domain.rule_key import RuleKey
from domain.saved_state import Formats, StateFormat, StateUnusable
from domain.site.loading import load_site
from domain.site.site import Site
from domain.tracks import Track
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows import announce, notify, preserve, watch
from flows.camera_health.fitness import FITNESS_FORMAT, FitnessLogic, FitnessWatch
from flows.escalation.call_pauses import Call
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.logic import LadderLogic
from flows.escalation.repeat_offenders import Past
from flows.escalation.watched_rule import RULE_FORMAT, watch_of
from flows.keyed_logic import KeyedLogic
from flows.mask import MaskLogic
from flows.notify import DELIVERY_FORMAT, Delivery, DeliveryLogic, Lanes
from flows.preserve import OFFENCE_FORMAT, PreserveLogic
from flows.sources.camera_shard import CameraShard
from flows.sources.event_log import PLACE_FORMAT, EventLogSource
from flows.sources.read_positions import POSITIONS_FORMAT, ReadPositions
from flows.speech.call_queue import SpeakerLine
from flows.speech.logic import SpeakingLogic
from flows.speech.queue_state import LINE_FORMAT, LastCall, LineState, Said
from flows.tracking.track import TRACKER_FORMAT, CameraTracker, TrackLogic
from flows.waking import _WakingPartition
from tests.support.example_events import one_of_each, warned_event
from tests.support.plain_state import plain_of, saved_as

OURS = {"domain", "event_log", "evidence_store", "flows", "forewarn", "models", "validation"}
NOW = threading.Event()
KEY = RuleKey("gate-early", "no-lingering")


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    return load_site(sample_site_file)


@dataclass(frozen=True)
class _Kept:
    """One thing whose `snapshot` Bytewax stores, with something in it."""

    kind: type
    format: StateFormat[Any]
    snapshot: Any


def somebody_inside(to_s: int) -> list[Shown]:
    """Five frames a second."""
    return [presence(n / 5, {1: INSIDE}) for n in range(to_s * 5)]


def kept_by_fitness(site: Site) -> _Kept:
    logic = FitnessLogic(lambda _: FitnessWatch(site, "gate-early"), None)
    rng = np.random.default_rng(3)
    for n, frame in enumerate(somebody_inside(3)):
        stamp = frame.frame
        look = PictureDigest(
            rng.integers(0, 255, (40, 40), np.uint8),
            rng.random((10, 10)).astype(np.float32) * (n < 5),
        )
        none = Detections(stamp, np.zeros((0, 4), np.float32), np.zeros(0), np.zeros(0), look)
        logic.on_batch([none])
    assert FITNESS_FORMAT.restore(logic.snapshot()).health.suspected_since
    return _Kept(FitnessLogic, FITNESS_FORMAT, logic.snapshot())


def kept_by_tracking(site: Site) -> _Kept:
    logic = TrackLogic(lambda camera: CameraTracker(5, 0.3), None)
    worn = np.abs(np.random.default_rng(3).normal(size=(1, 256)))
    for frame in somebody_inside(3):
        boxes = np.array([HERE], np.float32)
        seen = Detections(frame.frame, boxes, np.array([0.9], np.float32), np.array([1]))
        logic.on_batch([Detections(**{**_fields(seen), "appearances": worn.astype(np.float16)})])
    (subject,) = TRACKER_FORMAT.restore(logic.snapshot()).subjects.here
    assert subject.looks is not None and subject.number == 1
    return _Kept(TrackLogic, TRACKER_FORMAT, logic.snapshot())


def _fields(seen: Detections) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in seen.__dataclass_fields__}


def kept_by_a_ladder(site: Site) -> _Kept:
    rule = watch_of(site, KEY)
    logic = LadderLogic(lambda key: rule, None, tells_standings=False)
    logic.on_batch([(KEY, CameraNotice("gate-early", "up", None, BEGAN, ReadCounts(), 0.0))])
    opened: list[Event] = []
    for frame in somebody_inside(12):
        opened += rule.ladder.step(frame.frame, frame.holdings)
    offence_id = next(each.subject for each in opened if isinstance(each.data, OffenceOpened))
    ladder = rule.ladder
    assert ladder.last_at is not None
    for kind in (CommandKind.TAKE_OVER, CommandKind.HAND_BACK):
        ladder.command(PendingCommand(command_event(kind, offence_id), 1, ladder.last_at))
    later = ladder.last_at + timedelta(hours=1)
    ladder.command(PendingCommand(command_event(CommandKind.DISPATCH, offence_id), 2, later))
    (offence,) = ladder.offences.values()
    offence.escalation.call = Call("evt-1", ladder.last_at)
    offence.escalation.note_withheld(("picture-covered",))
    ladder.repeats.past[Track(7)] = Past(ladder.last_at, 2)
    assert offence.operators_did and offence.escalation.calls and ladder.held
    return _Kept(LadderLogic, RULE_FORMAT, logic.snapshot())


def kept_by_a_speaker(site: Site) -> _Kept:
    warned = LoggedEvent(7, warned_event(), BEGAN)
    state = LineState((warned,), (Said(warned, one_of_each()[0]),), LastCall("ofc-1", BEGAN))

    def make(name: str, state: LineState | None) -> SpeakerLine:
        line = SpeakerLine.__new__(SpeakerLine)
        line._running, line._waiting = None, []
        assert state is not None
        line._said, line._last = list(state.said), state.last
        return line

    saved = LINE_FORMAT.save(("street", state))
    logic = SpeakingLogic(make, NOW, lambda: None, [], saved)
    assert plain_of(logic.snapshot())[0] == "street"
    return _Kept(SpeakingLogic, LINE_FORMAT, saved)


def kept_by_a_delivery(site: Site) -> _Kept:
    delivery = Delivery("duty-officer", LoggedEvent(7, one_of_each()[0], BEGAN))
    saved = DELIVERY_FORMAT.save(delivery)
    logic = DeliveryLogic(None, Lanes(), NOW, lambda: None, saved)  # type: ignore[arg-type]
    return _Kept(DeliveryLogic, DELIVERY_FORMAT, logic.snapshot())


def kept_of_an_offence(site: Site) -> _Kept:
    events = one_of_each()
    saved = saved_as({"history": [], "ended": None})
    logic = PreserveLogic(None, NOW, lambda: None, saved)  # type: ignore[arg-type]
    for event in events:
        logic._state = preserve.remember(logic._state, event)
    assert logic._state.ended is not None and len(logic._state.history) > 5
    return _Kept(PreserveLogic, OFFENCE_FORMAT, logic.snapshot())


def kept_by_the_cameras(site: Site) -> _Kept:
    positions = ReadPositions(frozenset({"gate"}))
    ended = {"media_time_s": 0.1 + 0.2, "counts": {}, "ended": True}
    positions.restore(saved_as({"gate": ended}))
    shard = CameraShard.__new__(CameraShard)
    shard._positions = positions
    return _Kept(CameraShard, POSITIONS_FORMAT, shard.snapshot())


def kept_by_the_log_reader(site: Site, path: Path) -> _Kept:
    EventLog.open(path).append(one_of_each())
    part = EventLogSource(path, None, threading.Event()).build_part("in", "event-log", None)
    part.next_batch()
    return _Kept(type(part), PLACE_FORMAT, part.snapshot())


MAKERS: list[Callable[[Site], _Kept]] = [
    kept_by_fitness,
    kept_by_tracking,
    kept_by_a_ladder,
    kept_by_a_speaker,
    kept_by_a_delivery,
    kept_of_an_offence,
    kept_by_the_cameras,
]


@pytest.fixture
def all_kept(site: Site, tmp_path: Path) -> list[_Kept]:
    return [
        *(make(site) for make in MAKERS),
        kept_by_the_log_reader(site, tmp_path / "events.sqlite"),
    ]


def test_no_class_of_ours_nor_any_other_is_in_what_is_stored(all_kept: list[_Kept]) -> None:
    for kept in all_kept:
        pickled = pickle.dumps(kept.snapshot)
        named = [
            (code.name, argument)
            for code, argument, _ in pickletools.genops(pickled)
            if code.name in ("GLOBAL", "STACK_GLOBAL", "INST")
        ]
        assert not named, (kept.kind, named)
        assert not any(f"{room}.".encode() in pickled for room in OURS - {"forewarn"}), kept.kind
        assert kept.snapshot["version"] == 1


def test_what_is_stored_comes_back_the_same(all_kept: list[_Kept]) -> None:
    for kept in all_kept:
        state = kept.format.restore(pickle.loads(pickle.dumps(kept.snapshot)))
        assert kept.format.save(state) == kept.snapshot, kept.kind


Place = tuple[str | int, ...]


def leaves(plain: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Yield every value that is neither list nor dict, with the keys that lead to it."""
    if isinstance(plain, dict | list):
        for key, each in plain.items() if isinstance(plain, dict) else enumerate(plain):
            yield from leaves(each, (*place, key))
    else:
        yield place, plain


def changed(saved: Any, place: Place, value: object) -> Any:
    plain = plain_of(saved)
    holder = reduce(getitem, place[:-1], plain)
    holder[place[-1]] = value
    return saved_as(plain)


def test_times_without_a_zone_are_refused(all_kept: list[_Kept]) -> None:
    refused = 0
    for kept in all_kept:
        for place, value in leaves(plain_of(kept.snapshot)):
            if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", str(value)):
                bare = re.sub(r"(Z|\+00:00)$", "", value)
                with pytest.raises(StateUnusable):
                    kept.format.restore(changed(kept.snapshot, place, bare))
                refused += 1
    assert refused > 50


def test_what_no_camera_can_show_is_refused(site: Site) -> None:
    tracked, cameras = kept_by_tracking(site), kept_by_the_cameras(site)
    impossible = [
        (kept, place, value)
        for kept in (tracked, cameras)
        for place, number in leaves(plain_of(kept.snapshot))
        if type(number) in (int, float)
        for value in ([np.inf, -np.inf, np.nan] if isinstance(number, float) else [-1])
    ]
    assert len(impossible) > 40
    for kept, place, value in impossible:
        with pytest.raises(StateUnusable):
            kept.format.restore(changed(kept.snapshot, place, value))


def test_everything_that_bytewax_asks_for_a_snapshot_is_looked_at_here(
    all_kept: list[_Kept],
) -> None:
    for module in pkgutil.walk_packages(flows.__path__, "flows."):
        importlib.import_module(module.name)
    asked = {
        kind
        for base in (KeyedLogic, StatefulSourcePartition)
        for kind in _below(base)
        if kind.__module__.startswith("flows.") and not _below(kind)
    }
    saved_by_another = {_WakingPartition, MaskLogic}  # what is to be masked, the log says
    assert asked - saved_by_another == {kept.kind for kept in all_kept}
    sinks = [kind for kind in _below(StatefulSinkPartition) if kind.__module__.startswith("flows.")]
    assert [kind.__name__ for kind in sinks] == ["_EventLogPartition"]  # it saves None


def _below(kind: type) -> set[type]:
    return {each for sub in kind.__subclasses__() for each in (sub, *_below(sub))}


def steps_that_save(operator: Dataflow | Operator) -> set[str]:
    """Names of the steps whose state Bytewax stores; sinks store nothing."""
    found = set()
    for each in operator.substeps:
        if type(each).__name__ in ("input", "stateful_batch"):
            found.add(each.step_id.split(".", 1)[1])
        found |= steps_that_save(each)
    return found


ONLY_OF_OLDER = {"commands"}  # versions: their states are still known as whole


@pytest.mark.parametrize("which", [watch, announce, notify, preserve])
def test_every_step_that_saves_has_its_format(which: Any, site: Site, tmp_path: Path) -> None:
    source, sink = TestingSource[Any]([]), TestingSink[Any]([])
    formats: Formats = which.SAVED_STEPS
    anything: Any = None
    if which is watch:
        commands = watch.CommandParts(source, lambda _: None, lambda _: [])
        flow = watch.build_watch_flow(
            watch.WatchParts(site, source, lambda items: [], sink, operators=commands)
        )
    elif which is announce:
        chosen = announce.AnnounceSettings.of_site(site, announce.DataDir(tmp_path))
        flow = announce.build_announce_flow(chosen, anything, NOW)
    elif which is notify:
        flow = notify.build_notify_flow(anything, source, sink, NOW)
    else:
        flow = preserve.build_preserve_flow(anything, source, sink, NOW)
    # "step/key" is for one key of a step
    assert steps_that_save(flow) == {name.split("/")[0] for name in formats} - ONLY_OF_OLDER
