"""Notify program: tell each recipient of each request and alarm once, or log why not."""

from __future__ import annotations

import time
from collections.abc import Callable

from casework.alarms.reading import find_alarm
from domain.site.revisions import SiteRevision
from domain.site.site import Site
from event_log.log import EventLog
from event_log.projections.projection import Projection
from event_log.projections.rows import Fields
from evidence_store.recordings.footage import SiteFootage
from evidence_store.vault.open_vault import encryption_keys
from flows.clock_keeper import looking_at, open_clock
from flows.notices.deliver import WANTED_TYPES
from flows.notices.notes import MessageNotes
from flows.notices.senders import open_senders
from flows.notices.still import MaskedStills
from flows.notices.tools import NoticeTools
from flows.notify import SAVED_STEPS, build_notify_flow
from flows.opening_hours import Hours
from flows.put_aside import Asides
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink, appending_to
from flows.sources.event_log import EventLogSource
from forewarn.programs.run_flow import run_flow
from forewarn.programs.secrets import read_secrets
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.start import run_site_program
from forewarn.programs.supervision.beat import Heartbeat
from forewarn.storage.room_for_state import RoomForState
from models.serving.client import FaceDetector, connect

AT_ONCE = 20


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    run_site_program("notify", notify)


def notify(settings: ProgramSettings, in_force: SiteRevision) -> None:
    """Choose the real senders and stores and run the flow."""
    stop, drain = install_stop_signals()
    heartbeat = Heartbeat(settings.data.beats / "notify")
    data, site = settings.data, in_force.site
    senders = open_senders(site, read_secrets())
    connection = connect(settings.triton_address, beat=heartbeat)
    keys = encryption_keys(data, settings.keys)
    live = frozenset(
        camera.id for camera in site.cameras if camera.is_live or not settings.until_end
    )
    clock = open_clock(data, is_live=bool(live))
    footage = SiteFootage(site, in_force.base, data.recordings, keys, steady_now=clock.now)
    stills = MaskedStills(data, footage, FaceDetector(connection), stop.is_set)
    notes = MessageNotes(data)
    tidy = hourly(stills.tidy, notes.tidy)

    def beat_and_tidy() -> None:
        heartbeat()
        tidy()

    beat = looking_at(clock, beat_and_tidy)

    events = EventLog.open(data.events_db)
    tools = NoticeTools(
        site=site,
        senders=senders,
        notes=notes,
        stills=stills,
        find=events.find,
        live_cameras=live,
        of_wall=clock.of_wall,
        quiet=quiet_hours(site),
        find_alarm=alarms_of(events),
    )
    room = RoomForState(data, stop, beat)
    source = EventLogSource(
        data.events_db, WANTED_TYPES, stop, drain, AT_ONCE, beat, before_saving=room
    )
    try:
        asides = Asides(site.site.id, "notify", appending_to(data.events_db))
        flow = build_notify_flow(
            tools, source, EventLogSink(data.events_db, wait_for_room=room), stop, beat, asides
        )
        run_flow(flow, data.recovery / "notify", SAVED_STEPS)
    finally:
        stills.close()
        connection.close()


def alarms_of(events: EventLog) -> Callable[[str], Fields | None]:
    """Return what reads an alarm as it stands, by its id; it raises TryAgain and Stop as EventLog does."""
    projection = Projection(events)

    def find(alarm_id: str) -> Fields | None:
        projection.catch_up()
        with events.reading("find an alarm") as connection:
            return find_alarm(connection, alarm_id)

    return find


def hourly(
    *jobs: Callable[[], object], clock: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """Make a function that does the jobs when it is called, once an hour at most.

    Args:
        *jobs: done in this order.
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


def quiet_hours(site: Site) -> dict[str, Hours]:
    """Return the hours in which nothing is sent, by recipient.

    Raises:
        Stop: a notation cannot be read.
    """
    return {
        recipient.id: Hours(
            f"recipient {recipient.id!r}",
            recipient.quiet_hours,
            site.site.timezone,
            site.site.country,
        )
        for recipient in site.recipients
        if recipient.quiet_hours is not None
    }


if __name__ == "__main__":
    main()
