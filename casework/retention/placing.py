"""Place a hold on one record, and let go of holds, for commands and pages alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from casework.retention.service import RetentionService
from domain.errors import PutAside
from evidence_store.erasure.legal_holds import Hold, find_hold, new_hold_id

AROUND_S = 60.0  # footage before and after a record that is held with it


def hold_record(
    service: RetentionService,
    evidence_id: str,
    reason: str,
    owner: str,
    until: datetime | None = None,
    around_s: float = AROUND_S,
) -> Hold:
    """Hold a record with the footage around it, in force and in the event log when this returns.

    `owner` answers for it; `until` is in UTC, None: until it is released.

    Raises:
        PutAside: there is no such record, it is being erased, or reason or owner are missing.
        TryAgain: it cannot be written.
    """
    record = service.record(evidence_id)
    if record is None or evidence_id in service.report.erasing:
        raise PutAside(
            f"no evidence {evidence_id!r}, or it is being erased; `forewarn evidence list` shows the ids"
        )
    around = timedelta(seconds=around_s)
    return place_hold(
        service,
        Hold(
            hold_id=new_hold_id(),
            evidence_id=evidence_id,
            camera_id=record.camera_id,
            from_at=min(record.first_seen_at, record.clip_from_at) - around,
            to_at=record.ended_at + around,
            reason=reason.strip(),
            owner=owner.strip(),
            until=until,
        ),
    )


def place_hold(service: RetentionService, hold: Hold) -> Hold:
    """Place a hold and log it; raises as `Holds.place` does."""
    service.holds.place(hold)
    service.log_hold(hold, hold.reason, is_held=True)
    return hold


def release_holds(service: RetentionService, wanted: str, reason: str) -> list[Hold]:
    """Let go of the hold of that id, or of all holds of the record of that id; return them.

    Raises:
        PutAside: nothing is held so, or there is no reason.
        TryAgain: it cannot be written; then it stays held.
    """
    found = find_hold(wanted, service.standing_holds())
    if not found:
        raise PutAside(f"nothing is held as {wanted!r}; `forewarn evidence holds` shows what is")
    for standing in found:
        service.holds.release(standing, reason)
        service.log_hold(standing, reason.strip(), is_held=False)
    return [*found]
