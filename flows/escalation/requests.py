"""Write what a rung or an escalation asks for beside speaking, as events that follow the move's event."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from domain.base import BothLanguages
from domain.events.catalog import (
    Event,
    OffenceClimbed,
    OffenceData,
    OffenceDispatched,
    OffenceEscalated,
    OffenceWarned,
)
from domain.events.requests import (
    CaseRequested,
    NotificationRequested,
    OfficerRequested,
    RequestData,
)
from domain.events.wall_time import steady_time_of
from domain.ids import mint
from domain.site.ladders import Ladder
from domain.site.site import Site
from flows.speech.voice.wording import Surroundings, words_of

WORDING = BothLanguages(
    en="Suspected: {rule}. {zone}, {camera}; it has lasted {dwell}. This is what a camera saw, "
    "not a finding: a person decides.",
    zh="疑似情况：{rule}。{zone}（{camera}），已持续{dwell}。以上为摄像机所见，尚未认定，须由人员核实。",
)


def with_requests(events: Iterable[Event], site: Site) -> list[Event]:
    """Return the events, each followed by those of what it asks for."""
    return [each for event in events for each in (event, *requests_of(event, site))]


def missing_requests(story: Sequence[Event], since: datetime, site: Site) -> list[Event]:
    """Return requests of moves after `since` that the log has not: a crash came between."""
    logged = {event.id for event in story}
    return [
        request
        for event in story
        if steady_time_of(event) > since
        for request in requests_of(event, site)
        if request.id not in logged
    ]


def requests_of(event: Event, site: Site) -> Iterator[Event]:
    """Yield the requests that a rung or an escalation makes; nothing for other events.

    Their ids come from the event's, so that a replay makes no second request.
    """
    data = event.data
    does: tuple[str, ...]
    whom: tuple[str, ...]
    if isinstance(data, OffenceWarned | OffenceClimbed):
        if data.rung_number == 0:  # an operator's words
            return
        ladder = site.ladder(site.rule(data.rule_id).ladder)
        if data.rung_number > len(ladder.rungs):
            return  # told before the site file was changed
        rung = ladder.rungs[data.rung_number - 1]
        does, whom = rung.does, rung.notifies
        step = {"asked_by": "rung", "rung_id": data.rung_id, "rung_number": data.rung_number}
    elif isinstance(data, OffenceEscalated):
        ladder = site.ladder(site.rule(data.rule_id).ladder)
        does, whom = ladder.escalation_does, ladder.escalation_notifies
        step = {"asked_by": "escalation", "rung_id": "", "rung_number": 0}
    elif isinstance(data, OffenceDispatched):
        ladder = site.ladder(site.rule(data.rule_id).ladder)
        does, whom = ("request_officer",), ()
        step = {"asked_by": "operator", "rung_id": "", "rung_number": 0}
    else:
        return
    facts: dict[str, Any] = {}
    for action in does:
        if action == "announce":
            continue
        facts = facts or _facts(data, step, ladder, site)
        request = _request(action, data, facts, whom or tuple(each.id for each in site.recipients))
        event_id = mint("evt", event.id, request.event_type)
        yield Event(event_id, event.source, event.subject, event.time, request)


def _request(
    action: str, data: OffenceData, facts: dict[str, Any], whom: tuple[str, ...]
) -> RequestData:
    if action == "notify":
        return NotificationRequested.model_validate(facts | {"recipients": whom})
    if action == "open_case":
        return CaseRequested.model_validate(facts | {"case_id": mint("case", data.offence_id)})
    by_hand = getattr(data, "by_hand", None)  # an operator may ask for it, or for a rung
    return OfficerRequested.model_validate(facts | {"by_hand": by_hand})


def _facts(data: OffenceData, step: dict[str, Any], ladder: Ladder, site: Site) -> dict[str, Any]:
    rule, camera = site.rule(data.rule_id), site.camera(data.camera_id)
    surroundings = Surroundings.of(site, camera)
    wording = words_of(
        WORDING,
        surroundings,
        rule,
        zone_id=data.zone_id,
        dwell_s=data.dwell_s,
        rung_number=step["rung_number"],
        rung_count=len(ladder.rungs),
        at=data.sighting.at,
    )
    common = {name: getattr(data, name) for name in OffenceData.model_fields}
    return {
        **common,
        **step,
        "rung_count": len(ladder.rungs),
        "site_title": site.site.title,
        "camera_title": camera.title,
        "place_title": surroundings.zones.get(data.zone_id) or camera.title,
        "rule_title": rule.title,
        "category": rule.category,
        "category_title": site.category_title(rule.category),
        "legal_basis": rule.legal_basis,
        "severity": rule.severity,
        "evidence_id": mint("evd", data.offence_id),
        "wording": wording,
    }
