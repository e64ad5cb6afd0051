"""Which footage open offences need: what began and is not sealed yet must stay in the ring."""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.events import OUTCOME_TYPES, EvidenceSealed, OffenceOpened, OutcomeData
from domain.ids import mint
from event_log.log import EventLog
from event_log.stories import Heading, headings
from evidence_store.pins import Pin

# before the first sighting and after the last one: lead, tail, and the key frame before
AROUND = timedelta(seconds=30)
# how much of an offence that has not ended is kept, and for how long where its end never comes:
# its watch process was begun afresh, so nobody will end it
LONGEST_OPEN = timedelta(hours=24)
GIVEN_UP_AFTER = timedelta(days=7)
_TYPES = (OffenceOpened.event_type, *OUTCOME_TYPES, EvidenceSealed.event_type)


class OpenOffences:
    """Follows the log; each call of `pins` reads what is new."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._seq = 0
        self._open: dict[str, Pin] = {}
        self._ended: set[str] = set()

    def pins(self, now: datetime) -> list[Pin]:
        """What the offences need that are open, or whose evidence is not sealed yet.

        Raises:
            TryAgain, Stop: the log cannot be read.
        """
        news = headings(self._log, _TYPES, self._seq)
        sealed = {each.subject for each in news if each.type == EvidenceSealed.event_type}
        for evidence in [each for each in self._open if mint("evd", each) in sealed]:
            del self._open[evidence]
            self._ended.discard(evidence)
        for each in news:
            if each.type != EvidenceSealed.event_type and mint("evd", each.subject) not in sealed:
                self._take(each)
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
            from_at = data.first_sighting.at - AROUND
            self._open[data.offence_id] = Pin(
                data.camera_id, from_at, from_at + LONGEST_OPEN, f"open offence {data.offence_id}"
            )
        elif isinstance(data, OutcomeData):
            self._open[data.offence_id] = Pin(
                data.camera_id,
                data.first_sighting.at - AROUND,
                data.last_sighting.at + AROUND,
                f"offence {data.offence_id}, not sealed yet",
            )
            self._ended.add(data.offence_id)
