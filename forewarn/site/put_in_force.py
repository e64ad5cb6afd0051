"""Freeze a checked site file into the data folder and put it in force by one event in the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from domain.access.os_account import this_account
from domain.data_dir import DataDir
from domain.errors import Stop, TryAgain
from domain.events.catalog import Event, SiteApplied
from domain.events.site_events import NamedFile
from domain.ids import mint
from domain.processes.file_lock import LockHeld, file_lock
from domain.site.cameras import event_time, media_start
from domain.site.revisions import (
    RevisionFacts,
    SiteContent,
    SiteRevision,
    SiteRevisions,
    named_files,
)
from domain.site.site import Site
from event_log.log import EventLog
from event_log.site_in_force import load_applied, newest_applied
from evidence_store.files.try_again import reraise_as_try_again
from flows.sources.media.footage import footage_path
from forewarn.terminal.checked_site import load_checked_site

WAIT_FOR_OTHERS_S = 60.0
LOCK = "site"


@dataclass(frozen=True, slots=True)
class AppliedBy:
    """Who puts a site file in force, and why."""

    name: str = ""  # '' a run's start
    person: str = ""  # id in the people file
    reason: str = ""


@dataclass(frozen=True, slots=True)
class InForce:
    """What is in force after a site file was applied."""

    revision: SiteRevision
    before: (
        int | None
    )  # number of the revision that was; the same where nothing changed; None: none
    was_restored: bool = False  # its files had been damaged and were written again


def read_checked_content(path: Path) -> SiteContent:
    """Read a site file and the files that it names, and check all of it as a run does.

    Raises:
        SiteFileError: it cannot go live; each fault with its line.
        TryAgain: it was changed meanwhile.
    """
    source = path.expanduser().resolve()
    before = _bytes_of(source)
    site = load_checked_site(source)
    files = {name: _bytes_of(source.parent / name) for name in named_files(site)}
    if before is None or before != _bytes_of(source):
        raise TryAgain(f"{path}: was changed while it was read; save it and try again")
    # a sound that is missing is no reason not to watch: its call is made by voice, or says that it failed
    return SiteContent(site, source, before, {k: v for k, v in files.items() if v is not None})


@contextmanager
def alone(data: DataDir) -> Iterator[None]:
    """Keep others from putting a site file in force meanwhile; raises TryAgain where one takes too long."""
    data.locks.mkdir(parents=True, exist_ok=True)
    try:
        with file_lock(data.locks / LOCK, wait_s=WAIT_FOR_OTHERS_S, mode=0o666):
            yield
    except LockHeld as error:
        raise TryAgain(f"{data.root}: another process puts a site file in force: {error}") from None


def put_in_force(
    content: SiteContent, data: DataDir, by: AppliedBy, *, plays_footage: bool = False
) -> InForce:
    """Freeze a site file, unless it says what is in force already, and log that it is in force.

    The caller is `alone`. What a killed call left is taken up by the next.

    Args:
        content: checked.
        data: the folder that it is for.
        by: who does it.
        plays_footage: file cameras are played once: the event has their time, so that it is the same
            on every pass.
    Raises:
        TryAgain: the disk is full, or the log is locked.
        Stop: what stands in the log or in the data folder cannot be used.
    """
    revisions = SiteRevisions(data.site)
    with EventLog.open(data.events_db) as log:
        newest = newest_applied(log)
        before = newest[1].revision if newest else None
        number = _number_for(content, revisions, newest[1] if newest else None)
        began_at = footage_start(content.site, content.base) if plays_footage else None
        applied = _applied(content, number, by)
        event = _event(applied, newest[0] if newest else 0, began_at)
        is_whole = _is_whole(data, event.data)
        if not is_whole:
            facts = RevisionFacts(
                revision=number,
                sha256=content.sha256,
                files=content.file_hashes(),
                source=str(content.source),
                base=str(content.base),
                frozen_at=datetime.now(UTC),
                by=by.name or this_account(),
                reason=by.reason,
            )
            with reraise_as_try_again("site file", data.site):
                revisions.freeze(content, facts)
        # read before it is in force: what was checked and what was frozen are the same
        revision = load_applied(data, event.data)
        if number != before:
            log.append([event])
    return InForce(revision, before, was_restored=number == before and not is_whole)


def put_back(
    content: SiteContent, number: int, refused_seq: int, data: DataDir, reason: str
) -> None:
    """Log that a revision is in force again, where the run cannot use what was put in force after it.

    Args:
        content: of the revision that the run goes on with.
        number: its number.
        refused_seq: number in the log of the word that is taken back; nothing is done where it is not
            the last one any more.
        data: the data folder.
        reason: for the record.
    Raises:
        TryAgain: the log is locked or full. Stop: it cannot be used.
    """
    with alone(data), EventLog.open(data.events_db) as log:
        newest = newest_applied(log)
        if newest is None or newest[0] != refused_seq:
            return
        applied = _applied(content, number, AppliedBy(reason=reason))
        log.append([_event(applied, refused_seq, None)])


def apply_file(site_file: Path, data: DataDir, *, plays_footage: bool = False) -> InForce:
    """Check a site file and put it in force, as a run does at its start.

    For those who start a single program by hand. Raises what the steps raise.
    """
    content = read_checked_content(site_file)
    with alone(data):
        return put_in_force(content, data, AppliedBy(), plays_footage=plays_footage)


def _number_for(
    content: SiteContent, revisions: SiteRevisions, in_force: SiteApplied | None
) -> int:
    """Choose a revision's number: a new one only where the content is neither in force nor frozen last."""
    numbers = revisions.numbers()
    in_force_number = in_force.revision if in_force else 0
    if in_force and _says(in_force, content):
        # where nobody knows any more which folder it was for, it is this one
        if revisions.base_of(in_force_number) in (None, str(content.base)):
            return in_force_number
    elif numbers and numbers[-1] > in_force_number and revisions.has_content(numbers[-1], content):
        return numbers[-1]  # frozen by a call that was killed before it wrote the event
    return max([*numbers, in_force_number]) + 1


