"""Announce program: speak each warning once, or log why not."""

from __future__ import annotations

from contextlib import closing

from domain.site.revisions import SiteRevision
from flows.announce import SAVED_STEPS, AnnounceSettings, build_announce_flow, build_voice, warm
from flows.clock_keeper import looking_at, open_clock
from flows.put_aside import Asides
from flows.signals import install_stop_signals
from flows.sinks.event_log import appending_to
from flows.speech.site_speakers import open_speakers
from forewarn.programs.run_flow import run_flow
from forewarn.programs.secrets import read_secrets
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.start import run_site_program
from forewarn.programs.supervision.beat import Heartbeat
from forewarn.storage.room_for_state import RoomForState


def main() -> None:
    """Run until a signal comes: SIGTERM ends it, SIGUSR1 lets it finish what is in the log."""
    run_site_program("announce", announce)


def announce(settings: ProgramSettings, in_force: SiteRevision) -> None:
    """Choose the real voice and speaker and run the flow."""
    stop, drain = install_stop_signals()
    heartbeat = Heartbeat(settings.data.beats / "announce")
    site = in_force.site
    chosen = AnnounceSettings.of_site(
        site,
        settings.data,
        files_are_live=not settings.until_end,
        base=in_force.base,
        copies=in_force.frozen,
    )
    speakers = open_speakers(site, settings.data, read_secrets(), chosen.rules.live_cameras)
    with closing(build_voice(chosen)) as voice:
        asides = Asides(site.site.id, "announce", appending_to(settings.data.events_db))
        warm(site, voice, stop.is_set)
        clock = open_clock(settings.data, is_live=bool(chosen.rules.live_cameras))
        beat = looking_at(clock, heartbeat)
        room = RoomForState(settings.data, stop, beat)
        flow = build_announce_flow(
            chosen, voice, stop, drain, speakers, beat, asides, room, clock.of_wall
        )
        run_flow(flow, settings.data.recovery / "announce", SAVED_STEPS)


if __name__ == "__main__":
    main()
