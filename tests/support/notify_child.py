"""A notifier, to be killed: for forked.py."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bytewax.recovery import RecoveryConfig
from bytewax.run import cli_main

from domain.data_dir import DataDir
from domain.site.loading import load_site
from event_log.log import EventLog
from evidence_store.recordings.footage import SiteFootage
from flows.notices.apprise_sender import AppriseSender
from flows.notices.deliver import WANTED_TYPES
from flows.notices.notes import MessageNotes
from flows.notices.still import MaskedStills
from flows.notices.tools import NoticeTools
from flows.notify import build_notify_flow
from flows.signals import install_stop_signals
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource


def main(data: DataDir, site_file: Path, url: str) -> None:
    """Tell the site's one recipient what is asked for; it is drained by a signal."""
    stop, drain = install_stop_signals()
    site = load_site(site_file)
    stills = MaskedStills(data, SiteFootage(site, data.root, data.recordings), None)
    log = EventLog.open(data.events_db)
    sender, live = AppriseSender("desk", url), frozenset({"gate-early"})
    tools = NoticeTools(site, {"desk": sender}, MessageNotes(data), stills, log.find, live)
    source = EventLogSource(data.events_db, WANTED_TYPES, stop, drain)
    flow = build_notify_flow(tools, source, EventLogSink(data.events_db), stop)
    print("running", flush=True)
    recovery = RecoveryConfig(str(data.recovery / "notify"))
    cli_main(flow, epoch_interval=timedelta(seconds=0.2), recovery_config=recovery)
