"""Watch program: detect, track and decide. One process, one worker, one shard of cameras."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import structlog

from domain.cameras.credentials import credentials_of
from domain.cameras.quarantine import QuarantineList
from domain.events.catalog import CommandGiven
from domain.site.cameras import Camera
from domain.site.revisions import SiteRevision
from domain.site.site import Site
from event_log.log import EventLog
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.recordings.ring_buffer import RingRetention
from evidence_store.vault.open_vault import encryption_keys
from flows.clock_keeper import ClockKeeper, open_clock
from flows.detection.camera_detectors import CameraDetectors, choose_detectors
from flows.detection.detect import DetectStep
from flows.detection.likeness import LikenessTaker
from flows.detection.likeness_views import LikenessViews
from flows.escalation.orphaned_offences import ends_of_unwatched
from flows.escalation.restart.logged_offences import LoggedOffences
from flows.live_view.board import LiveBoard
from flows.pin_keeper import PinKeeper
from flows.put_aside import Asides
from flows.signals import StopFlag, install_stop_signals
from flows.sinks.event_log import EventLogSink, appending_to
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShardSource, ShardSettings
from flows.sources.event_log import EventLogSource
from flows.sources.media.decode_marks import DecodeMark, DecodeMarks
from flows.sources.pace import Paces
from flows.sources.prefetch import Prefetch
from flows.sources.side_outlets import PacketSink
from flows.speech.holds import SiteHolds
from flows.watch import SAVED_STEPS, CommandParts, WatchParts, build_watch_flow
from forewarn.programs.run_flow import begin_pass, finish_pass, run_flow
from forewarn.programs.secrets import read_secrets
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.start import run_site_program
from forewarn.programs.supervision.beat import Heartbeat
from forewarn.storage.room_for_state import RoomForState
from models.registry import USUAL_DETECTOR, read_registry
from models.serving.check import usable_detectors
from models.serving.client import Detector, connect, find_likeness
from models.serving.connection import Connection

log = structlog.get_logger()

# where what was saved cannot be used: for people
AFRESH = {
    False: "the run goes on from the event log",
    True: "the footage is played from its first frame; what the event log holds is not told twice",
}


def main() -> None:
    """Run until the footage ends (--until-end) or a signal comes."""
    run_site_program("watch", watch)


def watch(settings: ProgramSettings, in_force: SiteRevision) -> None:
    """Choose the real adapters and run the flow."""
    site = in_force.site
    stop, _drain = install_stop_signals()
    secrets = read_secrets()
    credentials = {camera.id: credentials_of(camera, secrets) for camera in site.cameras}
    store = settings.data.recovery / "watch"
    beat = Heartbeat(settings.data.beats / "watch")
    room = RoomForState(settings.data, stop, beat)
    board = LiveBoard(settings.data.live) if settings.shows_live else None
    if settings.until_end:
        begin_pass(store)
    clock = open_clock(settings.data, is_live=bool(_live_cameras(settings, site)))
    pins = PinKeeper(settings.data, site.site.id, clock.now)
    paces = Paces(now=clock.now)
    asides = Asides(site.site.id, "watch", appending_to(settings.data.events_db))
    connection = connect(settings.triton_address)
    detectors = _detectors(site, connection, is_live=not settings.until_end)
    shard = ShardSettings(
        cameras=site.cameras,
        base=in_force.base,
        playback=Playback(settings.until_end),
        stop=stop,
        recorder_for=_recorder_for(settings, site, pins),
        credentials_of=lambda camera: credentials[camera.id],
        tiles=board,
        mark_of=_marks(settings, site),
        quarantined=QuarantineList(settings.data.quarantine).why,
        watched_areas=site.watched_areas,
        side_px_of=detectors.side_px_of,
        paces=paces,
        blinded=asides.look,
        held_up_s=lambda: room.waited_s,
        beat=beat,
        steady=clock,
    )
    log = EventLog.open(settings.data.events_db)
    logged = LoggedOffences(log, _live_cameras(settings, site), clock.of_wall)
    if not settings.until_end:
        log.append(ends_of_unwatched(logged, site))
    waits = settings.until_end and not any(camera.is_live for camera in site.cameras)
    positions = shard.positions()
    detect = Prefetch(
        DetectStep(
            detectors,
            stop,
            waits=waits,
            beat=beat,
            aside=asides.step("detect", blinds=True),
            likeness=LikenessTaker(
                partial(find_likeness, connection), LikenessViews(site.watched_areas)
            ),
        ),
        positions.done,
    )
    parts = WatchParts(
        site=site,
        cameras=CameraShardSource(shard, positions, lambda: detect.is_waiting),
        detect=paces.noting(detect),
        events=EventLogSink(settings.data.events_db, wait_for_room=room),
        live_board=board,
        operators=operators(settings, site, stop, shard.over, room),
        logged=logged,
        asides=asides,
        steady=clock,
    )
    keeper = (
        ClockKeeper(clock, settings.data, site.site.id) if _live_cameras(settings, site) else None
    )
    pins.start()
    if keeper is not None:
        keeper.start()
    try:
        run_flow(build_watch_flow(parts), store, SAVED_STEPS, AFRESH[settings.until_end])
    finally:
        pins.stop()
        if keeper is not None:
            keeper.stop()
        connection.close()
        if board is not None:
            board.close()
    if settings.until_end and not stop.is_set():
        finish_pass(store)


def _detectors(site: Site, connection: Connection, *, is_live: bool) -> CameraDetectors:
    """Choose each camera's detector; a server is asked only about one that is not the usual.

    Live cameras get the usual one where it loses another; footage waits for it.

    Raises:
        TryAgain: it is asked, and away.
    """
    registry = read_registry()
    wanted = {site.detector_wanted(camera.id) for camera in site.cameras}
    chosen = choose_detectors(
        site, registry, usable_detectors(connection, wanted - {USUAL_DETECTOR})
    )
    for each in chosen:
        if each.why_not_wanted:
            log.warning("usual_detector", camera_id=each.camera_id, reason=each.why_not_wanted)
    names = {each.name for each in chosen}

    def is_gone(name: str) -> bool:
        has = connection.has_model
        return is_live and has(USUAL_DETECTOR) and not has(name)

    detectors = {name: Detector(connection, name) for name in names}
    return CameraDetectors(chosen, detectors, is_gone)


def operators(
    settings: ProgramSettings, site: Site, stop: StopFlag, over: threading.Event, room: RoomForState
) -> CommandParts:
    """Read operators' commands from the event log, until the footage is over."""
    log = EventLog.open(settings.data.events_db)
    live = _live_cameras(settings, site)
    given = [CommandGiven.event_type]
    # the cameras pace the flow: a second source that sleeps would hold their frames up
    source = EventLogSource(
        settings.data.events_db, given, stop, drain=over, waits=False, before_saving=room
    )
    holds = SiteHolds(site, settings.data, live)
    return CommandParts(source, log.find, log.about, live, holds)


