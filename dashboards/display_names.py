"""Titles and times in the reader's language, from ids and UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dashboards.texts import Lang, catalogue, in_language, text
from domain.base import BothLanguages
from domain.site.cameras import Camera
from domain.site.rules import Rule
from domain.site.site import Site


@dataclass(frozen=True, slots=True)
class DisplayNames:
    """Names of a site's things, as one page shows them."""

    site: Site | None
    lang: Lang

    @property
    def timezone(self) -> ZoneInfo:
        """Return the site's time zone; UTC where no site is known."""
        return ZoneInfo(self.site.site.timezone if self.site else "UTC")

    @property
    def site_title(self) -> str:
        """Return the place's title; "" where no site file was given."""
        return in_language(self.site.site.title, self.lang) if self.site else ""

    def say(self, key: str, **facts: object) -> str:
        """Return a text of the catalogue in this page's language."""
        return text(key, self.lang, **facts)

    def camera(self, camera_id: str) -> str:
        """Return a camera's title; its id where the site file does not have it (any more)."""
        if self.site is None:
            return camera_id
        try:
            return in_language(self.site.camera(camera_id).title, self.lang)
        except KeyError:
            return camera_id

    def place(self, camera_id: str, place_id: str) -> str:
        """Return the title of a zone or line; its id where the site file does not have it (any more)."""
        try:
            camera = self.site.camera(camera_id) if self.site else None
        except KeyError:
            camera = None
        title = _titles_of_places(camera).get(place_id) if camera else None
        return in_language(title, self.lang) if title else place_id

    def rule(self, rule_id: str) -> str:
        """Return a rule's title; its id where the site file does not have it (any more)."""
        rule = self._rule(rule_id)
        return in_language(rule.title, self.lang) if rule else rule_id

    def category(self, rule_id: str) -> str:
        """Return the title of the rule's category; "" where it has none."""
        rule = self._rule(rule_id)
        if self.site is None or rule is None:
            return ""
        title = self.site.category_title(rule.category)
        return in_language(title, self.lang) if title else rule.category or ""

    def state(self, state: str) -> str:
        """Name a state of the ladder; as it is where the catalogue does not know it."""
        key = f"wall.state_{state}"
        return self.say(key) if key in catalogue() else state

    def command(self, command: str) -> str:
        """Name what an operator asked for."""
        return self.say(f"hand.command_{command.replace(' ', '_')}")

    def refusal(self, why: str) -> str:
        """Say why a command was not carried out."""
        return self.say(f"hand.why_{why.replace(' ', '_')}")

    def unfit(self, code: str) -> str:
        """Say why a camera may not warn; the code where the catalogue does not know it."""
        key = f"wall.unfit_{code}"
        return self.say(key) if key in catalogue() else code

    def rung_count(self, rule_id: str) -> int:
        """Count the rungs of the rule's ladder; 0 where it is not known."""
        rule = self._rule(rule_id)
        return len(self.site.ladder(rule.ladder).rungs) if self.site and rule else 0

    def _rule(self, rule_id: str) -> Rule | None:
        try:
            return self.site.rule(rule_id) if self.site else None
        except KeyError:
            return None

    def clock(self, moment: datetime, day: date | None = None) -> str:
        """Write the time of day at the site; with the date before it where that is not `day`."""
        local = moment.astimezone(self.timezone)
        if day is None or local.date() == day:
            return local.strftime("%H:%M:%S")
        return local.strftime("%m-%d %H:%M")

    def date_and_clock(self, moment: datetime) -> str:
        """Write date and time at the site, to the second, with the zone's name."""
        return moment.astimezone(self.timezone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def duration(self, seconds: float) -> str:
        """Write seconds below two minutes, else minutes and seconds."""
        whole = round(seconds)
        if whole < 120:
            return self.say("units.seconds", seconds=whole)
        return self.say("units.minutes", minutes=whole // 60, seconds=whole % 60)


def _titles_of_places(camera: Camera) -> dict[str, BothLanguages]:
    zones = {zone.id: zone.title for zone in camera.zones}
    return zones | {line.id: line.title for line in camera.lines}


def wall_cameras(names: DisplayNames) -> list[dict[str, object]]:
    """Describe each camera to the wall's script: title, zones, names of places, length of its longest ladder."""
    if names.site is None:
        return []
    return [
        {
            "camera_id": camera.id,
            "title": in_language(camera.title, names.lang),
            "zones": [
                {
                    "zone_id": zone.id,
                    "title": in_language(zone.title, names.lang),
                    "polygon": [list(corner) for corner in zone.polygon],
                }
                for zone in camera.zones
            ],
            "places": {
                place_id: in_language(title, names.lang)
                for place_id, title in _titles_of_places(camera).items()
            },
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
