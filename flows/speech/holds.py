"""Hold calls back at a moment: quiet hours and caps.

They hold the announcer, and an operator learns of them before asking for a call in vain.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from domain.data_dir import DataDir
from domain.events.commands import Hold
from domain.site.site import Site
from domain.site.speech.speakers import SpeakerSettings
from flows.opening_hours import Hours
from flows.speech.attempts import AttemptNotes
from flows.speech.call_counter import BegunCall, CallCounter, Caps
from flows.speech.speaker import Addressed


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When calls are not played, or softly."""

    hours: Hours
    notation: str
    volume: float | None  # share of full loudness; None: not played

    def words(self, speaker_id: str) -> str:
        """Say for people why nothing was played."""
        return f"{speaker_id}: quiet hours {self.notation}"


def quiet_of(site: Site, speaker: SpeakerSettings) -> QuietHours | None:
    """Return a speaker's own quiet hours, else the site's; raises Stop if they cannot be used."""
    own = speaker if speaker.quiet_hours is not None else site.calls
    if own.quiet_hours is None:
        return None
    hours = Hours(
        f"quiet hours of speaker {speaker.id!r}",
        own.quiet_hours,
        site.site.timezone,
        site.site.country,
    )
    return QuietHours(hours, own.quiet_hours, own.quiet_volume)


def speakers_heard(site: Site, live_cameras: Collection[str]) -> dict[str, SpeakerSettings]:
    """Return the loudspeakers that somebody hears, by camera; the others' calls are files."""
    heard = {camera.id: site.speaker_of(camera.id) for camera in site.cameras}
    return {
        camera_id: speaker
        for camera_id, speaker in heard.items()
        if camera_id in live_cameras and speaker is not None and speaker.kind != "file"
    }


class SiteHolds:
    """What would hold a call back now; counts from the notes of calls, reserves nothing."""

    def __init__(self, site: Site, data: DataDir, live_cameras: Collection[str]) -> None:
        """Read caps and quiet hours from the site file; raises Stop if those cannot be read."""
        self._caps = Caps.of(site.calls)
        self._notes = AttemptNotes(data)
        self._heard = {
            camera_id: (speaker, quiet_of(site, speaker))
            for camera_id, speaker in speakers_heard(site, live_cameras).items()
        }

    def why_held(self, camera_id: str, to: Addressed, at: datetime) -> tuple[Hold, str] | None:
        """Return the first hold that is not passed over, and its words; None: the call may be made."""
        if camera_id not in self._heard:
            return None
        speaker, quiet = self._heard[camera_id]
        is_quiet = quiet is not None and quiet.volume is None and quiet.hours.apply_at(at)
        if quiet is not None and is_quiet and "quiet-hours" not in to.despite:
            return "quiet-hours", quiet.words(speaker.id)
        if "cap" in to.despite:
            return None
        # made anew each time: the announcer, another process, makes the calls
        counter = CallCounter(self._notes, self._caps)
        words = counter.why_not(BegunCall(at, speaker.id, to), speaker.max_calls_per_hour)
        return ("cap", words) if words else None
