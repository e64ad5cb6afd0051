"""Tell until when the machine's clock is believed: what is deleted by a term is deleted by that time.

A clock that jumps ahead (a dead battery, a wrong time server) would else erase two years at once. It is
believed again when it is put right, after a day of running with it, or when a person says so.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from domain.cameras.clock_note import ClockNote

# so far ahead is no jump
ALLOWED_S = 3600.0
# after a start of the machine nobody knows how long it was off
ALLOWED_OVER_A_START_S = 86400.0
BELIEVED_AFTER_S = 86400.0


@dataclass(frozen=True, slots=True)
class Belief:
    """Until when the clock is believed, and why not until now."""

    at: datetime
    doubt: str  # for people; "": it is believed


@dataclass(frozen=True, slots=True)
class _Known:
    boot_id: str
    boot_s: float
    believed_s: float  # since 1970: what was believed last, and the time that passed since
    ahead_s: float = 0.0  # of the wall's clock; 0: believed
    ran_s: float = 0.0  # with the wall so far ahead


class BelievedClock(ClockNote[_Known]):
    """Keeps in a file how far the clock is believed."""

    def look(self, *, is_right: bool = False) -> Belief:
        """Look at the clock; with `is_right` a person says that it is right.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._alone():
            wall_s, known = self._wall_s(), None if is_right else self._read(_parsed)
            now = _Known(self._boot_id, self._boot_s(), wall_s)
            if known is not None:
                now = self._next(known, now, wall_s)
            self._write(asdict(now))
        believed_at = datetime.fromtimestamp(min(now.believed_s, wall_s), UTC)
        return Belief(believed_at, _doubt(now, wall_s) if now.ahead_s else "")

    def _next(self, known: _Known, now: _Known, wall_s: float) -> _Known:
        is_same_boot = known.boot_id == now.boot_id and now.boot_s >= known.boot_s
        passed_s = now.boot_s - known.boot_s if is_same_boot else 0.0
        believed_s = known.believed_s + passed_s
        ahead_s = wall_s - believed_s
        allowed_s = ALLOWED_S if is_same_boot or known.ahead_s else ALLOWED_OVER_A_START_S
        if ahead_s <= allowed_s:
            # set back, it may be put right again: that is no jump
            return _Known(now.boot_id, now.boot_s, max(believed_s, wall_s))
        is_new = not known.ahead_s or abs(ahead_s - known.ahead_s) > ALLOWED_S
        ran_s = 0.0 if is_new and is_same_boot else known.ran_s + passed_s
        if ran_s >= BELIEVED_AFTER_S:
            return now
        return _Known(now.boot_id, now.boot_s, believed_s, ahead_s, ran_s)


def _parsed(known: Any) -> _Known:
    numbers = (float(known[name]) for name in ("boot_s", "believed_s", "ahead_s", "ran_s"))
    return _Known(str(known["boot_id"]), *numbers)


def _doubt(known: _Known, wall_s: float) -> str:
    wall_at = datetime.fromtimestamp(wall_s, UTC).isoformat(timespec="seconds")
    believed_at = datetime.fromtimestamp(known.believed_s, UTC).isoformat(timespec="seconds")
    left_h = (BELIEVED_AFTER_S - known.ran_s) / 3600
    return (
        f"the machine's clock says {wall_at}, and by the time that passed it is {believed_at}: terms are "
        f"counted by that until the clock is right, has run so for {left_h:.0f} h more, or somebody says "
        "`forewarn evidence retention --apply --clock-is-right`"
    )
