"""May this camera warn under this rule now? Compliance record and picture together."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.compliance import why_not_fit
from domain.looks import Sight
from domain.site import Site


class WarnGate:
    """Asked whenever a rung or an escalation comes due; a plain class.

    Args:
        rule_id: None asks about the camera alone, whatever the rule.
    """

    def __init__(self, site: Site, camera_id: str, rule_id: str | None) -> None:
        self._record = site.camera(camera_id).compliance
        self._rule_id = rule_id
        self._is_open = self._record is None and site.site.enforcement == "demonstration"
        self._timezone = ZoneInfo(site.site.timezone)
        self._asked: tuple[date, tuple[str, ...]] | None = None

    def why_withheld(self, sight: Sight, at: datetime) -> tuple[str, ...]:
        """Codes of domain/fitness.py for which nothing may be said or done; () if it may."""
        return (*sight.faults, *self._shortcomings(at))

    def _shortcomings(self, at: datetime) -> tuple[str, ...]:
        """Of the compliance record; it holds by days, so each day is looked up once."""
        if self._is_open:
            return ()
        today = at.astimezone(self._timezone).date()
        if self._asked is None or self._asked[0] != today:
            codes = why_not_fit(self._record, self._rule_id, today)
            self._asked = today, tuple(code.value for code in codes)
        return self._asked[1]
