"""Events of announcements: what came of speaking a rung's text."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from domain.base import BothLanguages, FrozenModel
from domain.events.base import EventData
from domain.events.commands import Hold
from domain.ids import mint

AnnouncementResult = Literal[
    "written",
    "played",
    "too late",
    "failed",
    "refused",
    "busy",
    "no speaker",
    "timed out",
    "over the hourly cap",
    "quiet hours",
    "unknown whether played",
]
# the words were, or may have been, heard: they are not said again
MAY_HAVE_BEEN_HEARD = frozenset({"written", "played", "timed out", "unknown whether played"})

NO_WORD: Literal["no word"] = "no word"  # nobody said in time what came of a call


class CallBefore(FrozenModel):
    """What was known of the call before, when the pause after it was over."""

    result: AnnouncementResult | Literal["no word"] = Field(
        description="of its announcement; no word: none came within the ladder's waits_for_call_s"
    )
    counted_from: AwareDatetime = Field(
        description="from when the pause was counted: the end of the call where it may have been "
        "heard, else when it came due (or a later hand-back)"
    )


class SpokenPart(FrozenModel):
    """What was said in one language."""

    language: str
    voice: str = Field(description="the engine with its version, or 'recording'")
    file: str = Field(default="", description="of a recording, as the site file names it")
    sha256: str = Field(description="of the recording as it lies there; else of the sound made")
    duration_s: float
    says: BothLanguages | None = Field(
        default=None, description="words of a recording; none: the event's text was said"
    )


class AnnouncementMade(EventData):
    """A rung's text was spoken, or why it was not."""

    event_type: ClassVar[str] = "forewarn.announcement.made.v1"
    offence_id: str
    camera_id: str
    rung_id: str
    rung_number: int = Field(ge=0, description="0: an operator's words, no rung")
    warned_event_id: str
    result: AnnouncementResult = Field(
        description="written: the sound lies in the speaker's folder; played: the speaker took all "
        "of it; busy: the speaker said so, or was busy with another call until it was too late; "
        "unknown whether played: it may have been heard, so it is not said again"
    )
    reason: str = ""
    languages: tuple[str, ...] = Field(description="in the order spoken")
    text: BothLanguages
    audio_file: str | None = Field(description="relative to the data folder")
    audio_sha256: str | None
    audio_duration_s: float | None
    engine: str
    parts: tuple[SpokenPart, ...] = Field(
        default=(), description="in the order spoken; () where nothing was"
    )
    speaker_id: str = Field(default="", description="of the site file; '' for the data folder")
    started_at: AwareDatetime | None = Field(
        default=None, description="wall clock: when the speaker was given the sound"
    )
    ended_at: AwareDatetime | None = Field(
        default=None,
        description="wall clock: when it answered, or was given up; many answer before they have played it",
    )

    volume: float = Field(
        default=1.0, gt=0, le=1, description="share of full loudness; quiet hours may lower it"
    )
    despite: tuple[Hold, ...] = Field(
        default=(),
        description="what would have kept it from being played, had a person not taken that on "
        "themselves; () nothing",
    )
    said_with: str = Field(
        default="",
        description="id of the announcement.made of the call that was made once for several "
        "offences, whose sound and times these are; '' for a call of its own",
    )

    @property
    def was_spoken(self) -> bool:
        """Return True where the sound was made to be heard, as far as can be known."""
        return self.result in ("written", "played")


def announcement_of(warned_event_id: str) -> str:
    """Mint the id of the one event that says what came of a warning's call."""
    return mint("evt", warned_event_id, AnnouncementMade.event_type)
