"""Titles and times in the reader's language: ids and UTC go in, what people say comes out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dashboards.texts import Lang, catalogue, in_language, text
from domain.site import Site


@dataclass(frozen=True, slots=True)
class Names:
    """How things are called on this page."""

    site: Site | None
    lang: Lang

    @property
    def timezone(self) -> ZoneInfo:
        """Of the site; UTC where none is known."""
        return ZoneInfo(self.site.site.timezone if self.site else "UTC")

    @property
    def site_title(self) -> str:
        """The place, or nothing where no site file was given."""
        return in_language(self.site.site.title, self.lang) if self.site else ""

    def say(self, key: str, **facts: object) -> str:
        """A text of the catalogue in this page's language."""
        return text(key, self.lang, **facts)

    def camera(self, camera_id: str) -> str:
        """A camera's title; its id where the site file does not have it (any more)."""
        try:
            return in_language(self.site.camera(camera_id).title, self.lang)  # type: ignore[union-attr]
        except (KeyError, AttributeError):
            return camera_id

    def rule(self, rule_id: str) -> str:
        """A rule's title; its id where the site file does not have it (any more)."""
        try:
            return in_language(self.site.rule(rule_id).title, self.lang)  # type: ignore[union-attr]
        except (KeyError, AttributeError):
            return rule_id

    def category(self, rule_id: str) -> str:
        """What the rule's category is called; '' where it has none."""
        try:
            rule = self.site.rule(rule_id)  # type: ignore[union-attr]
        except (KeyError, AttributeError):
            return ""
        title = self.site.category_title(rule.category)  # type: ignore[union-attr]
        return in_language(title, self.lang) if title else rule.category or ""

    def state(self, state: str) -> str:
        """A state of the ladder; as it is where the catalogue does not know it."""
        key = f"wall.state_{state}"
        return self.say(key) if key in catalogue() else state

    def command(self, command: str) -> str:
        """What an operator asked for."""
        return self.say(f"hand.command_{command.replace(' ', '_')}")

    def refusal(self, why: str) -> str:
        """Why a command was not carried out."""
        return self.say(f"hand.why_{why.replace(' ', '_')}")

    def unfit(self, code: str) -> str:
        """Why a camera may not warn; the code where the catalogue does not know it."""
        key = f"wall.unfit_{code}"
        return self.say(key) if key in catalogue() else code

    def rung_count(self, rule_id: str) -> int:
        """Rungs of the rule's ladder; 0 where it is not known."""
        if self.site is None:
            return 0
        try:
            return len(self.site.ladder(self.site.rule(rule_id).ladder).rungs)
        except KeyError:
            return 0

    def clock(self, moment: datetime, day: date | None = None) -> str:
        """Time of day at the site; with the date before it where that is not `day`."""
        local = moment.astimezone(self.timezone)
        if day is None or local.date() == day:
            return local.strftime("%H:%M:%S")
        return local.strftime("%m-%d %H:%M")

    def date_and_clock(self, moment: datetime) -> str:
        """Date and time at the site, to the second, with the zone's name."""
        return moment.astimezone(self.timezone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def duration(self, seconds: float) -> str:
        """Seconds below two minutes, else minutes and seconds."""
        whole = round(seconds)
        if whole < 120:
            return self.say("units.seconds", seconds=whole)
        return self.say("units.minutes", minutes=whole // 60, seconds=whole % 60)


def wall_cameras(names: Names) -> list[dict[str, object]]:
    """What the wall's script must know of each camera: its title, its zones, its ladder's length."""
    if names.site is None:
        return []
    return [
        {
            "camera_id": camera.id,
            "title": in_language(camera.title, names.lang),
            "zones": [
                {
                    "title": in_language(zone.title, names.lang),
                    "polygon": [list(corner) for corner in zone.polygon],
                }
                for zone in camera.zones
            ],
            "rung_count": max(
                (
                    names.rung_count(rule.id)
                    for rule in names.site.rules
                    if any(zone.id in rule.condition.places() for zone in camera.zones)
                ),
                default=0,
            ),
        }
        for camera in names.site.cameras
    ]
