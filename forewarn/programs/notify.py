"""The notify program: tells each recipient of a request once, or says why not."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping

from domain.errors import ForewarnError, Stop
from domain.site import Site
from domain.site_file import load_site
from event_log.log import EventLog
from evidence_store.footage import SiteFootage
from evidence_store.open_vault import encryption_keys
from flows.hours import Hours
from flows.notices.apprise_sender import AppriseSender
from flows.notices.deliver import NoticeTools
from flows.notices.notes import Notes
from flows.notices.still import MaskedStills
from flows.notify import WANTED_TYPES, build_notify_flow
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from forewarn.logging_setup import set_up_logging
from forewarn.programs.beat import Heartbeat
from forewarn.programs.run_flow import run_flow
from forewarn.programs.settings import ProgramSettings, read_settings
from forewarn.run_lock import program_lock
from forewarn.secrets import read_secrets
from models.serving.client import FaceDetector, connect

AT_ONCE = 20


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    set_up_logging("notify")
    settings = read_settings("notify")
    try:
        with program_lock(settings.data, "notify"):
            notify(settings, load_site(settings.site_file))
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def notify(settings: ProgramSettings, site: Site) -> None:
    """Choose the real senders and stores and run the flow."""
    stop, drain = install_stop_signals()
    heartbeat = Heartbeat(settings.data.beats / "notify")
    data, senders = settings.data, open_senders(site, read_secrets())
    connection = connect(settings.triton_address)
    keys = encryption_keys(data, settings.keys)
    footage = SiteFootage(site, settings.site_file.parent, data.recordings, keys)
    stills = MaskedStills(data, footage, FaceDetector(connection), stop.is_set)
    notes = Notes(data)
    tidy = hourly(stills.tidy, notes.tidy)

    def beat() -> None:
        heartbeat()
        tidy()

    live = (each.id for each in site.cameras if each.is_live or not settings.until_end)
    tools = NoticeTools(
        site=site,
        senders=senders,
        notes=notes,
        stills=stills,
        find=EventLog.open(data.events_db).find,
        live_cameras=frozenset(live),
        quiet=quiet_hours(site),
    )
    source = EventLogSource(data.events_db, WANTED_TYPES, stop, drain, AT_ONCE, beat)
    try:
        flow = build_notify_flow(tools, source, EventLogSink(data.events_db), stop, beat)
        run_flow(flow, data.recovery / "notify")
    finally:
        stills.close()
        connection.close()


def hourly(
    *jobs: Callable[[], object], clock: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """Does the jobs at once, and again whenever it is called and an hour has gone by.

    Args:
        clock: seconds since any moment.
    """
    due_s = clock()

    def do() -> None:
        nonlocal due_s
        if clock() >= due_s:
            due_s = clock() + 3600
            for job in jobs:
                job()

    return do


def open_senders(site: Site, secrets: Mapping[str, str]) -> dict[str, AppriseSender]:
    """A sender for each recipient.

    Raises:
        Stop: an address is not set, or is none that apprise knows. The message names the variable
            and never its value.
    """
    senders = {}
    for recipient in site.recipients:
        url = secrets.get(recipient.url_env)
        if not url:
            raise Stop(
                f"recipient {recipient.id!r}: needs an apprise address in {recipient.url_env}, which "
                "is not set; set it in the environment, or in the file that FOREWARN_SECRETS names; "
                "see docs/notifications.md"
            )
        senders[recipient.id] = AppriseSender(recipient.id, url)
    return senders


def quiet_hours(site: Site) -> dict[str, Hours]:
    """When nothing is sent, by recipient.

    Raises:
        Stop: a notation cannot be read.
    """
    return {
        each.id: Hours(
            f"recipient {each.id!r}", each.quiet_hours, site.site.timezone, site.site.country
        )
        for each in site.recipients
        if each.quiet_hours is not None
    }


if __name__ == "__main__":
    main()
