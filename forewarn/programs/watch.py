"""The watch program: sees and decides. One process, one worker, one shard of cameras."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from domain.errors import ForewarnError
from domain.events import CommandGiven
from domain.site import Camera, Site
from domain.site_file import load_site
from event_log.log import EventLog
from evidence_store.open_vault import encryption_keys
from evidence_store.recorder import Retention, SegmentRecorder
from flows.live_board import LiveBoard
from flows.pin_keeper import PinKeeper
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShardSource, ShardSettings
from flows.sources.event_log import EventLogSource
from flows.sources.pace import Paces
from flows.sources.side_outlets import PacketSink
from flows.speech.holds import SiteHolds
from flows.steps.ahead import Ahead
from flows.steps.detect import DetectStep
from flows.told_offences import ToldOffences
from flows.unwatched import ends_of_unwatched
from flows.watch import CommandParts, WatchParts, build_watch_flow
from forewarn.logging_setup import set_up_logging
from forewarn.programs.beat import Heartbeat
from forewarn.programs.run_flow import begin_pass, finish_pass, run_flow
from forewarn.programs.settings import ProgramSettings, read_settings
from forewarn.run_lock import program_lock
from models.serving.client import Detector, connect


def main() -> None:
    """Run until the footage ends (--until-end) or a signal comes."""
    set_up_logging("watch")
    settings = read_settings("watch")
    try:
        with program_lock(settings.data, "watch"):
            watch(settings, load_site(settings.site_file))
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def watch(settings: ProgramSettings, site: Site) -> None:
    """Choose the real adapters and run the flow."""
    stop, _drain = install_stop_signals()
    store = settings.data.recovery / "watch"
    beat = Heartbeat(settings.data.beats / "watch")
    pins = PinKeeper(settings.data, site.site.id)
    board = LiveBoard(settings.data.live) if settings.shows_live else None
    if settings.until_end:
        begin_pass(store)
    paces = Paces()
    shard = ShardSettings(
        cameras=site.cameras,
        base=settings.site_file.parent,
        playback=Playback(settings.until_end),
        stop=stop,
        recorder_for=_recorder_for(settings, site, pins),
        tiles=board,
        paces=paces,
        beat=beat,
    )
    log = EventLog.open(settings.data.events_db)
    told = ToldOffences(log, _live_cameras(settings, site))
    if not settings.until_end:
        log.append(ends_of_unwatched(told, site))
    connection = connect(settings.triton_address)
    waits = settings.until_end and not any(camera.is_live for camera in site.cameras)
    positions = shard.positions()
    detect = Ahead(DetectStep(Detector(connection), stop, waits=waits, beat=beat), positions.done)
    parts = WatchParts(
        site=site,
        cameras=CameraShardSource(shard, positions, lambda: detect.is_waiting),
        detect=paces.noting(detect),
        events=EventLogSink(settings.data.events_db),
        live_board=board,
        operators=operators(settings, site, stop, shard.over),
        told=told,
    )
    pins.start()
    try:
        run_flow(build_watch_flow(parts), store)
    finally:
        pins.stop()
        connection.close()
        if board is not None:
            board.close()
    if settings.until_end and not stop.is_set():
        finish_pass(store)


def operators(
    settings: ProgramSettings, site: Site, stop: threading.Event, over: threading.Event
) -> CommandParts:
    """Commands out of the event log, until the footage is over."""
    log = EventLog.open(settings.data.events_db)
    live = _live_cameras(settings, site)
    source = EventLogSource(settings.data.events_db, [CommandGiven.event_type], stop, drain=over)
    holds = SiteHolds(site, settings.data, live)
    return CommandParts(source, log.find, log.about, live, holds)


def _live_cameras(settings: ProgramSettings, site: Site) -> frozenset[str]:
    """Those whose frames cannot be had again."""
    return frozenset(each.id for each in site.cameras if each.is_live or not settings.until_end)


def _recorder_for(
    settings: ProgramSettings, site: Site, pins: PinKeeper
) -> Callable[[Camera], PacketSink | None]:
    """Files played once are their own recording; everything live is recorded."""
    limits = site.retention.recordings
    keys = encryption_keys(settings.data, settings.keys)

    def recorder_for(camera: Camera) -> PacketSink | None:
        if settings.until_end and not camera.is_live:
            return None
        recorder = SegmentRecorder(
            settings.data.recordings,
            camera.id,
            retention=Retention(limits.hours, limits.max_bytes),
            pins=pins.of,
            keys=keys,
        )
        pins.watch(recorder)
        return recorder

    return recorder_for


if __name__ == "__main__":
    main()
