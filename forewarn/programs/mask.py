"""The mask program: masked copies of sealed clips, made when there is time for it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable

from domain.errors import ForewarnError
from evidence_store.open_vault import open_sealing_vault
from evidence_store.site_key import open_sealing_chain
from flows.mask import WANTED_TYPES, Stopped, build_mask_flow
from flows.masks.clip import MaskTools
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from flows.steps.mask_record import mask_record
from forewarn.logging_setup import set_up_logging
from forewarn.programs.beat import Heartbeat
from forewarn.programs.run_flow import run_flow
from forewarn.programs.settings import ProgramSettings, read_settings
from forewarn.run_lock import program_lock
from models.serving.client import Detector, FaceDetector, connect
from models.versions import built_versions

NICENESS = 10  # below everything that somebody waits for
# of the time that pieces of work take, so much is rested after each: the server answers others
RESTS_SHARE = 1.0
ONE_AT_A_TIME = 1


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    set_up_logging("mask")
    settings = read_settings("mask")
    os.nice(NICENESS)
    try:
        with program_lock(settings.data, "mask"):
            mask(settings)
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def mask(settings: ProgramSettings) -> None:
    """Choose the real models and stores and run the flow."""
    stop, drain = install_stop_signals()
    beat = Heartbeat(settings.data.beats / "mask")
    events_db = settings.data.events_db
    chain = open_sealing_chain(settings.data, settings.keys, unsealed=settings.unsealed)
    vault = open_sealing_vault(settings.data, settings.keys, chain)
    vault.clear_drafts()  # of one that was killed: plain originals lie in them
    connection = connect(settings.triton_address)
    share = 0.0 if settings.until_end else RESTS_SHARE
    tools = MaskTools(Detector(connection), FaceDetector(connection), _breather(share, stop, beat))
    try:
        flow = build_mask_flow(
            lambda sealed: mask_record(sealed, vault, chain, tools, built_versions()),
            EventLogSource(events_db, WANTED_TYPES, stop, drain, ONE_AT_A_TIME, beat),
            EventLogSink(events_db),
            stop,
            beat,
        )
        run_flow(flow, settings.data.recovery / "mask")
    finally:
        connection.close()


def _breather(share: float, stop: threading.Event, beat: Callable[[], None]) -> Callable[[], None]:
    """Rests after each piece of work for a share of the time that it took."""
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
