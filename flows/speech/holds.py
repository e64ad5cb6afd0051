"""What keeps a loudspeaker silent at a moment: quiet hours and caps.

The announcer is held by them, and an operator is told of them before a call is asked for in vain.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from domain.commands import Hold
from domain.data_dir import DataDir
from domain.site import Site
from domain.speakers import SpeakerSettings
from flows.hours import Hours
from flows.speech.attempts import AttemptNotes
from flows.speech.call_counter import Begun, CallCounter, Caps
from flows.speech.speaker import Addressed


@dataclass(frozen=True, slots=True)
class Quiet:
    """When calls are not played, or softly."""

    hours: Hours
    notation: str
    volume: float | None  # share of full loudness; None: not played

    def words(self, speaker_id: str) -> str:
        """Why nothing was played, for people."""
        return f"{speaker_id}: quiet hours {self.notation}"


def quiet_of(site: Site, speaker: SpeakerSettings) -> Quiet | None:
    """A speaker's own quiet hours, else the site's.

    Raises:
        Stop: the notation cannot be read, or never begins.
    """
    own = speaker if speaker.quiet_hours is not None else site.calls
    if own.quiet_hours is None:
        return None
    hours = Hours(
        f"quiet hours of speaker {speaker.id!r}",
        own.quiet_hours,
        site.site.timezone,
        site.site.country,
    )
    return Quiet(hours, own.quiet_hours, own.quiet_volume)


def speakers_heard(site: Site, live_cameras: Collection[str]) -> dict[str, SpeakerSettings]:
    """The loudspeakers that somebody hears, by camera; the others' calls are files."""
    heard = {camera.id: site.speaker_of(camera.id) for camera in site.cameras}
    return {
        camera_id: speaker
        for camera_id, speaker in heard.items()
        if camera_id in live_cameras and speaker is not None and speaker.kind != "file"
    }


class SiteHolds:
    """What would hold a call back now; counts from the notes of calls, reserves nothing."""

    def __init__(self, site: Site, data: DataDir, live_cameras: Collection[str]) -> None:
        """Raises:
        Stop: quiet hours cannot be read.
        """
        self._caps = Caps.of(site.calls)
        self._notes = AttemptNotes(data)
        self._heard = {
            camera_id: (speaker, quiet_of(site, speaker))
            for camera_id, speaker in speakers_heard(site, live_cameras).items()
        }

    def why_held(self, camera_id: str, to: Addressed, at: datetime) -> tuple[Hold, str] | None:
        """The first hold that is not passed over, and its words; None: the call may be made."""
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
        words = counter.why_not(Begun(at, speaker.id, to), speaker.max_calls_per_hour)
        return ("cap", words) if words else None
