"""Start a program: its log, its settings, its place in the data folder, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from domain.errors import ForewarnError, full_disks_in_words
from domain.site.revisions import SiteRevision
from event_log.site_in_force import site_in_force
from flows.signals import install_stop_signals, keep_exit_code
from forewarn.programs.logging_setup import set_up_logging
from forewarn.programs.settings import ProgramSettings, read_settings
from forewarn.programs.supervision.run_lock import program_lock
from forewarn.programs.supervision.supervisor import in_order


def run_program(name: str, work: Callable[[ProgramSettings], None]) -> None:
    """Do a program's work; an error of ours is printed and becomes the exit code.

    Args:
        name: of the program and of its module.
        work: is called once no predecessor is at work any more.
    """
    stop, _ = install_stop_signals()
    set_up_logging(name)
    # both are the log file, and neither may raise where the disk is full
    sys.stdout = sys.stderr
    settings = read_settings(name)
    try:
        with (
            full_disks_in_words(),
            in_order(stop),
            program_lock(settings.data, name, stop.is_set),
        ):
            work(settings)
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        keep_exit_code()


def run_site_program(name: str, work: Callable[[ProgramSettings, SiteRevision], None]) -> None:
    """Do the work of a program by the site file that its run names, never by the one that people edit.

    Started by hand it goes by the one that is in force.
    """
    run_program(
        name, lambda settings: work(settings, site_in_force(settings.data, settings.revision))
    )
