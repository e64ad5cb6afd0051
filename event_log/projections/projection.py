"""Keep tables beside the log that say where everything stands: folded once, read by everybody.

They lie in the log's own file, so that rows, the place up to which they were folded, and events that follow
from them are of one transaction. Any program may fold what is new; another finds it done.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, exists, func, select, update

from domain.events.catalog import (
    EVENT_DATA,
    AlarmData,
    CameraChanged,
    CameraFitness,
    EvidenceBehind,
    EvidenceErased,
    EvidenceSealed,
    OffenceData,
    StorageChanged,
)
from event_log.consumers import keep_place, place_of
from event_log.log import EventLog
from event_log.projections.alarm_rows import fold_alarm
from event_log.projections.offence_rows import fold_offence
from event_log.projections.rows import TableRows
from event_log.projections.schema import bring_up_to_date, is_up_to_date
from event_log.projections.tables import ALARMS, OFFENCES, TROUBLES
from event_log.projections.trouble_rows import fold_trouble
from event_log.stories import empty_journal
from event_log.tables import EVENTS

CONSUMER = "projections"
EVENTS_AT_ONCE = 500  # a long log is folded in parts, so that others can write in between

_OTHERS = (
    EvidenceSealed,
    EvidenceErased,
    CameraChanged,
    CameraFitness,
    StorageChanged,
    EvidenceBehind,
)
_TYPES = tuple(
    kind.event_type
    for kind in EVENT_DATA
    if issubclass(kind, OffenceData | AlarmData) or kind in _OTHERS
)
_NEWEST = select(func.max(EVENTS.c.seq))


class Projection:
    """The tables of one log."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self._is_made = False

    def catch_up(self, beat: Callable[[], None] = lambda: None) -> None:
        """Fold all that is new, in transactions of their own; nothing is written where nothing is.

        `beat` is called between them, for a long log takes a while.

        Raises:
            TryAgain, Stop: as EventLog does.
        """
        with self.log.reading("read its projections") as connection:
            self._is_made = self._is_made or is_up_to_date(connection)
            if self._is_made and _place(connection) >= (connection.execute(_NEWEST).scalar() or 0):
                return
        while True:
            with self.log.writing("fold its projections") as connection:
                is_last = self._fold_page(connection)
            beat()
            if is_last:
                return

    def catch_up_within(self, connection: Connection) -> None:
        """Fold all that is new in a transaction of `log.writing`: its rows then say how things stand.

        A long log is folded by `catch_up` first.
        """
        while not self._fold_page(connection):
            pass

    def _fold_page(self, connection: Connection) -> bool:
        """Fold some events; return True where they were the last."""
        if not self._is_made and not is_up_to_date(connection):
            bring_up_to_date(connection)
        place = _place(connection)
        page = self.log.read_page_within(connection, place, _TYPES, EVENTS_AT_ONCE)
        offences, troubles = TableRows(connection, OFFENCES), TableRows(connection, TROUBLES)
        alarms = TableRows(connection, ALARMS)
        offences.load(getattr(each.event.data, "offence_id", "") for each in page.events)
        alarms.load(getattr(each.event.data, "alarm_id", "") for each in page.events)
        for logged in page.events:
            fold_offence(logged, offences)
            fold_alarm(logged, alarms)
            fold_trouble(logged, troubles, alarms)
        for rows in (offences, alarms, troubles):
            rows.write()
        if page.scanned_to > place:
            keep_place(connection, CONSUMER, page.scanned_to)
        return page.is_last

    def forget_erased(self) -> None:
        """Delete the rows of offences and alarms of which the log has no event any more, and their bytes.

        Raises:
            TryAgain, Stop: as EventLog does.
        """
        with self.log.writing("forget what was erased") as connection:
            if not is_up_to_date(connection):  # nobody has folded anything
                return
            # else the bytes stay in pages that are merely marked as free
            connection.exec_driver_sql("PRAGMA secure_delete=ON")
            self.catch_up_within(connection)
            for table, key in ((OFFENCES, OFFENCES.c.offence_id), (ALARMS, ALARMS.c.alarm_id)):
                told_of = exists().where(EVENTS.c.subject == key)
                connection.execute(delete(table).where(~told_of))
            for table in (OFFENCES, TROUBLES):
                is_there = exists().where(ALARMS.c.alarm_id == table.c.alarm_id)
                connection.execute(update(table).where(~is_there).values(alarm_id=None))
        empty_journal(self.log)


def _place(connection: Connection) -> int:
    return place_of(connection, CONSUMER) or 0
