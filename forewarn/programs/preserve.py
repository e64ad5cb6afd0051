"""Preserve program: cut, mask, hash and keep the evidence of each ended offence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.site.revisions import SiteRevision
from event_log.log import EventLog
from evidence_store.custody.signing_key import open_sealing_chain
from evidence_store.custody.time_stamper import Stamper, open_authority
from evidence_store.recordings.footage import SiteFootage
from evidence_store.table_of_vault import table_to_write
from evidence_store.vault.open_vault import open_sealing_vault
from flows.clock_keeper import open_clock
from flows.preservation.draft_record import PreserveModels, PreserveParts
from flows.preserve import SAVED_STEPS, WANTED_TYPES, build_preserve_flow
from flows.put_aside import Asides
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink, appending_to
from flows.sources.event_log import EventLogSource
from forewarn import __version__
from forewarn.programs.run_flow import run_flow
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.start import run_site_program
from forewarn.programs.supervision.beat import Heartbeat
from forewarn.storage.room_for_state import RoomForState
from models.appearance import describe
from models.serving.client import Connection, Detector, Embedder, FaceDetector, connect
from models.versions import built_models, built_versions

ONE_AT_A_TIME = 1  # each takes seconds, and `stop` is looked at between batches


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    run_site_program("preserve", preserve)


def preserve(settings: ProgramSettings, in_force: SiteRevision) -> None:
    """Choose the real models and stores and run the flow."""
    stop, drain = install_stop_signals()
    beat = Heartbeat(settings.data.beats / "preserve")
    events_db = settings.data.events_db
    room = RoomForState(settings.data, stop, beat)
    asides = Asides(in_force.site.site.id, "preserve", appending_to(events_db))
    connection = connect(settings.triton_address, beat=beat)
    try:
        with EventLog.open(events_db) as log:
            flow = build_preserve_flow(
                _parts(settings, in_force, connection, log, beat, asides),
                EventLogSource(
                    events_db, WANTED_TYPES, stop, drain, ONE_AT_A_TIME, beat, before_saving=room
                ),
                EventLogSink(events_db, wait_for_room=room),
                stop,
                beat,
                asides,
            )
            with stamping(settings, in_force):
                run_flow(flow, settings.data.recovery / "preserve", SAVED_STEPS)
    finally:
        connection.close()


@contextmanager
def stamping(settings: ProgramSettings, in_force: SiteRevision) -> Iterator[None]:
    """Stamp what is sealed meanwhile, where the site file names a time-stamping authority."""
    if (settled := in_force.site.time_stamping) is None:
        yield
        return
    chain = open_sealing_chain(settings.data, settings.keys, unsealed=settings.unsealed)
    frozen = settled.model_copy(update={"ca_file": str(in_force.path_of(settled.ca_file))})
    with Stamper(chain, open_authority(frozen, in_force.base, settings.data)):
        yield


def _parts(
    settings: ProgramSettings,
    in_force: SiteRevision,
    connection: Connection,
    log: EventLog,
    beat: Callable[[], None],
    asides: Asides,
) -> PreserveParts:
    custody = open_sealing_chain(settings.data, settings.keys, unsealed=settings.unsealed)
    vault = open_sealing_vault(settings.data, settings.keys, custody)
    vault.clear_drafts()  # of one that was killed; those that the mask program is at it leaves alone
    site = in_force.site
    is_live = any(camera.is_live or not settings.until_end for camera in site.cameras)
    footage = SiteFootage(
        site,
        in_force.base,
        settings.data.recordings,
        vault.keys,
        steady_now=open_clock(settings.data, is_live=is_live).now,
    )
    return PreserveParts(
        site=site,
        footage=footage,
        models=PreserveModels(
            embedder=Embedder(connection),
            faces=FaceDetector(connection),
            people=Detector(connection),
            describe=describe,
            versions=built_versions(),
            details=built_models(),
        ),
        vault=vault,
        table=table_to_write(settings.data),
        custody=custody,
        software_version=__version__,
        find=log.find,
        log_head=lambda: head.to_json() if (head := log.head()) else None,
        sounds=settings.data.root,
        beat=beat,
        row_aside=asides.step("row"),
    )


if __name__ == "__main__":
    main()
