"""Alarms program: open what a person must answer, and tell the next one when nobody does."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from casework.alarms.desk import AlarmDesk
from casework.alarms.policy import AlarmPolicy
from domain.cameras.steady_clock import SteadyClock
from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.processes.backoff import Backoff
from domain.site.revisions import SiteRevision
from event_log.log import EventLog
from flows.clock_keeper import looking_at, open_clock
from flows.signals import StopFlag, install_stop_signals, note_sigterm
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.start import run_site_program
from forewarn.programs.supervision.beat import Heartbeat
from forewarn.terminal.event_lines import short_type

LOOK_EVERY_S = 0.5
LONGEST_PAUSE_S = 5.0  # where the log cannot be written now

log = structlog.get_logger()


def main() -> None:
    """Run until a signal comes."""
    run_site_program("alarms", alarms)


def alarms(settings: ProgramSettings, in_force: SiteRevision) -> None:
    """Look after the alarms of a live run."""
    stop, _ = install_stop_signals()
    clock = open_clock(settings.data, is_live=True)
    beat = looking_at(clock, Heartbeat(settings.data.beats / "alarms"))
    note_sigterm()
    look_after_alarms(settings.data, AlarmPolicy.of_site(in_force.site), clock, stop, beat)


def look_after_alarms(
    data: DataDir,
    policy: AlarmPolicy,
    clock: SteadyClock,
    stop: StopFlag,
    beat: Callable[[], None],
) -> None:
    """Look again and again until told to stop; a full disk and a log that is away are waited for.

    Raises:
        Stop: the log is damaged, or an alarm in it is of a newer version.
    """
    backoff = Backoff(LOOK_EVERY_S, LONGEST_PAUSE_S)
    while not stop.is_set():
        try:
            with EventLog.open(data.events_db) as events:
                desk = AlarmDesk(events, policy, clock)
                while not stop.is_set():
                    beat()
                    for event in desk.look(beat):
                        log.info(
                            short_type(event.type), alarm=event.subject, state=event.data.state
                        )
                    backoff.reset()
                    stop.wait(LOOK_EVERY_S)
        except TryAgain as error:
            log.warning("alarms_wait", reason=str(error))
            beat()
            stop.wait(backoff.next_s())


if __name__ == "__main__":
    main()