def _marks(settings: ProgramSettings, site: Site) -> Callable[[str], DecodeMark | None]:
    """Mark who is inside FFmpeg, for whoever asks after a crash; not where the disk has no room for it."""
    try:
        marks = DecodeMarks(settings.data.beats, [camera.id for camera in site.cameras])
    except OSError:
        log.warning("decoding_not_marked", exc_info=True)
        return lambda camera_id: None
    marks.note_faults()
    return marks.of


def _live_cameras(settings: ProgramSettings, site: Site) -> frozenset[str]:
    """Return the cameras whose frames cannot be had again."""
    return frozenset(
        camera.id for camera in site.cameras if camera.is_live or not settings.until_end
    )


def _recorder_for(
    settings: ProgramSettings, site: Site, pins: PinKeeper
) -> Callable[[Camera], PacketSink | None]:
    """Record everything live; files played once are their own recording."""
    limits = site.retention.recordings
    keys = encryption_keys(settings.data, settings.keys)

    def recorder_for(camera: Camera) -> PacketSink | None:
        if settings.until_end and not camera.is_live:
            return None
        recorder = SegmentRecorder(
            settings.data.recordings,
            camera.id,
            retention=RingRetention(limits.hours, limits.max_bytes),
            pins=pins.of,
            keys=keys,
            kept_free=site.storage.kept_free,
            believed_at=pins.believed_at,
        )
        pins.watch(recorder)
        return recorder

    return recorder_for


if __name__ == "__main__":
    main()
