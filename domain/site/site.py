"""The site file as a whole: everything that is set for one place, checked when it is made.

`loading.py` reads the file and names the lines of its faults; here is what it may say.
"""

from __future__ import annotations

from typing import Self, TypeVar

from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from domain.base import BothLanguages, FrozenModel, ModelName, refuse_faults
from domain.site.cameras import Camera
from domain.site.checks.calls import call_faults
from domain.site.checks.references import reference_faults
from domain.site.ladders import Ladder
from domain.site.operators import OperatorSettings
from domain.site.place import SiteInfo
from domain.site.recipients import AlarmSettings, Recipient
from domain.site.retention import Retention, repeated_categories
from domain.site.rules import Rule
from domain.site.speech.calls import Calls
from domain.site.speech.speakers import SpeakerSettings
from domain.site.storage import Storage
from domain.site.taxonomy import Taxonomy
from domain.site.time_stamping import TimeStamping
from domain.site.views import View
from domain.site.watched_areas import watched_areas

_Named = TypeVar("_Named", Camera, Ladder, Rule, SpeakerSettings, Recipient)


class Site(FrozenModel):
    """Everything in one site file."""

    # a url may hold a password, which is refused and must not be printed
    model_config = ConfigDict(hide_input_in_errors=True)

    site: SiteInfo
    cameras: tuple[Camera, ...] = Field(min_length=1)
    ladders: tuple[Ladder, ...] = ()
    rules: tuple[Rule, ...] = ()
    detector: ModelName = Field(
        default="detector",
        description="name of the model that looks for people and things where a camera names none; cameras "
        "whose rules name classes that it does not tell apart keep `detector`",
    )
    speakers: tuple[SpeakerSettings, ...] = ()
    calls: Calls = Calls()
    recipients: tuple[Recipient, ...] = ()
    time_stamping: TimeStamping | None = Field(
        default=None, description="an authority whose time stamps every sealing gets (RFC 3161)"
    )
    operators: OperatorSettings = OperatorSettings()
    alarms: AlarmSettings = AlarmSettings()
    retention: Retention = Retention()
    storage: Storage = Storage()
    taxonomy: str | None = Field(
        default=None,
        description="file with the city's own categories, relative to the site file; none: "
        "forewarn's own",
    )
    _taxonomy: Taxonomy | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        places = self.cameras, self.ladders, self.rules
        people = self.recipients, self.operators, self.alarms
        faults = reference_faults(*places, self.speakers, *people)
        faults += [*call_faults(self.ladders, self.rules), *repeated_categories(self.retention)]
        refuse_faults(faults)
        return self

    def with_taxonomy(self, taxonomy: Taxonomy) -> Self:
        """Return the same site, knowing what its categories are called."""
        site = self.model_copy()
        site._taxonomy = taxonomy
        return site

    def category_title(self, category: str | None) -> BothLanguages | None:
        """Look up what a category is called; None: there is none, or no taxonomy was read."""
        if category is None or self._taxonomy is None:
            return None
        return self._taxonomy.categories().get(category)

    def camera(self, camera_id: str) -> Camera:
        """Find the camera of that id; KeyError if there is none."""
        return _by_id(self.cameras, camera_id)

    def rule(self, rule_id: str) -> Rule:
        """Find the rule of that id; KeyError if there is none."""
        return _by_id(self.rules, rule_id)

    def ladder(self, ladder_id: str) -> Ladder:
        """Find the ladder of that id; KeyError if there is none."""
        return _by_id(self.ladders, ladder_id)

    def recipient(self, recipient_id: str) -> Recipient:
        """Find the recipient of that id; KeyError if there is none."""
        return _by_id(self.recipients, recipient_id)

    def rules_watching(self, camera_id: str) -> tuple[Rule, ...]:
        """Return the rules that watch a camera, each with only what that camera can judge of it."""
        camera = self.camera(camera_id)
        return tuple(
            rule.model_copy(update={"condition": seen})
            for rule in self.rules
            if (seen := rule.condition.seen_by(camera)) is not None
        )

    def watched_areas(self, camera_id: str) -> tuple[View, ...]:
        """Return the areas around which a camera's automatic views are drawn; see `watched_areas.py`."""
        return watched_areas(self.camera(camera_id), self.rules)

    def detector_wanted(self, camera_id: str) -> str:
        """Return the name of the detector that is asked for on a camera."""
        return self.camera(camera_id).detector or self.detector

    def speaker_of(self, camera_id: str) -> SpeakerSettings | None:
        """Find the camera's speaker; None: announcements are written as files."""
        wanted = self.camera(camera_id).speaker
        return None if wanted is None else _by_id(self.speakers, wanted)


def _by_id(items: tuple[_Named, ...], wanted: str) -> _Named:
    for item in items:
        if item.id == wanted:
            return item
    raise KeyError(wanted)
