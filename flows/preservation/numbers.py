"""Explain a record in its numbers.json: all that a reader needs who has nothing but the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from domain.events.catalog import Event, OutcomeData
from domain.fitness import explain
from domain.site.compliance import why_not_fit
from domain.site.site import Site
from evidence_store.recordings.footage_clips import FootageClip

# of a camera: for nobody who reads a record
REACHED_BY = {"url", "user", "password_env", "redirects_to"}


def explain_record(
    ended: Event[OutcomeData],
    history: Sequence[Event],
    clips: Sequence[FootageClip],
    site: Site,
    remarks: Sequence[str],
    calls: Sequence[Mapping[str, Any]] = (),
    models: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return what numbers.json says beside the record: offence, rule, ladder, history, clips, calls."""
    outcome = ended.data
    return {
        "site": site.site.model_dump(mode="json"),
        "outcome": _as_json(ended),
        "history": [_as_json(event) for event in history],
        **_rule_in_force(outcome.rule_id, site),
        "camera": _camera(outcome.camera_id, site),
        "compliance": _compliance(outcome, site),
        "calls": [dict(call) for call in calls],
        "models": [dict(model) for model in models],
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
    """Return the rule and ladder as the site file has them; the audit compares numbers with them."""
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
    """Return the camera as the site file has it, but for how it is reached."""
    try:
        return site.camera(camera_id).model_dump(mode="json", exclude=REACHED_BY)
    except KeyError:
        return {"id": camera_id}


def _compliance(outcome: OutcomeData, site: Site) -> dict[str, Any]:
    """Return whether the camera's record allowed it to warn on that day; the record is in `camera`."""
    day = outcome.first_seen_at.astimezone(ZoneInfo(site.site.timezone)).date()
    try:
        record = site.camera(outcome.camera_id).compliance
    except KeyError:
        return {"on": day.isoformat(), "may_warn": None, "reasons": [], "explanation": ""}
    reasons = why_not_fit(record, outcome.rule_id, day)
    return {
        "on": day.isoformat(),
        "may_warn": not reasons,
        "reasons": [str(reason) for reason in reasons],
        "explanation": explain(reasons),
    }


def _as_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "type": event.type,
        "time": event.time.isoformat(),
        "data": event.data.model_dump(mode="json"),
    }
