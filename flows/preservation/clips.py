"""Cut an offence's clips out of the footage, and say which of its moments they do not show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from domain.base import BothLanguages
from domain.events.catalog import OutcomeData, Sighting
from domain.events.wall_time import steady_time_of_sighting
from evidence_store.recordings.footage_clips import FootageClip, cut_footage
from flows.preservation.draft_record import DraftRecord, PreserveParts

_FIRST = BothLanguages(zh="首次在区域内出现", en="First seen in the place")
_LAST = BothLanguages(zh="最后一次在区域内出现", en="Last seen in the place")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment that evidence has to show: its picture's name, its title, and what was seen."""

    name: str  # "first", "rung-1", .., "last": a picture is <name>.jpg
    label: str  # for the reasons why something is missing
    title: BothLanguages
    sighting: Sighting


def moments_of(outcome: OutcomeData) -> list[Moment]:
    """Return the first sighting, each rung that came due or operator's call, and the last sighting."""
    rungs = [
        Moment(
            f"rung-{number}",
            f"step {number}",
            BothLanguages(zh=f"第 {number} 步处置", en=f"Step {number}"),
            sighting,
        )
        for number, sighting in enumerate(outcome.rung_sightings, start=1)
    ]
    first = Moment("first", "first sighting", _FIRST, outcome.first_sighting)
    return [first, *rungs, Moment("last", "last sighting", _LAST, outcome.last_sighting)]


def best_sighting(outcome: OutcomeData) -> Sighting:
    """Return the sighting with the highest score."""
    sightings = [moment.sighting for moment in moments_of(outcome)]
    return max(sightings, key=lambda sighting: sighting.score)


def cut_clips(draft: DraftRecord, outcome: OutcomeData, parts: PreserveParts) -> list[FootageClip]:
    """Cut first sighting to last, with lead and tail; say what the clips do not show.

    Raises:
        TryAgain: the footage is still being recorded.
    """
    first, last = outcome.first_sighting, outcome.last_sighting
    # the wall's clock may have been set meanwhile: then the last is earlier, and another hour the same
    first_at, last_at = steady_time_of_sighting(first), steady_time_of_sighting(last)
    from_at = first_at - timedelta(seconds=parts.lead_s)
    to_at = last_at + timedelta(seconds=parts.tail_s)
    footage = parts.footage.find(outcome.camera_id, from_at, to_at, first)
    clips = (
        draft.attempt("clip", lambda: cut_footage(footage, draft.folder, "clip"))
        if footage.pieces
        else None
    ) or []
    # lead and tail are a courtesy: a gap there is on record, but takes nothing from the evidence
    for gap in footage.gaps:
        is_needed = gap.from_at < last_at and gap.to_at > first_at
        (draft.missing if is_needed else draft.remarks).append(f"clip: {gap}")
    for clip in clips:
        draft.roles[clip.cut.path.name] = "clip"
    if clips:
        draft.missing += [
            f"clip: does not show the {moment.label} at {moment.sighting.at.isoformat()}"
            for moment in moments_of(outcome)
            if all(clip.place_of(moment.sighting) is None for clip in clips)
        ]
    return clips
