"""When a rule applies: OpenStreetMap's opening_hours notation, in the site's own time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]

from domain.errors import Stop


class Hours:
    """Opening hours of one rule; None means always."""

    def __init__(self, rule_id: str, notation: str | None, timezone: str) -> None:
        """Read the notation.

        Raises:
            Stop: it cannot be read, or never opens.
        """
        self._zone = ZoneInfo(timezone)
        self._hours: OpeningHours | None = None
        if notation is None:
            return
        try:
            self._hours = OpeningHours(notation, timezone=self._zone)
        except ParserError as error:
            raise Stop(
                f"rule {rule_id!r}: hours should be opening_hours such as 'Mo-Fr 08:00-20:00', got "
                f"{notation!r}: {str(error).splitlines()[0]}"
            ) from error
        if self._hours.is_closed() and self._hours.next_change() is None:
            raise Stop(f"rule {rule_id!r}: hours {notation!r} never begin, so it can never apply")

    def apply_at(self, at: datetime) -> bool:
        """True within the hours; the site's clock decides, daylight saving included."""
        return self._hours is None or self._hours.is_open(at.astimezone(self._zone))
