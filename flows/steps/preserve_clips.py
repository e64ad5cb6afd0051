"""The clip of an offence, and what it does not show."""

from __future__ import annotations

from datetime import timedelta

from domain.events import OutcomeData
from evidence_store.footage_clips import FootageClip, cut_footage
from flows.steps.preserve_gathering import Gathering
from flows.steps.preserve_moments import moments_of
from flows.steps.preserve_parts import PreserveParts


def cut_clips(gathering: Gathering, data: OutcomeData, parts: PreserveParts) -> list[FootageClip]:
    """Cut first sighting to last, with lead and tail; say what the clips do not show.

    Raises:
        TryAgain: the footage is still being recorded.
    """
    first, last = data.first_sighting, data.last_sighting
    from_at = first.at - timedelta(seconds=parts.lead_s)
    to_at = last.at + timedelta(seconds=parts.tail_s)
    footage = parts.footage.find(data.camera_id, from_at, to_at, first)
    clips = (
        gathering.attempt("clip", lambda: cut_footage(footage, gathering.folder, "clip"))
        if footage.pieces
        else None
    ) or []
    # lead and tail are a courtesy: a gap there is on record, but takes nothing from the evidence
    for gap in footage.gaps:
        is_needed = gap.from_at < last.at and gap.to_at > first.at
        (gathering.missing if is_needed else gathering.remarks).append(f"clip: {gap}")
    for clip in clips:
        gathering.roles[clip.cut.path.name] = "clip"
    if clips:
        gathering.missing += [
            f"clip: does not show the {moment.said} at {moment.sighting.at.isoformat()}"
            for moment in moments_of(data)
            if all(clip.place_of(moment.sighting) is None for clip in clips)
        ]
    return clips
