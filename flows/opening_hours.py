"""Decide when a rule applies or a person rests, from OpenStreetMap's opening_hours notation in the site's time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, State

# the package's own type hints leave its errors out
from opening_hours.opening_hours import ParserError, UnknownCountryError

from domain.errors import Stop

_HOLIDAYS = re.compile(r"\b(PH|SH)\b")
A_YEAR = timedelta(days=366)


class HoursError(Stop):
    """The notation cannot be used; `words` say why, without saying whose it is."""

    def __init__(self, whose: str, words: str) -> None:
        self.words = words
        super().__init__(f"{whose}: {words}")


class Hours:
    """Opening hours of one rule or recipient; None means always."""

    def __init__(
        self, whose: str, notation: str | None, timezone: str, country: str | None = None
    ) -> None:
        """Read the notation: OpenStreetMap's opening_hours, in times of an IANA zone; None: always.

        `whose` is for messages, such as "rule 'keep-off'"; PH means public holidays of `country` (ISO).

        Raises:
            HoursError: it cannot be read, speaks of holidays of no country, or never opens.
        """
        self._zone = ZoneInfo(timezone)
        self._hours: OpeningHours | None = None
        if notation is None:
            return
        if country is None and (holiday := _HOLIDAYS.search(notation)):
            raise HoursError(
                whose,
                f"hours speak of holidays ({holiday[0]}), but the site names no country whose they "
                "are; add country: CN (or another) to site",
            )
        try:
            self._hours = OpeningHours(notation, timezone=self._zone, country=country)
        except ParserError as error:
            raise HoursError(
                whose,
                "hours should be opening_hours such as 'Mo-Fr 08:00-20:00', got "
                f"{notation!r}: {str(error).splitlines()[0]}",
            ) from error
        except UnknownCountryError as error:
            words = f"holidays of country {country!r} are not known; ISO codes are such as CN or GB"
            raise HoursError(whose, words) from error
        if self._hours.is_closed() and self._hours.next_change() is None:
            raise HoursError(whose, f"hours {notation!r} never begin, so they can never apply")

    def apply_at(self, at: datetime) -> bool:
        """Tell whether a moment lies within the hours; the site's clock decides, daylight saving included."""
        return self._hours is None or self._hours.is_open(at.astimezone(self._zone))

    def longest_s(self, start: datetime) -> float | None:
        """Return seconds of the longest opening within a year; 0.0: it never opens; None: no end."""
        openings_s = self._openings(start.astimezone(self._zone))
        return max(
            openings_s, key=lambda length: math.inf if length is None else length, default=0.0
        )

    def _openings(self, start: datetime) -> Iterator[float | None]:
        """Yield lengths of the openings within a year; None for one that goes on."""
        if self._hours is None:
            yield None
            return
        opened: datetime | None = None
        for begins, _, state, _ in self._hours.intervals(start, start + A_YEAR):
            # in UTC: between two times of one zone Python counts as if clocks were never changed
            moment = begins.astimezone(UTC)
            if state == State.OPEN:
                opened = opened or moment
            elif opened is not None:
                yield (moment - opened).total_seconds()
                opened = None
        if opened is not None:
            # one that merely goes on when the year is over is like those before it
            is_endless = opened <= start
            yield None if is_endless else (start + A_YEAR - opened).total_seconds()
