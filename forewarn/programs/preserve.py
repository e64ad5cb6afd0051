"""The preserve program: cuts, masks, hashes and keeps the evidence of each ended offence."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from domain.errors import ForewarnError
from domain.site import Site
from domain.site_file import load_site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from evidence_store.footage import SiteFootage
from evidence_store.open_vault import open_sealing_vault
from evidence_store.site_key import open_sealing_chain
from evidence_store.stamper import Stamper
from evidence_store.table import EvidenceTable
from flows.preserve import WANTED_TYPES, build_preserve_flow
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from flows.steps.preserve_parts import PreserveModels, PreserveParts
from forewarn import __version__
from forewarn.logging_setup import set_up_logging
from forewarn.programs.beat import Heartbeat
from forewarn.programs.run_flow import run_flow
from forewarn.programs.settings import ProgramSettings, read_settings
from forewarn.run_lock import program_lock
from models.appearance import describe
from models.serving.client import Connection, Detector, Embedder, FaceDetector, connect
from models.versions import built_models, built_versions

ONE_AT_A_TIME = 1  # each takes seconds, and `stop` is looked at between batches


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    set_up_logging("preserve")
    settings = read_settings("preserve")
    try:
        with program_lock(settings.data, "preserve"):
            preserve(settings, load_site(settings.site_file))
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def preserve(settings: ProgramSettings, site: Site) -> None:
    """Choose the real models and stores and run the flow."""
    stop, drain = install_stop_signals()
    beat = Heartbeat(settings.data.beats / "preserve")
    events_db = settings.data.events_db
    connection = connect(settings.triton_address)
    try:
        with EventLog.open(events_db) as log:
            flow = build_preserve_flow(
                _parts(settings, site, connection, log.find),
                EventLogSource(events_db, WANTED_TYPES, stop, drain, ONE_AT_A_TIME, beat),
                EventLogSink(events_db),
                stop,
                beat,
            )
            with stamping(settings, site):
                run_flow(flow, settings.data.recovery / "preserve")
    finally:
        connection.close()


@contextmanager
def stamping(settings: ProgramSettings, site: Site) -> Iterator[None]:
    """Time stamps for what is sealed meanwhile, where the site file names an authority."""
    if site.time_stamping is None:
        yield
        return
    chain = open_sealing_chain(settings.data, settings.keys, unsealed=settings.unsealed)
    folder = settings.site_file.parent
    with Stamper.of_site(site.time_stamping, folder, settings.data, chain):
        yield


def _parts(
    settings: ProgramSettings,
    site: Site,
    connection: Connection,
    find: Callable[[str], LoggedEvent | None],
) -> PreserveParts:
    custody = open_sealing_chain(settings.data, settings.keys, unsealed=settings.unsealed)
    vault = open_sealing_vault(settings.data, settings.keys, custody)
    vault.clear_drafts()  # of one that was killed; those that the mask program is at it leaves alone
    return PreserveParts(
        site=site,
        footage=SiteFootage(site, settings.site_file.parent, settings.data.recordings, vault.keys),
        models=PreserveModels(
            embedder=Embedder(connection),
            faces=FaceDetector(connection),
            people=Detector(connection),
            describe=describe,
            versions=built_versions(),
            details=built_models(),
        ),
        vault=vault,
        table=EvidenceTable.open(settings.data.lancedb),
        custody=custody,
        software_version=__version__,
        find=find,
        sounds=settings.data.root,
    )


if __name__ == "__main__":
    main()
