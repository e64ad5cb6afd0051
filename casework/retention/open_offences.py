"""Pin the footage that open offences need: from an offence's beginning until its evidence is sealed."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.events.catalog import OUTCOME_TYPES, EvidenceSealed, OffenceOpened, OutcomeData
from domain.events.wall_time import steady_time_of_sighting
from domain.ids import mint
from event_log.log import EventLog
from event_log.stories import Heading, headings
from evidence_store.recordings.pins import Pin

# before the first sighting and after the last one: lead, tail, and the key frame before
AROUND = timedelta(seconds=30)
# how much of an offence that has not ended is kept, and for how long where its end never comes:
# its watch process was begun afresh, so nobody will end it
LONGEST_OPEN = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(days=7)
_TYPES = (OffenceOpened.event_type, *OUTCOME_TYPES, EvidenceSealed.event_type)


class OpenOffences:
    """Follow the log; each call of `pins` reads what is new."""

    def __init__(self, log: EventLog) -> None:
        """Begin at the log's first event."""
        self._log = log
        self._seq = 0
        self._open: dict[str, Pin] = {}
        self._ended: set[str] = set()

    def pins(self, now: datetime) -> list[Pin]:
        """Return what offences need that are open, or whose evidence is not sealed yet; raises as the log."""
        news = headings(self._log, _TYPES, self._seq)
        sealed = {new.subject for new in news if new.type == EvidenceSealed.event_type}
        for offence_id in [known for known in self._open if mint("evd", known) in sealed]:
            del self._open[offence_id]
            self._ended.discard(offence_id)
        for heading in news:
            is_sealing = heading.type == EvidenceSealed.event_type
            if not is_sealing and mint("evd", heading.subject) not in sealed:
                self._take(heading)
        if news:
            self._seq = news[-1].seq
        return [
            pin
            for offence_id, pin in self._open.items()
            if offence_id in self._ended or now - pin.from_at < GIVEN_UP_AFTER
        ]

    def _take(self, heading: Heading) -> None:
        page = self._log.read_page(heading.seq - 1, [heading.type], limit=1)
        if not page.events:
            return
        data = page.events[0].event.data
        if isinstance(data, OffenceOpened):
            from_at = steady_time_of_sighting(data.first_sighting) - AROUND
            why = f"open offence {data.offence_id}"
            until = from_at + LONGEST_OPEN
            self._open[data.offence_id] = Pin(data.camera_id, from_at, until, why, is_steady=True)
        elif isinstance(data, OutcomeData):
            self._open[data.offence_id] = Pin(
                data.camera_id,
                steady_time_of_sighting(data.first_sighting) - AROUND,
                steady_time_of_sighting(data.last_sighting) + AROUND,
                f"offence {data.offence_id}, not sealed yet",
                is_steady=True,
            )
            self._ended.add(data.offence_id)
