"""End offences that nobody watches any more: their camera, rule or zone was taken out of the site file."""

from __future__ import annotations

from collections.abc import Sequence

from domain.cameras.messages import trouble
from domain.events.catalog import (
    Event,
    OffenceClimbed,
    OffenceData,
    OffenceOpened,
    OffenceUnknown,
    OffenceWarned,
    expect_event,
)
from domain.ids import mint
from domain.offence_states import MOVES, State
from domain.rule_key import RuleKey
from domain.site.site import Site
from flows.escalation.restart.logged_offences import LoggedOffences
from flows.escalation.watched_rule import watch_keys

_LOGGED_MOVES = frozenset(move.event_type for move in MOVES)


def ends_of_unwatched(logged: LoggedOffences, site: Site) -> list[Event]:
    """End as unknown each open offence of the site that no rule of its site file watches.

    For live runs only: an interrupted pass over recordings may still be taken up under its own site file.
    Its events have the ids that the ladder would have given them.

    Raises:
        TryAgain, Stop: the log cannot be read.
    """
    keys = {key for keys in watch_keys(site).values() for key in keys}
    ends = []
    for story in logged.open_stories().values():
        opened = expect_event(story[0], OffenceOpened).data
        is_watched = RuleKey(opened.camera_id, opened.rule_id) in keys
        # whose zone is gone would be seen outside of every other one, and pass for having left
        if opened.site_id == site.site.id and not (is_watched and _has_place(site, opened)):
            ends.append(_end(story))
    return ends


def _has_place(site: Site, opened: OffenceOpened) -> bool:
    camera = site.camera(opened.camera_id)
    on_camera = {zone.id for zone in camera.zones} | {line.id for line in camera.lines}
    return opened.zone_id in on_camera.intersection(site.rule(opened.rule_id).condition.places())


def _end(story: Sequence[Event]) -> Event:
    moves = [event for event in story if event.type in _LOGGED_MOVES]
    opened = expect_event(moves[0], OffenceOpened).data
    last = expect_event(moves[-1], OffenceData).data
    calls = [e.data for e in moves if isinstance(e.data, OffenceWarned | OffenceClimbed)]
    by_hand = [getattr(event.data, "by_hand", None) for event in moves]
    why = trouble("unwatched")
    common = {name: getattr(last, name) for name in OffenceData.model_fields}
    data = OffenceUnknown.model_validate(
        common
        | {
            "state": State.UNKNOWN.value,
            "first_sighting": opened.first_sighting,
            "rung_sightings": tuple(call.sighting for call in calls),
            "last_sighting": last.sighting,
            "operators_did": tuple(each for each in by_hand if each is not None),
            "reason": why.en,
            "reason_zh": why.zh,
        }
    )
    event_id = mint("evt", opened.offence_id, State.UNKNOWN.value, len(calls))
    return Event(event_id, moves[0].source, opened.offence_id, last.sighting.at, data)
