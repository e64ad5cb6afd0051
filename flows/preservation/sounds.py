"""Copy the sounds of an offence's calls as they were really played, and say what came of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domain.errors import PutAside
from domain.events.announcements import AnnouncementMade
from domain.events.catalog import Event, OffenceWarned, narrow_event
from flows.preservation.draft_record import DraftRecord


def awaited_calls(history: Sequence[Event]) -> list[Event[OffenceWarned]]:
    """Return the warnings of which the log does not say yet what came of them."""
    warnings = [warned for event in history if (warned := narrow_event(event, OffenceWarned))]
    answered = {
        event.data.warned_event_id for event in history if isinstance(event.data, AnnouncementMade)
    }
    return [warned for warned in warnings if warned.id not in answered]


def gather_sounds(
    draft: DraftRecord, history: Sequence[Event], sounds: Path | None
) -> list[dict[str, Any]]:
    """Copy each call's sound into the record as call-1.wav, call-2.wav, ...; note missing ones.

    `history` are the offence's events, in order; `sounds` the folder that an announcement's audio_file
    is relative to, None: there is none. Returns what came of each call, for numbers.json: text,
    languages, speaker, times, file, hash.
    """
    for warned in awaited_calls(history):
        draft.missing.append(f"call {warned.data.rung_id}: it is not known what came of it")
    calls: list[dict[str, Any]] = []
    for event in history:
        made = event.data
        if isinstance(made, AnnouncementMade):
            name = _copy(draft, made, len(calls) + 1, sounds)
            calls.append({**made.model_dump(mode="json"), "event_id": event.id, "file": name})
    return calls


def _copy(
    draft: DraftRecord, made: AnnouncementMade, number: int, sounds: Path | None
) -> str | None:
    """Copy one sound and return its name; None where the call has no sound, or it could not be had."""
    if made.audio_file is None or sounds is None:
        return None
    path = sounds / made.audio_file
    name = f"call-{number}{path.suffix or '.wav'}"

    def copy() -> str:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise PutAside(f"{path}: the sound is not there any more") from None
        if made.audio_sha256 != hashlib.sha256(content).hexdigest():
            raise PutAside(f"{path}: changed since it was played: its SHA-256 is another")
        draft.write(name, "announcement", content)
        return name

    return draft.attempt(f"sound of the call {made.rung_id}", copy)
