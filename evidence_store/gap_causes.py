"""Why a stretch of a live camera's footage is not there, as far as the recorder's index knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from evidence_store.segments import IndexNotes, Lost, Segment

# an ending is stamped with its last picture, the gap begins with that picture's end
NEAR = timedelta(seconds=2)

DELETED = "nothing recorded any more: deleted, by age or because the ring was full"
BROKE_OFF = "recording broke off: the process was killed, or the power failed"
NOTHING = "nothing recorded"


def why_missing(
    from_at: datetime,
    to_at: datetime,
    segments: Sequence[Segment],
    lost: Sequence[Lost],
    notes: IndexNotes,
) -> str:
    """Every cause that is known of a gap, in words; "nothing recorded" where none is.

    Args:
        segments, lost, notes: the camera's whole index.
    """
    causes = {each.reason for each in lost if each.from_at <= to_at and each.to_at >= from_at}
    causes |= {each.reason for each in notes.endings if from_at - NEAR <= each.at <= to_at}
    if any(each.is_cut_off and _is_near(each.end_at, from_at) for each in segments):
        causes.add(BROKE_OFF)
    if notes.gone_until is not None and from_at < notes.gone_until:
        causes.add(DELETED)
    return "; ".join(sorted(causes)) or NOTHING


def _is_near(one: datetime | None, other: datetime) -> bool:
    return one is not None and abs(one - other) <= NEAR
