"""Count the pause after a call from its end on the loudspeaker, if anybody heard it.

A speaker that is busy says a call some seconds after it came due. Whoever is called on again needs the
whole pause after they heard the first, so the next rung waits for the event that says what came of the call, which
the announcer writes into the event log. It is looked up there when the pause would be over: so it
is there after a restart as well, and nothing of it is kept. The wait has a bound, for the announcer may
be dead. Recordings are spoken into files, for nobody: there pauses count from when calls came due.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from domain.errors import TryAgain
from domain.events.announcements import (
    MAY_HAVE_BEEN_HEARD,
    NO_WORD,
    AnnouncementMade,
    CallBefore,
    announcement_of,
)
from domain.events.wall_time import Convert, same_time
from domain.site.ladders import Ladder
from domain.site.site import Site
from event_log.rows import LoggedEvent
from flows.speech.holds import speakers_heard

Find = Callable[[str], LoggedEvent | None]


@dataclass(frozen=True, slots=True)
class Call:
    """Name the last call of an offence; saved with the ladder's state."""

    warned_id: str
    due_at: AwareDatetime  # event time


class CallPauses:
    """What the log says of the calls of one ladder.

    Args:
        find: an event of the log by its id.
        patience_s: longest wait for the word of what came of a call, from when it came due.
        of_wall: event time at which the wall's clock said something.
    """

    def __init__(self, find: Find, patience_s: float, of_wall: Convert = same_time) -> None:
        self._find = find
        self._of_wall = of_wall
        self._patience = timedelta(seconds=patience_s)

    def after_pause(
        self, call: Call, waits_since: datetime, pause_s: float, at: datetime
    ) -> CallBefore | None:
        """Return what is known of the call, once the pause after it is over; None: it is not.

        Args:
            call: the last one.
            pause_s: from the ladder.
            waits_since: event time from which the pause would count without the call.
            at: event time now.
        """
        pause = timedelta(seconds=pause_s)
        if at - waits_since < pause:
            return None
        made = self._made(call)
        if made is None:
            is_patient = at - call.due_at < self._patience
            return None if is_patient else CallBefore(result=NO_WORD, counted_from=waits_since)
        until = said_until(made, self._of_wall) or waits_since
        counted_from = max(waits_since, min(until, call.due_at + self._patience))
        if at - counted_from < pause:
            return None
        return CallBefore(result=made.result, counted_from=counted_from)

    def _made(self, call: Call) -> AnnouncementMade | None:
        try:
            found = self._find(announcement_of(call.warned_id))
        except TryAgain:  # the log is locked: looked up again with the next frame
            return None
        data = found.event.data if found else None
        return data if isinstance(data, AnnouncementMade) else None


def said_until(made: AnnouncementMade, of_wall: Convert = same_time) -> datetime | None:
    """Return the event time at which a call was over; None where nothing can have been heard."""
    if made.result not in MAY_HAVE_BEEN_HEARD or made.started_at is None:
        return None
    # its beginning alone was read from the wall's clock: set forward during the call, it may never
    # have said what the end comes to
    return of_wall(made.started_at) + timedelta(seconds=made.audio_duration_s or 0.0)


def call_pauses_of(
    site: Site,
    camera_id: str,
    ladder: Ladder,
    find: Find,
    live_cameras: Collection[str],
    of_wall: Convert = same_time,
) -> CallPauses | None:
    """Make the pauses of a ladder whose calls somebody hears; None where they count from due."""
    if ladder.next_rung_counts_from == "due":
        return None
    if camera_id not in speakers_heard(site, live_cameras):
        return None
    return CallPauses(find, ladder.waits_for_call_s, of_wall)
