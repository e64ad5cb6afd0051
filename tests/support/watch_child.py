"""A watch process with a scripted detector, to be killed: for forked.py."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from domain.data_dir import DataDir
from domain.detections import Detections
from domain.events.catalog import CommandGiven
from domain.frames import SampledFrame
from domain.site.loading import load_site
from event_log.log import EventLog
from flows.detection.detect import DetectStep
from flows.escalation.restart.logged_offences import LoggedOffences
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShardSource, ShardSettings
from flows.sources.event_log import EventLogSource
from flows.sources.prefetch import Prefetch
from flows.watch import SAVED_STEPS, CommandParts, WatchParts, build_watch_flow
from forewarn.programs.run_flow import run_flow


class Scripted:
    """Sees one person who stands in the zone for 25 s and then walks off; slowly."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s

    def detect(self, frames: Sequence[SampledFrame]) -> list[Detections]:
        time.sleep(self._pause_s)
        return [self._look(frame) for frame in frames]

    def _look(self, frame: SampledFrame) -> Detections:
        at_s = frame.stamp.media_time_s % 40
        x = 400.0 if at_s < 25 else 400 + 60 * (at_s - 25)
        return Detections(
            frame=frame.stamp,
            boxes_xyxy=np.array([[x - 15, 200, x + 15, 280]], np.float32),
            scores=np.array([0.8], np.float32),
            class_ids=np.array([1]),
        )


def main(site_file: Path, data: DataDir, pause_s: float, is_live: bool) -> None:
    stop, _drain = install_stop_signals()
    site = load_site(site_file)
    # the script tells of pixels of the whole picture
    whole = tuple(each.model_copy(update={"views": "whole"}) for each in site.cameras)
    site = site.model_copy(update={"cameras": whole})
    shard = ShardSettings(site.cameras, site_file.parent, Playback(until_end=not is_live), stop)
    positions = shard.positions()
    log = EventLog.open(data.events_db)
    detect = Prefetch(DetectStep(Scripted(pause_s), stop, waits=not is_live), positions.done)
    parts = WatchParts(
        site=site,
        cameras=CameraShardSource(shard, positions, lambda: detect.is_waiting),
        detect=detect,
        events=EventLogSink(data.events_db),
        operators=CommandParts(
            EventLogSource(data.events_db, [CommandGiven.event_type], stop, drain=shard.over),
            log.find,
            log.about,
            frozenset(each.id for each in site.cameras if is_live),
        ),
        logged=LoggedOffences(log, [each.id for each in site.cameras if is_live]),
    )
    run_flow(build_watch_flow(parts), data.recovery / "watch", SAVED_STEPS)
