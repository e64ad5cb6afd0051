"""Count the evidence that waits to be sealed or masked, by what the event log says."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from domain.events.catalog import (
    OUTCOME_TYPES,
    EvidenceBehind,
    EvidenceErased,
    EvidenceMasked,
    EvidenceSealed,
)
from domain.events.storage_events import EvidenceWork
from domain.ids import mint
from event_log.log import EventLog
from event_log.place import LogPlace, why_not_here
from event_log.stories import Heading, headings
from forewarn.storage.messages import readable_duration, storage_message

_SEALED, _MASKED = EvidenceSealed.event_type, EvidenceMasked.event_type
_ERASED = EvidenceErased.event_type


@dataclass
class _Queue:
    """One kind of work: what waits for it, since when, and from which age on that is told."""

    work: EvidenceWork
    behind_after_s: float
    caught_up_below_s: float
    begins: Collection[str]  # types of events
    ends: Collection[str]
    since_s: dict[str, float] = field(default_factory=dict)  # by evidence id; monotonic
    is_behind: bool = False

    def take(self, event_type: str, evidence_id: str, now_s: float) -> None:
        if event_type in self.begins:
            self.since_s.setdefault(evidence_id, now_s)
        elif event_type in self.ends:
            self.since_s.pop(evidence_id, None)


class EvidenceBacklog:
    """Follows the log; each look reads what is new.

    How long something has waited is counted from when it was seen here: neither a clock that is set nor
    the time of recorded footage makes it late.
    """

    def __init__(self, site_id: str, now_s: Callable[[], float] = time.monotonic) -> None:
        """Begin at the log's first event."""
        self._site_id = site_id
        self._now_s = now_s
        self._place: LogPlace | None = None
        self._queues = self._empty()

    def take_up(self, past: EvidenceBehind) -> None:
        """Know what an earlier run told, so that its end is told, too."""
        for queue in self._queues:
            if queue.work == past.work:
                queue.is_behind = past.is_behind

    def look(self, log: EventLog) -> list[EvidenceBehind]:
        """Read what is new, and return what has to be told.

        Raises:
            TryAgain, Stop: as EventLog.read.
        """
        place = self._place or LogPlace(log.log_id, 0)
        if why_not_here(log, place):
            self._queues, place = self._empty(), LogPlace(log.log_id, 0)
        now_s = self._now_s()
        wanted = (*OUTCOME_TYPES, _SEALED, _MASKED, _ERASED)
        for heading in headings(log, wanted, place.seq):
            place = LogPlace(log.log_id, heading.seq, heading.event_id)
            for queue in self._queues:
                queue.take(heading.type, _evidence_id(heading), now_s)
        self._place = place
        return [news for queue in self._queues if (news := self._news(queue, now_s))]

    def _empty(self) -> tuple[_Queue, ...]:
        return (
            # the tail of a recording and the last call are waited for: 45 s are usual
            _Queue("sealing", 120.0, 60.0, OUTCOME_TYPES, (_SEALED, _ERASED)),
            # it is done when nothing else is to be done
            _Queue("masking", 900.0, 300.0, (_SEALED,), (_MASKED, _ERASED)),
        )

    def _news(self, queue: _Queue, now_s: float) -> EvidenceBehind | None:
        # a dict keeps the order in which things came
        oldest_s = now_s - next(iter(queue.since_s.values()), now_s)
        if oldest_s >= queue.behind_after_s and not queue.is_behind:
            queue.is_behind = True
        elif oldest_s < queue.caught_up_below_s and queue.is_behind:
            queue.is_behind = False
        else:
            return None
        count = len(queue.since_s)
        kind = queue.work if queue.is_behind else f"{queue.work}_over"
        words = storage_message(kind, count=count, oldest=readable_duration(oldest_s))
        return EvidenceBehind(
            site_id=self._site_id,
            work=queue.work,
            is_behind=queue.is_behind,
            count=count,
            oldest_s=round(oldest_s, 1),
            reason=words.en,
            reason_zh=words.zh,
        )


def _evidence_id(heading: Heading) -> str:
    if heading.type in OUTCOME_TYPES:
        return mint("evd", heading.subject)
    return heading.subject
