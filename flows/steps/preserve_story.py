"""What a record's numbers.json tells beside the record itself, so that it explains itself alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from domain.compliance import why_not_fit
from domain.events import Event, OutcomeData
from domain.fitness import explain
from domain.site import Site
from evidence_store.footage_clips import FootageClip


def tell_story(
    event: Event,
    history: Sequence[Event],
    clips: Sequence[FootageClip],
    site: Site,
    remarks: Sequence[str],
    calls: Sequence[Mapping[str, Any]] = (),
    models: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """What numbers.json tells beside the record: offence, rule, ladder, history, clips, calls."""
    data = event.data
    assert isinstance(data, OutcomeData)
    return {
        "site": site.site.model_dump(mode="json"),
        "outcome": _as_json(event),
        "history": [_as_json(each) for each in history],
        **_rule_in_force(data.rule_id, site),
        "camera": _camera(data.camera_id, site),
        "compliance": _compliance(data, site),
        "calls": [dict(each) for each in calls],
        "models": [dict(each) for each in models],
        "clips": [
            {
                "name": clip.cut.path.name,
                "from_at": clip.from_at.isoformat(),
                "to_at": clip.to_at.isoformat(),
                "packets": clip.cut.packets,
                # the camera's own timestamp at the clip's first moment, in seconds
                "stream_s": str(clip.stream_s),
                "holds": "the camera's own video packets, not re-encoded; no sound",
            }
            for clip in clips
        ],
        "remarks": list(remarks),
    }


def _rule_in_force(rule_id: str, site: Site) -> dict[str, Any]:
    """The rule and ladder as the site file has them; the audit compares numbers with them."""
    try:
        rule = site.rule(rule_id)
        ladder = site.ladder(rule.ladder)
    except KeyError:
        return {"rule": None, "ladder": None, "category_title": None}
    title = site.category_title(rule.category)
    return {
        "rule": rule.model_dump(mode="json"),
        "ladder": ladder.model_dump(mode="json"),
        "category_title": title.model_dump() if title else None,
    }


def _camera(camera_id: str, site: Site) -> dict[str, Any]:
    """The camera as the site file has it, without its address: that may hold a password."""
    try:
        return {**site.camera(camera_id).model_dump(mode="json", exclude={"url"})}
    except KeyError:
        return {"id": camera_id}


def _compliance(data: OutcomeData, site: Site) -> dict[str, Any]:
    """Whether the camera's record allowed it to warn on that day; the record is in `camera`."""
    day = data.first_seen_at.astimezone(ZoneInfo(site.site.timezone)).date()
    try:
        record = site.camera(data.camera_id).compliance
    except KeyError:
        return {"on": day.isoformat(), "may_warn": None, "reasons": [], "explanation": ""}
    reasons = why_not_fit(record, data.rule_id, day)
    return {
        "on": day.isoformat(),
        "may_warn": not reasons,
        "reasons": [str(each) for each in reasons],
        "explanation": explain(reasons),
    }


def _as_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "time": event.time.isoformat(),
        "data": event.data.model_dump(mode="json"),
    }