def _says(applied: SiteApplied, content: SiteContent) -> bool:
    files = {each.name: each.sha256 for each in applied.files}
    return (applied.sha256, files) == (content.sha256, content.file_hashes())


def _is_whole(data: DataDir, applied: SiteApplied) -> bool:
    """Tell whether a revision lies there as it should."""
    try:
        load_applied(data, applied)
    except Stop:
        return False
    return True


def _applied(content: SiteContent, number: int, by: AppliedBy) -> SiteApplied:
    return SiteApplied(
        site_id=content.site.site.id,
        revision=number,
        sha256=content.sha256,
        files=tuple(
            NamedFile(name=name, sha256=file_hash)
            for name, file_hash in content.file_hashes().items()
        ),
        by=by.name,
        person=by.person,
        reason=by.reason,
    )


def _event(applied: SiteApplied, last_seq: int, began_at: datetime | None) -> Event[SiteApplied]:
    # the same revision may be put in force again, after another was refused: that is another event
    again = [last_seq] if last_seq else []
    return Event(
        id=mint(
            "evt", applied.site_id, applied.event_type, applied.revision, applied.sha256, *again
        ),
        source=f"forewarn/{applied.site_id}/site",
        subject=applied.site_id,
        time=began_at or datetime.now(UTC),
        data=applied,
    )


def footage_start(site: Site, base: Path) -> datetime | None:
    """Tell when the first frame of a site's footage was taken; None: a camera is live, or no file is there."""
    starts = []
    for camera in site.cameras:
        path = footage_path(camera, base)
        if camera.is_live:
            return None
        if camera.starts_at is not None or path.exists():
            start = media_start(camera, path, None)
            starts.append(event_time(start, camera.stretch_s[0] if camera.stretch_s else 0.0))
    return min(starts, default=None)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
