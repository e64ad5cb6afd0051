"""Mask program: make masked copies of sealed clips when there is time for it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from domain.data_dir import DataDir
from domain.events.catalog import Event
from domain.site.revisions import SiteRevision
from event_log.log import EventLog
from evidence_store.custody.signing_key import open_sealing_chain
from evidence_store.vault.open_vault import open_sealing_vault
from flows.mask import MASKED, WANTED_TYPES, Stopped, build_mask_flow
from flows.masks.clip import MaskTools
from flows.masks.record import mask_record
from flows.put_aside import Asides
from flows.signals import StopFlag, install_stop_signals
from flows.sinks.event_log import EventLogSink, appending_to
from flows.sources.event_log import EventLogSource
from forewarn.programs.run_flow import run_stateless
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.start import run_site_program
from forewarn.programs.supervision.beat import Heartbeat
from forewarn.storage.room_for_state import RoomForState
from models.serving.client import Detector, FaceDetector
from models.serving.connection import Priority, connect
from models.versions import built_versions

NICENESS = 10  # below everything that somebody waits for
# a model may be busy with others' requests for longer than a call may wait
ANSWERED_WITHIN_S = 30.0
# of the time that pieces of work take, so much is rested after each: the server answers others
RESTS_SHARE = 1.0
ONE_AT_A_TIME = 1


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    os.nice(NICENESS)
    run_site_program("mask", mask)


def mask(settings: ProgramSettings, in_force: SiteRevision) -> None:
    """Choose the real models and stores and run the flow."""
    stop, drain = install_stop_signals()
    beat = Heartbeat(settings.data.beats / "mask")
    events_db = settings.data.events_db
    room = RoomForState(settings.data, stop, beat)
    chain = open_sealing_chain(settings.data, settings.keys, unsealed=settings.unsealed)
    vault = open_sealing_vault(settings.data, settings.keys, chain)
    vault.clear_drafts()  # of one that was killed: plain originals lie in them
    # masked copies may be minutes late, a call and a sealed record may not
    connection = connect(
        settings.triton_address,
        deadline_s=ANSWERED_WITHIN_S,
        beat=beat,
        priority=Priority.WHEN_IDLE,
    )
    share = 0.0 if settings.until_end else RESTS_SHARE
    tools = MaskTools(Detector(connection), FaceDetector(connection), _breather(share, stop, beat))
    kept_free = in_force.site.storage.kept_free
    try:
        flow = build_mask_flow(
            unless_masked(
                events_db,
                lambda sealed: mask_record(
                    sealed, vault, chain, tools, built_versions(), kept_free
                ),
            ),
            EventLogSource(
                *(events_db, WANTED_TYPES, stop, drain, ONE_AT_A_TIME, beat),
                before_saving=room,
                begin=MASKED.place,
            ),
            EventLogSink(events_db, wait_for_room=room, along=MASKED.keep_place),
            stop,
            beat,
            Asides(program="mask", write=appending_to(events_db)),
        )
        _forget_old_store(settings.data)
        run_stateless(flow)
    finally:
        connection.close()


def unless_masked(events_db: Path, mask: Callable[[Event], Event]) -> Callable[[Event], Event]:
    """Return `mask`, which is not asked about what is masked: one that cannot be is before many, after each start."""

    def mask_once(sealed: Event) -> Event:
        with EventLog.open(events_db) as log:
            masked = MASKED.answer(log, sealed)
        return masked or mask(sealed)

    return mask_once


def _forget_old_store(data: DataDir) -> None:
    """Take the place over from an older version, which kept it in a recovery store: all that is masked is past."""
    store = data.recovery / "mask"
    if store.exists():
        with EventLog.open(data.events_db) as log, log.writing("keep a place") as connection:
            MASKED.keep_place(log, connection)
        shutil.rmtree(store, ignore_errors=True)


def _breather(share: float, stop: StopFlag, beat: Callable[[], None]) -> Callable[[], None]:
    """Make a function that rests after each piece of work for a share of the time that it took."""
    began_s = time.monotonic()

    def breathe() -> None:
        nonlocal began_s
        beat()
        if stop.is_set():
            raise Stopped("the program is asked to end")
        took_s = min(time.monotonic() - began_s, 5.0)
        stop.wait(share * took_s)
        began_s = time.monotonic()

    return breathe


if __name__ == "__main__":
    main()
