"""The announce program: speaks each warning once, or says why not."""

from __future__ import annotations

import os
import sys
from contextlib import closing

from domain.errors import ForewarnError
from domain.site import Site
from domain.site_file import load_site
from flows.announce import AnnounceSettings, build_announce_flow, build_voice, warm
from flows.signals import install_stop_signals
from flows.speech.site_speakers import open_speakers
from forewarn.logging_setup import set_up_logging
from forewarn.programs.beat import Heartbeat
from forewarn.programs.run_flow import run_flow
from forewarn.programs.settings import ProgramSettings, read_settings
from forewarn.run_lock import program_lock


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    set_up_logging("announce")
    settings = read_settings("announce")
    try:
        with program_lock(settings.data, "announce"):
            announce(settings, load_site(settings.site_file))
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def announce(settings: ProgramSettings, site: Site) -> None:
    """Choose the real voice and speaker and run the flow."""
    stop, drain = install_stop_signals()
    beat = Heartbeat(settings.data.beats / "announce")
    chosen = AnnounceSettings.of_site(
        site,
        settings.data,
        files_are_live=not settings.until_end,
        base=settings.site_file.parent,
    )
    speakers = open_speakers(site, settings.data, os.environ, chosen.rules.live_cameras)
    with closing(build_voice(chosen)) as voice:
        warm(site, voice)
        flow = build_announce_flow(chosen, voice, stop, drain, speakers, beat)
        run_flow(flow, settings.data.recovery / "announce")


if __name__ == "__main__":
    main()
