"""The calls of an offence: the sound that was really played, and what came of each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domain.announcements import AnnouncementMade
from domain.errors import PutAside
from domain.events import Event, OffenceWarned
from flows.steps.preserve_gathering import Gathering


def awaited_calls(history: Sequence[Event]) -> list[Event]:
    """Rungs that were to be spoken and of which it is not told yet what came of it."""
    told = {
        each.data.warned_event_id for each in history if isinstance(each.data, AnnouncementMade)
    }
    return [
        each for each in history if isinstance(each.data, OffenceWarned) and each.id not in told
    ]


def gather_sounds(
    gathering: Gathering, history: Sequence[Event], sounds: Path | None
) -> list[dict[str, Any]]:
    """Copy each call's sound into the record as call-1.wav, call-2.wav, ...

    Args:
        sounds: the folder that an announcement's audio_file is relative to; None: there is none.
    Returns:
        what came of each call, for numbers.json: text, languages, speaker, times, file, hash.
    """
    for each in awaited_calls(history):
        assert isinstance(each.data, OffenceWarned)
        gathering.missing.append(f"call {each.data.rung_id}: it is not known what came of it")
    told: list[dict[str, Any]] = []
    for event in history:
        made = event.data
        if isinstance(made, AnnouncementMade):
            name = _copy(gathering, made, len(told) + 1, sounds)
            told.append({**made.model_dump(mode="json"), "event_id": event.id, "file": name})
    return told


def _copy(
    gathering: Gathering, made: AnnouncementMade, number: int, sounds: Path | None
) -> str | None:
    """Name of the sound's copy; None where the call has no sound, or it could not be had."""
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
        gathering.write(name, "announcement", content)
        return name

    return gathering.attempt(f"sound of the call {made.rung_id}", copy)
