"""When a rule applies or a person rests: OpenStreetMap's opening_hours notation, in the site's time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]

from domain.errors import Stop


class Hours:
    """Opening hours of one rule or recipient; None means always."""

    def __init__(self, whose: str, notation: str | None, timezone: str) -> None:
        """Read the notation.

        Args:
            whose: for messages, such as "rule 'keep-off'".

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
                f"{whose}: hours should be opening_hours such as 'Mo-Fr 08:00-20:00', got "
                f"{notation!r}: {str(error).splitlines()[0]}"
            ) from error
        if self._hours.is_closed() and self._hours.next_change() is None:
            raise Stop(f"{whose}: hours {notation!r} never begin, so they can never apply")

    def apply_at(self, at: datetime) -> bool:
        """True within the hours; the site's clock decides, daylight saving included."""
        return self._hours is None or self._hours.is_open(at.astimezone(self._zone))
