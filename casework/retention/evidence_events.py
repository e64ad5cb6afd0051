"""Read and write what a data folder's event log says of holds, erasures and open offences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from casework.retention.open_offences import OpenOffences
from domain.events.catalog import Event, EvidenceErased, EvidenceHeld, RequestData, SiteApplied
from domain.evidence import EvidenceRecord
from domain.ids import mint
from event_log.chain_check import stretches_of
from event_log.log import EventLog
from event_log.projections.projection import Projection
from event_log.stories import forget, headings, seqs_about
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.chain_check import ChainReport
from evidence_store.erasure.erasure_request import Erasure
from evidence_store.erasure.legal_holds import Hold
from evidence_store.recordings.pins import Pin

STRETCHES_AT_ONCE = 2000  # of rows, in one entry of the chain


@dataclass(frozen=True, slots=True)
class EvidenceEvents:
    """The event log of one data folder; where there is none, nothing is read and nothing is written.

    Every method raises TryAgain and Stop as `EventLog` does.
    """

    path: Path

    @contextmanager
    def _open(self) -> Iterator[EventLog | None]:
        if not self.path.exists():
            yield None
            return
        with EventLog.open(self.path) as log:
            yield log

    def append_hold(
        self, hold: Hold, record: EvidenceRecord | None, reason: str, *, is_held: bool
    ) -> None:
        """Log that a hold was placed, or, where not `is_held`, ended; and why.

        The record is the held one, where it can be read; the hold may be of a camera's recordings only.
        """
        data = EvidenceHeld(
            hold_id=hold.hold_id,
            is_held=is_held,
            evidence_id=hold.evidence_id,
            offence_id=record.offence_id if record else "",
            camera_id=hold.camera_id,
            from_at=hold.from_at,
            to_at=hold.to_at,
            reason=reason,
            owner=hold.owner,
            until=hold.until,
        )
        event = Event(
            id=mint("evt", hold.hold_id, is_held),
            source=f"forewarn/{record.site_id if record else 'site'}/keep",
            subject=hold.evidence_id or hold.hold_id,
            time=datetime.now(UTC),
            data=data,
        )
        with self._open() as log:
            if log:
                log.append([event])

    def append_erased(self, evidence_ids: Collection[str], report: ChainReport) -> None:
        """Log erasures that the chain certifies; what the log knows already is not written twice."""
        events = [
            _erased_event(evidence_id, report.erased[evidence_id], report.why_erased[evidence_id])
            for evidence_id in sorted(evidence_ids)
            if evidence_id in report.erased
        ]
        with self._open() as log:
            if log and events:
                log.append(events)

    def forget_erased(self, erasures: Sequence[Erasure], chain: CustodyChain) -> None:
        """Delete what the log says of erased records whose request included their events."""
        asked = [erasure for erasure in erasures if erasure.with_events]
        names = {
            name for erasure in asked for name in (erasure.evidence_id, erasure.offence_id)
        } - {""}
        with self._open() as log:
            if log and names:
                _forget(log, seqs_about(log, names), "records were erased with their events", chain)

    def forget_recorded_before(
        self, moment: datetime, sealed: Collection[str], chain: CustodyChain
    ) -> int:
        """Delete events recorded before a moment; return how many.

        Those of `sealed` evidence ids stay, and those that say which site file was in force: the last of
        them is in force still, however old it is.
        """
        with self._open() as log:
            if not log:
                return 0
            old = [
                heading.seq
                for heading in headings(log, recorded_before=moment)
                if heading.type != SiteApplied.event_type
                and heading.subject not in sealed
                and mint("evd", heading.subject) not in sealed
            ]
            return _forget(log, old, f"recorded before {moment.isoformat()}", chain)

    def requests_about(self, offence_id: str) -> list[str]:
        """Return the ids of events that asked for somebody to be notified of an offence."""
        with self._open() as log:
            events = [logged.event for logged in log.about(offence_id)] if log else []
        return [event.id for event in events if isinstance(event.data, RequestData)]

    def open_offence_pins(self, now: datetime) -> list[Pin]:
        """Return the footage that open offences need, and ended ones whose evidence is not sealed."""
        with self._open() as log:
            return OpenOffences(log).pins(now) if log else []


def _forget(log: EventLog, seqs: Sequence[int], reason: str, chain: CustodyChain) -> int:
    """Put on record which rows go, then delete them: of others that are gone, somebody removed them."""
    if not seqs:
        return 0
    stretches = stretches_of(seqs)
    for start in range(0, len(stretches), STRETCHES_AT_ONCE):
        some = stretches[start : start + STRETCHES_AT_ONCE]
        chain.append("events forgotten", "", {"rows": some, "reason": reason})
    gone = forget(log, seqs)
    Projection(log).forget_erased()
    return gone


def _erased_event(evidence_id: str, entry: Entry, begun: Entry) -> Event:
    why, at = begun["details"], datetime.fromisoformat(entry["at"])
    data = EvidenceErased(
        evidence_id=evidence_id,
        offence_id=str(why["offence_id"]),
        reason=str(why["reason"]),
        by=str(why["by"]),
        rule=str(why["rule"]),
        custody_number=entry["number"],
        erased_at=at,
    )
    return Event(
        id=mint("evt", evidence_id, data.event_type, entry["number"]),
        source=f"forewarn/{why.get('site_id') or 'site'}/keep",
        subject=evidence_id,
        time=at,
        data=data,
    )
