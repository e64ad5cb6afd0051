"""Trial program: read one camera alone for a while, as the watch program would; a crash ends nobody else.

`CAMERA --site …`: exit code 0: it gave pictures and held; 75: it gave none, so nobody can say.
"""

from __future__ import annotations

import sys
import time

from domain.cameras.credentials import credentials_of
from domain.errors import TryAgain
from domain.site.revisions import SiteRevision
from flows.signals import install_stop_signals
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShard, ShardSettings
from flows.sources.prefetch import Flush
from flows.sources.sample_queue import Sample
from forewarn.programs.secrets import read_secrets
from forewarn.programs.settings import ProgramSettings
from forewarn.programs.start import run_site_program

TRIAL_S = 30.0


def main() -> None:
    """Read the camera named by the first argument for TRIAL_S."""
    camera_id = sys.argv.pop(1)
    run_site_program(
        "decoder_trial", lambda settings, in_force: read_alone(settings, in_force, camera_id)
    )


def read_alone(
    settings: ProgramSettings, in_force: SiteRevision, camera_id: str, trial_s: float | None = None
) -> None:
    """Read, decode and sample; nothing is kept and nobody is watched.

    Raises:
        TryAgain: there was no picture.
    """
    trial_s = TRIAL_S if trial_s is None else trial_s
    site = in_force.site
    stop, _ = install_stop_signals()
    secrets = read_secrets()
    shard_settings = ShardSettings(
        cameras=(site.camera(camera_id),),
        base=in_force.base,
        playback=Playback(settings.until_end),
        stop=stop,
        credentials_of=lambda camera: credentials_of(camera, secrets),
        watched_areas=site.watched_areas,
    )
    positions = shard_settings.positions()
    shard = CameraShard(shard_settings, positions, lambda: False)
    until_s, frames = time.monotonic() + trial_s, 0
    while time.monotonic() < until_s and not stop.is_set():
        items = [item for item in shard.next_batch() if not isinstance(item, Flush)]
        positions.done(items)
        frames += sum(isinstance(item, Sample) for item in items)
    shard.close()
    if not frames:
        raise TryAgain(f"{camera_id}: gave no picture for {trial_s:g} s")


if __name__ == "__main__":
    main()
