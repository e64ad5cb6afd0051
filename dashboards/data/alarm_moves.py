"""Move an alarm on behalf of who sits before the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from casework.alarms.desk import AlarmActor
from casework.alarms.moves import AlarmAction
from casework.alarms.of_folder import desk_of_folder
from dashboards.data.alarm_views import AlarmView, alarm_view
from domain.access.decisions import Decision
from domain.data_dir import DataDir
from event_log.log import EventLog


@dataclass(frozen=True, slots=True)
class AlarmWish:
    """What somebody wants done about an alarm, as the page's script asks for it."""

    alarm_id: str
    action: AlarmAction
    who: str = ""  # as typed; of no account where somebody is logged in
    reason: str = ""
    assigned_to: str = ""
    seen_number: int = 0  # of the alarm's last event that the page knew

    @classmethod
    def read(cls, asked: dict[str, Any]) -> Self:
        """Read what a browser sent; ValueError: it is no such wish."""
        try:
            words = {name: str(asked[name]).strip() for name in ("who", "reason", "assigned_to")}
            action, number = AlarmAction(asked["action"]), int(asked["seen_number"])
            return cls(str(asked["alarm_id"]), action, **words, seen_number=number)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no wish about an alarm: {error}") from error


def move_alarm(data: DataDir, wish: AlarmWish, decision: Decision, is_listed: bool) -> AlarmView:
    """Carry a wish out, and return the alarm as it is then.

    `decision` says that the asker may; not `is_listed`: the site has no list of people, and they typed
    their name.

    Raises:
        MoveRefused: it is not possible any more, or something is missing; nothing was written.
        ForewarnError, OSError: the log or the clock's file cannot be used.
    """
    asker = decision.asker
    name = asker.name if is_listed else wish.who
    actor = AlarmActor(name, "console", asker.person_id, decision.role_id)
    with EventLog.open(data.events_db) as log:
        desk, _ = desk_of_folder(data, log)
        row = desk.move(
            wish.alarm_id,
            wish.action,
            actor,
            reason=wish.reason,
            assigned_to=wish.assigned_to,
            seen_number=wish.seen_number,
        )
    return alarm_view(row)
