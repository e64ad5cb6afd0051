"""The site file: cameras, zones, rules and ladders of one place, checked when it is read.

Reading the YAML and finding line numbers is domain/site_file.py's work; these are the facts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from domain.call_checks import call_faults
from domain.calls import Calls
from domain.compliance import Compliance
from domain.conditions import Condition
from domain.facts import BothLanguages as BothLanguages
from domain.facts import Facts, Fraction01, Identifier
from domain.operators import OperatorSettings
from domain.recipients import Recipient
from domain.retention import Retention, repeated_categories
from domain.rungs import Ladder as Ladder
from domain.rungs import Rung as Rung
from domain.site_references import reference_faults
from domain.speakers import SpeakerSettings
from domain.taxonomy import Taxonomy
from domain.time_stamping import TimeStamping
from domain.views import View, Views
from domain.watched_areas import watched_areas


def _known_timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}; use a name such as Asia/Shanghai") from error
    return name


class SiteInfo(Facts):
    """The place."""

    id: Identifier
    title: BothLanguages
    timezone: Annotated[str, AfterValidator(_known_timezone)] = Field(
        default="UTC", description="IANA name, for times that people read"
    )
    enforcement: Literal["real", "demonstration"] = Field(
        default="real",
        description="demonstration: cameras without a compliance record may warn as well",
    )
    country: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{2}$",
        description="ISO code such as CN, whose public holidays PH in hours means",
    )
    console_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+/?$",
        description="where people reach the console, for links in messages",
    )


class Zone(Facts):
    """An area on a camera's picture. A person is in it when the middle of their box's foot is."""

    id: Identifier
    title: BothLanguages
    polygon: tuple[tuple[Fraction01, Fraction01], ...] = Field(
        min_length=3,
        description="corners (x, y) as fractions of the picture's width and height, from top left",
    )


class Line(Facts):
    """A line on a camera's picture that somebody may cross."""

    id: Identifier
    title: BothLanguages
    points: tuple[tuple[Fraction01, Fraction01], ...] = Field(
        min_length=2,
        description="points (x, y) as fractions of the picture's width and height, from top left",
    )


