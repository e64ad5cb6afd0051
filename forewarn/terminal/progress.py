"""Show how far a run over files is, read from the event log."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.progress import Progress

from domain.data_dir import DataDir
from domain.events.catalog import OUTCOME_TYPES, AnnouncementMade, EvidenceSealed, OffenceWarned
from domain.site.site import Site

LOOK_EVERY_S = 0.5


def footage_progress(bars: Progress, site: Site, data: DataDir) -> Callable[[], None]:
    """Add bars that move with the events; return what to call now and then."""
    from event_log.log import EventLog

    log = EventLog.open(data.events_db)
    watching = bars.add_task("watching", total=None, state="")
    speaking = bars.add_task("speaking", total=None, state="")
    sealing = bars.add_task("sealing", total=None, state="")
    next_s = 0.0

    def show() -> None:
        nonlocal next_s
        if time.monotonic() < next_s:
            return
        next_s = time.monotonic() + LOOK_EVERY_S
        counts = log.count_by_type()
        warned = counts.get(OffenceWarned.event_type, 0)
        ended = sum(counts.get(kind, 0) for kind in OUTCOME_TYPES)
        spoken = counts.get(AnnouncementMade.event_type, 0)
        sealed = counts.get(EvidenceSealed.event_type, 0)
        bars.update(
            watching, state=f"{len(site.cameras)} cameras, {warned} calls, {ended} outcomes"
        )
        bars.update(speaking, total=warned or None, completed=spoken, state=f"{spoken} of {warned}")
        bars.update(sealing, total=ended or None, completed=sealed, state=f"{sealed} of {ended}")

    return show
