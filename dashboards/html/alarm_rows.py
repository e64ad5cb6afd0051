"""Rows of the queue of alarms as plain values, in the reader's words; its script draws them as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from casework.alarms.words import KINDS, SEVERITIES, STATES
from dashboards.access.file_tokens import MASKED_FOR_S, FileTokens
from dashboards.data.alarm_views import AlarmView
from dashboards.data.offence_projection import OffenceView
from dashboards.data.poller import ConsoleData
from dashboards.display_names import DisplayNames
from dashboards.html.offence_rows import Row, calls_of, said_last
from dashboards.html.rendering import render
from dashboards.html.subject_picture import SubjectPicture, masked_pictures, sighting_of
from dashboards.texts import in_language
from domain.base import BothLanguages

NAMES_SHOWN = 4


class Thumbnails:
    """Small masked pictures of offences, each with one address while a page is open."""

    def __init__(self, tokens: FileTokens) -> None:
        self._tokens = tokens
        self._known: dict[tuple[str, str], str] = {}  # a new address would load the picture again

    def of(self, offence: OffenceView | None) -> dict[str, object] | None:
        """Return address, view box and size in pixels of the last sealed picture; None: there is none yet."""
        evidence = offence.evidence if offence else None
        pictures = masked_pictures(evidence.files) if evidence else []
        if offence is None or evidence is None or not pictures:
            return None
        key = evidence.evidence_id, pictures[-1].name
        if key not in self._known:
            self._known[key] = self._tokens.address(*key, MASKED_FOR_S)
        sighting = sighting_of(pictures[-1], offence)
        shown = SubjectPicture(self._known[key], "", sighting, is_close_up=True)
        size = (sighting.frame_width_px, sighting.frame_height_px) if sighting else (0, 0)
        return {"address": shown.address, "view_box": shown.view_box, "size_px": list(size)}


def alarm_row(
    alarm: AlarmView, snapshot: ConsoleData, names: DisplayNames, thumbnails: Thumbnails
) -> Row:
    """Describe one alarm and what can be done about it."""
    offence = snapshot.offences.get(alarm.offence_id)
    return {
        "alarm_id": alarm.alarm_id,
        "offence_id": alarm.offence_id,
        "cameras": [alarm.camera_id] if alarm.camera_id else list(alarm.names),
        "is_open": alarm.is_open,
        "is_unanswered": alarm.is_unanswered,
        "number": alarm.number,
        "severity": alarm.severity,
        # what is as usual needs no word
        "severity_name": ""
        if alarm.severity == "ordinary"
        else _word(SEVERITIES, alarm.severity, names),
        "state": alarm.state,
        "state_name": _word(STATES, alarm.state, names),
        "place": _place(alarm, offence, names),
        "about": names.rule(alarm.rule_id) if alarm.offence_id else _about(alarm, names),
        "said": _said(offence, names),
        "opened_at_ms": round(alarm.opened_at.timestamp() * 1000),
        "late": names.say("alarm.late", count=alarm.level) if alarm.level else "",
        "holder": alarm.holder,
        "actions": [action.value for action in alarm.actions],
        "picture": thumbnails.of(offence),
    }


def trouble(alarm: AlarmView, names: DisplayNames) -> str:
    """Draw an alarm that is about no offence: what is wrong, with all of its names, and since when."""
    return render(
        "trouble.html",
        names=names,
        title=_word(KINDS, alarm.kind, names),
        state=_word(STATES, alarm.state, names),
        since=names.say("table.since", at=names.date_and_clock(alarm.opened_at)),
        told=names.say("alarm.told", whom=", ".join(alarm.told)) if alarm.told else "",
        about=[names.camera(name) for name in alarm.names],
    )


def _place(alarm: AlarmView, offence: OffenceView | None, names: DisplayNames) -> str:
    """Say where it is: the zone at a camera; of what is no offence, what it is about."""
    if not alarm.offence_id:
        return _word(KINDS, alarm.kind, names)
    camera = names.camera(alarm.camera_id)
    return f"{camera} · {names.place(alarm.camera_id, offence.zone_id)}" if offence else camera


def _about(alarm: AlarmView, names: DisplayNames) -> str:
    shown = [names.camera(name) for name in alarm.names[:NAMES_SHOWN]]
    more = len(alarm.names) - len(shown)
    words = " · ".join(shown)
    return f"{words} · {names.say('alarm.more', count=more)}" if more else words


def _said(offence: OffenceView | None, names: DisplayNames) -> str:
    if offence is None or not offence.rungs_due:
        return ""
    said = said_last(offence, names)
    return names.say("alarm.said", calls=calls_of(offence, names), words=said) if said else ""


def _word(words: Mapping[Any, BothLanguages], key: str, names: DisplayNames) -> str:
    """Return the words for a key, which may be one of a newer version: then the key itself."""
    known = words.get(key)
    return in_language(known, names.lang) if known else key