class Camera(Facts):
    """One stream or recording."""

    id: Identifier
    title: BothLanguages
    url: str = Field(
        min_length=1,
        description="rtsp://… , http(s)://… or a file's path, relative to the site file",
    )
    analyse_fps: float = Field(default=5.0, gt=0, le=60, description="frames analysed a second")
    views: Views = Field(
        default="automatic",
        description="parts of the picture to look at closely, each [left, top, right, bottom] as "
        "fractions and one question to the detector; automatic: around the zones in which rules look "
        "for people, two at most; whole: the whole picture, as one",
    )
    starts_at: AwareDatetime | None = Field(
        default=None,
        description="files only: when the first frame was taken; "
        "else the file's own creation time, else its modification time",
    )
    stretch_s: tuple[Annotated[float, Field(ge=0)], float] | None = Field(
        default=None, description="files only: play from .. to, seconds of the file"
    )
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    compliance: Compliance | None = Field(
        default=None, description="without a whole record in force it records and does not warn"
    )
    speaker: str | None = Field(
        default=None, description="id of the speaker that is heard there; none: a file is written"
    )
    _watched_areas: tuple[View, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.stretch_s is not None and self.stretch_s[1] <= self.stretch_s[0]:
            raise ValueError(f"stretch_s should end after it starts, got {list(self.stretch_s)}")
        if self.is_live and (self.starts_at or self.stretch_s):
            raise ValueError(
                "starts_at and stretch_s are for files; a live stream has its own clock"
            )
        return self

    @property
    def watched_areas(self) -> tuple[View, ...]:
        """What automatic views are drawn around; known once the site's rules are."""
        return self._watched_areas

    @property
    def is_live(self) -> bool:
        """True for streams that cannot be played again."""
        return "://" in self.url and not self.url.startswith("file://")


class Rule(Facts):
    """What counts as an offence: a condition that holds for longer than the threshold."""

    id: Identifier
    title: BothLanguages
    category: str | None = Field(
        default=None, description="class and sub-class of the taxonomy, such as street/loitering"
    )
    legal_basis: BothLanguages | None = Field(
        default=None, description="the law and article that the rule stands on"
    )
    severity: Literal["slight", "ordinary", "serious"] = Field(
        default="ordinary",
        description="for sorting, for whose call is next on a speaker, and for what follows an "
        "escalation",
    )
    condition: Condition
    hours: str | None = Field(
        default=None,
        description="when the rule applies, in OpenStreetMap's opening_hours notation, such as "
        "Mo-Fr 08:00-20:00; PH off, in the site's time zone and country; none: always",
    )
    min_score: float = Field(
        default=0.35, ge=0.05, le=1, description="weaker detections are not used"
    )
    threshold_s: float = Field(
        ge=0, description="seconds that the condition holds before an offence opens"
    )
    gap_tolerance_s: float = Field(
        default=2.0, ge=0, description="seconds unseen that do not break the stay"
    )
    restart_tolerance_s: float = Field(
        default=20.0,
        ge=0,
        description="seconds that forewarn itself may have been away from a live camera: whoever is "
        "found again where they stood within gap_tolerance_s after its return is who was there before",
    )
    ladder: str = Field(description="id of the ladder to climb")
    first_time_exempt: bool = Field(
        default=False,
        description="who does it for the first time within the ladder's repeat window is warned "
        "but never escalated",
    )


_Named = TypeVar("_Named", Camera, Ladder, Rule, SpeakerSettings, Recipient)


class Site(Facts):
    """Everything in one site file."""

    site: SiteInfo
    cameras: tuple[Camera, ...] = Field(min_length=1)
    ladders: tuple[Ladder, ...] = ()
    rules: tuple[Rule, ...] = ()
    speakers: tuple[SpeakerSettings, ...] = ()
    calls: Calls = Calls()
    recipients: tuple[Recipient, ...] = ()
    time_stamping: TimeStamping | None = Field(
        default=None, description="an authority whose time stamps every sealing gets (RFC 3161)"
    )
    operators: OperatorSettings = OperatorSettings()
    retention: Retention = Retention()
    taxonomy: str | None = Field(
        default=None,
        description="file with the city's own categories, relative to the site file; none: "
        "forewarn's own",
    )
    _taxonomy: Taxonomy | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        faults = [
            *reference_faults(self),
            *call_faults(self),
            *repeated_categories(self.retention),
        ]
        if faults:
            # the places ride along, so that the reader of the file can name their lines
            raise PydanticCustomError(
                "references",
                "{text}",
                {"text": "; ".join(words for _, words in faults), "faults": faults},
            )
        for camera in self.cameras:
            camera._watched_areas = watched_areas(camera, self.rules)
        return self

    def with_taxonomy(self, taxonomy: Taxonomy) -> Self:
        """The same site, knowing what its categories are called."""
        site = self.model_copy()
        site._taxonomy = taxonomy
        return site

    def category_title(self, category: str | None) -> BothLanguages | None:
        """What a category is called; None where there is none, or no taxonomy was read."""
        if category is None or self._taxonomy is None:
            return None
        return self._taxonomy.categories().get(category)

    def camera(self, camera_id: str) -> Camera:
        """The camera of that id; KeyError if there is none."""
        return _by_id(self.cameras, camera_id)

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id; KeyError if there is none."""
        return _by_id(self.rules, rule_id)

    def ladder(self, ladder_id: str) -> Ladder:
        """The ladder of that id; KeyError if there is none."""
        return _by_id(self.ladders, ladder_id)

    def recipient(self, recipient_id: str) -> Recipient:
        """The recipient of that id; KeyError if there is none."""
        return _by_id(self.recipients, recipient_id)

    def speaker_of(self, camera_id: str) -> SpeakerSettings | None:
        """The camera's speaker; None: announcements are written as files."""
        wanted = self.camera(camera_id).speaker
        return None if wanted is None else _by_id(self.speakers, wanted)


def _by_id(items: tuple[_Named, ...], wanted: str) -> _Named:
    for item in items:
        if item.id == wanted:
            return item
    raise KeyError(wanted)


def media_start(camera: Camera, path: Path, created_at: datetime | None) -> datetime:
    """When the first frame of a file camera was taken, from the best clock there is.

    Args:
        created_at: the container's own creation time, None if it has none.
    """
    if camera.starts_at is not None:
        return camera.starts_at
    if created_at is not None:
        return created_at
    return datetime.fromtimestamp(path.stat().st_mtime, ZoneInfo("UTC")).replace(microsecond=0)


def event_time(start: datetime, media_time_s: float) -> datetime:
    """Event time of a frame: the start plus its media time, to the microsecond."""
    return start + timedelta(microseconds=round(media_time_s * 1e6))
