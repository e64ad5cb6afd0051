"""An announcer, to be killed: for forked.py."""

from __future__ import annotations

from datetime import timedelta

from bytewax.recovery import RecoveryConfig
from bytewax.run import cli_main

from domain.data_dir import DataDir
from flows.announce import AnnounceSettings, build_announce_flow, build_voice
from flows.signals import install_stop_signals


def main(data: DataDir) -> None:
    """Speak what is logged; it is drained by a signal."""
    stop, drain = install_stop_signals()
    settings = AnnounceSettings(data)
    voice = build_voice(settings)
    flow = build_announce_flow(settings, voice, stop, drain)
    print("running", flush=True)
    recovery = RecoveryConfig(str(data.recovery / "announce"))
    cli_main(flow, epoch_interval=timedelta(seconds=0.2), recovery_config=recovery)
    voice.close()
