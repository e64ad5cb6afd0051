"""Decide whether a camera may warn under a rule now, from its compliance record and its picture."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.picture_digest import PictureTrust
from domain.site.compliance import why_not_fit
from domain.site.site import Site


class WarnGate:
    """Asked when a rung or an escalation comes due; `rule_id` None: about the camera alone."""

    def __init__(self, site: Site, camera_id: str, rule_id: str | None) -> None:
        self._record = site.camera(camera_id).compliance
        self._rule_id = rule_id
        # of a rule; of the camera alone, its whole picture is asked about
        self._places = frozenset(site.rule(rule_id).condition.places()) if rule_id else frozenset()
        self._is_open = self._record is None and site.site.enforcement == "demonstration"
        self._timezone = ZoneInfo(site.site.timezone)
        self._asked: tuple[date, tuple[str, ...]] | None = None

    def why_withheld(self, sight: PictureTrust, at: datetime) -> tuple[str, ...]:
        """Return codes of domain/fitness.py for which nothing may be said or done; () if it may."""
        hidden = dict.fromkeys(
            code for place, code in sight.unfit_areas.items() if place in self._places
        )
        return (*sight.faults, *hidden, *self._shortcomings(at))

    def is_doubtful(self, sight: PictureTrust) -> bool:
        """Tell whether a place of the rule looks wrong that may prove to be fine."""
        return sight.is_in_doubt or any(place in self._places for place in sight.doubted_areas)

    def _shortcomings(self, at: datetime) -> tuple[str, ...]:
        """Return the compliance record's shortcomings; it holds by days, so each day is looked up once."""
        if self._is_open:
            return ()
        today = at.astimezone(self._timezone).date()
        if self._asked is None or self._asked[0] != today:
            codes = why_not_fit(self._record, self._rule_id, today)
            self._asked = today, tuple(code.value for code in codes)
        return self._asked[1]
