"""Explain why a stretch of a live camera's footage is missing, or is there twice, as far as the index knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from evidence_store.recordings.segment_index import IndexNotes, Lost, Segment

# an ending is stamped with its last picture, the gap begins with that picture's end
NEAR = timedelta(seconds=2)

# recordings that share less of a time come from a burst after a stall
SET_BACK_S = 5.0

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
    """Name every known cause of a gap, in words; "nothing recorded" where none is known.

    `segments`, `lost` and `notes` are the camera's whole index.
    """
    causes = {part.reason for part in lost if part.from_at <= to_at and part.to_at >= from_at}
    causes |= {ending.reason for ending in notes.endings if from_at - NEAR <= ending.at <= to_at}
    if any(segment.is_cut_off and _is_near(segment.end_at, from_at) for segment in segments):
        causes.add(BROKE_OFF)
    if notes.gone_until is not None and from_at < notes.gone_until:
        causes.add(DELETED)
    return "; ".join(sorted(causes)) or NOTHING


def set_back(from_at: datetime, to_at: datetime, recorded: Sequence[Segment]) -> str:
    """Say when the clock was set back so that two recordings carry a time; "" where it was not.

    `recorded` are the camera's segments in the order in which they were recorded.
    """
    moments = []
    for before, after in pairwise(recorded):
        ended_at = before.end_at or before.start_at
        is_back = ended_at - before.ahead - after.steady_at > timedelta(seconds=SET_BACK_S)
        if is_back and after.steady_at <= to_at and ended_at - before.ahead >= from_at:
            moments.append(ended_at.isoformat(timespec="seconds"))
    if not moments:
        return ""
    return f"two recordings carry this time: the clock was set back at {', '.join(moments)}"


def _is_near(one: datetime | None, other: datetime) -> bool:
    return one is not None and abs(one - other) <= NEAR
