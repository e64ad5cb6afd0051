"""Open the alarms of a data folder for who answers them: a command line, the console."""

from __future__ import annotations

from casework.alarms.desk import AlarmDesk
from casework.alarms.policy import AlarmPolicy
from domain.cameras.steady_clock import ClockFile, SteadyClock
from domain.data_dir import DataDir
from event_log.log import EventLog
from event_log.site_in_force import find_site_in_force


def desk_of_folder(data: DataDir, log: EventLog) -> tuple[AlarmDesk, SteadyClock]:
    """Return the desk and the clock of a folder's alarms.

    Raises:
        Stop: the site file in force cannot be read.
        OSError: the clock's file cannot be written.
    """
    # a folder of recordings has no clock of its own, and needs none
    clock = ClockFile(data.clock).open() if data.clock.exists() else SteadyClock()
    in_force = find_site_in_force(data)
    policy = AlarmPolicy.of_site(in_force.site) if in_force else AlarmPolicy("site")
    return AlarmDesk(log, policy, clock), clock
