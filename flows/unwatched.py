"""Offences that nobody watches any more: their camera or rule was taken out of the site file."""

from __future__ import annotations

from collections.abc import Sequence

from domain.camera_trouble import trouble
from domain.events import (
    Event,
    OffenceClimbed,
    OffenceData,
    OffenceOpened,
    OffenceUnknown,
    OffenceWarned,
)
from domain.ids import mint
from domain.ladder import MOVES, State
from domain.site import Site
from flows.steps.rule_watch import watch_keys
from flows.told_offences import ToldOffences

_MOVES_TOLD = frozenset(move.event_type for move in MOVES)


def ends_of_unwatched(told: ToldOffences, site: Site) -> list[Event]:
    """How each open offence of the site ends that no rule of its site file watches: unknown.

    For live runs only: an interrupted pass over recordings may still be taken up under its own site file.
    Its events have the ids that the ladder would have given them.

    Raises:
        TryAgain, Stop: the log cannot be read.
    """
    keys = {key for keys in watch_keys(site).values() for key in keys}
    ends = []
    for story in told.open_stories().values():
        opened = story[0].data
        assert isinstance(opened, OffenceOpened)
        if opened.site_id == site.site.id and f"{opened.camera_id}|{opened.rule_id}" not in keys:
            ends.append(_end(story))
    return ends


def _end(story: Sequence[Event]) -> Event:
    moves = [event for event in story if event.type in _MOVES_TOLD]
    opened, last = moves[0].data, moves[-1].data
    assert isinstance(opened, OffenceOpened) and isinstance(last, OffenceData)
    calls = [e.data for e in moves if isinstance(e.data, OffenceWarned | OffenceClimbed)]
    by_hand = [getattr(event.data, "by_hand", None) for event in moves]
    said = trouble("unwatched")
    common = {name: getattr(last, name) for name in OffenceData.model_fields}
    data = OffenceUnknown.model_validate(
        common
        | {
            "state": State.UNKNOWN.value,
            "first_sighting": opened.first_sighting,
            "rung_sightings": tuple(call.sighting for call in calls),
            "last_sighting": last.sighting,
            "operators_did": tuple(each for each in by_hand if each is not None),
            "reason": said.en,
            "reason_zh": said.zh,
        }
    )
    event_id = mint("evt", opened.offence_id, State.UNKNOWN.value, len(calls))
    return Event(event_id, moves[0].source, opened.offence_id, last.sighting.at, data)
