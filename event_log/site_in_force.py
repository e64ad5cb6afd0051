"""Find which revision of the site file is in force, as the log says, and read it from the data folder."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.events.catalog import SiteApplied, expect_event
from domain.site.revisions import SiteRevision, SiteRevisions
from event_log.log import EventLog
from event_log.rows import LoggedEvent, from_row
from event_log.tables import EVENTS


def newest_of(log: EventLog, types: Collection[str]) -> LoggedEvent | None:
    """Read the newest event of some types; None: there is none.

    Raises:
        PutAside: it was written by a newer version, or is damaged.
        TryAgain, Stop: the log cannot be read.
    """
    newest = select(EVENTS).where(EVENTS.c.type.in_(sorted(types))).order_by(EVENTS.c.seq.desc())
    with log.reading("read what was said last") as connection:
        row = connection.execute(newest.limit(1)).mappings().one_or_none()
    return None if row is None else from_row(dict(row))


def newest_applied(log: EventLog) -> tuple[int, SiteApplied] | None:
    """Return the newest word on which revision is in force, with its number in the log; None: there is none.

    Raises:
        Stop: it was written by a newer version, or is damaged: an older one must not count in its place.
    """
    try:
        logged = newest_of(log, [SiteApplied.event_type])
    except PutAside as error:
        raise Stop(f"event log {log.path}: which site file is in force: {error}") from error
    return (logged.seq, expect_event(logged.event, SiteApplied).data) if logged else None


def applied_as(log: EventLog, number: int) -> SiteApplied | None:
    """Return the newest word on a revision of that number; None: there is none.

    Raises:
        Stop, TryAgain: the log cannot be read.
    """
    found, after = None, 0
    while page := log.read(after, [SiteApplied.event_type]):
        for logged in page:
            applied = expect_event(logged.event, SiteApplied).data
            found = applied if applied.revision == number else found
        after = page[-1].seq
    return found


def load_applied(data: DataDir, applied: SiteApplied) -> SiteRevision:
    """Read the revision that an event of the log names.

    Raises:
        Stop: a file of it is gone or was changed: the message names it.
        SiteFileError: this version of forewarn cannot use what it says.
    """
    files = {each.name: each.sha256 for each in applied.files}
    return SiteRevisions(data.site).load(applied.revision, applied.sha256, files)


def applied_in(data: DataDir) -> SiteApplied | None:
    """Read which revision is in force; None: no run was started on this data folder yet.

    Raises:
        Stop, TryAgain: the log cannot be read.
    """
    if not data.events_db.exists():
        return None
    with EventLog.open(data.events_db) as log:
        newest = newest_applied(log)
    return newest[1] if newest else None


def find_site_in_force(data: DataDir) -> SiteRevision | None:
    """Read the revision that is in force; None: no run was started on this data folder yet.

    Raises:
        Stop, SiteFileError: as `load_applied`.
        TryAgain: the log cannot be read now.
    """
    applied = applied_in(data)
    return load_applied(data, applied) if applied else None


def site_in_force(data: DataDir, number: int | None = None) -> SiteRevision:
    """Read the revision that is in force, or the one that was under that number, as its run has it.

    Raises:
        Stop: there is none; or what `find_site_in_force` raises.
    """
    if number is None:
        revision = find_site_in_force(data)
    else:
        with EventLog.open(data.events_db) as log:
            applied = applied_as(log, number)
        revision = load_applied(data, applied) if applied else None
    if revision is None:
        which = "site file" if number is None else f"site revision {number}"
        raise Stop(f"{data.root}: no {which} is in force here; forewarn site apply SITE")
    return revision
