"""Keep a live run on the site revision that the log names: restart its programs when it names another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from domain.data_dir import DataDir
from domain.errors import ForewarnError, TryAgain
from domain.events.catalog import SiteApplied
from domain.site.revisions import SiteContent, SiteRevision, SiteRevisions
from domain.site.site import Site
from event_log.log import EventLog
from event_log.site_in_force import load_applied, newest_applied
from forewarn.programs.supervision.supervisor import Program, Supervisor
from forewarn.site.file_watch import SiteFileWatch
from forewarn.site.put_in_force import put_back
from forewarn.site.trial import try_revision

log = structlog.get_logger()

LOOK_EVERY_S = 1.0


class LiveSite:
    """Starts the programs of a live run, and starts them anew by each new revision; calling it looks."""

    def __init__(
        self,
        data: DataDir,
        revision: SiteRevision,
        source: Path,
        supervisor: Supervisor,
        programs_of: Callable[[SiteRevision], list[Program]],
        notify: Callable[[str], None],
        is_stopping: Callable[[], bool],
        followers: Sequence[Callable[[Site], None]] = (),
    ) -> None:
        """Begin without a program.

        Args:
            data: whose log is followed.
            revision: in force now.
            source: the file that the run was started with.
            supervisor: looks after the programs.
            programs_of: the programs that run by a revision, in the order of starting.
            notify: shows a line to the person who started the run.
            is_stopping: the run is about to end: nothing is started any more.
            followers: are called with each new site, before its programs start.
        """
        self._data = data
        self._revisions = SiteRevisions(data.site)
        self._take(revision, self._revisions.content_of(revision))
        self._supervisor = supervisor
        self._programs_of = programs_of
        self._notify = notify
        self._is_stopping = is_stopping
        self._followers = followers
        self._log = EventLog.open(data.events_db)
        self._watch = SiteFileWatch(self._log, source, notify)
        self._refused = 0  # number in the log of the last word that could not be followed
        self._look_at_s = 0.0

    def start(self) -> None:
        """Start the programs."""
        for program in self._programs_of(self._revision):
            self._supervisor.start(program)

    def __call__(self) -> None:
        """Look at the log and at the original of the site file, at most once a second."""
        if time.monotonic() < self._look_at_s:
            return
        self._look_at_s = time.monotonic() + LOOK_EVERY_S
        self._mend()
        try:
            newest = newest_applied(self._log)
        except ForewarnError:  # the log is busy, gone or damaged: the programs that need it say so
            return
        if newest and newest[1].revision != self._revision.number:
            self._follow(*newest)
        self._watch.look(self._revision)

    def _follow(self, seq: int, applied: SiteApplied) -> None:
        """End all programs in order, and start those of another revision, if they can."""
        try:
            wanted = load_applied(self._data, applied)
            content = self._revisions.content_of(wanted)
            try_revision(wanted, self._revision, self._data)
        except TryAgain:
            return
        except ForewarnError as error:
            self._refuse(seq, applied, "; ".join(str(error).splitlines()))
            return
        except Exception as error:  # what no check foresaw must not end what runs
            log.exception("site_revision_not_tried")
            self._refuse(seq, applied, f"it cannot be tried ({type(error).__name__})")
            return
        log.info("site_revision_followed", revision=wanted.number, before=self._revision.number)
        self._notify(f"site revision {wanted.number} is in force: the programs restart with it")
        for follow in self._followers:
            follow(wanted.site)
        self._take(wanted, content)
        # one that is put in force meanwhile is followed at the next look
        self._supervisor.replace_all([] if self._is_stopping() else self._programs_of(wanted))
        self._watch.begin_anew(Path(wanted.facts.source))

    def _refuse(self, seq: int, applied: SiteApplied, why: str) -> None:
        """Go on with what runs, make that the last word in the log as soon as it can be, and tell why."""
        if seq != self._refused:
            self._refused = seq
            log.error("site_revision_refused", revision=applied.revision, reason=why)
        reason = f"the run cannot use revision {applied.revision}"
        try:
            put_back(self._content, self._revision.number, seq, self._data, reason)
        except ForewarnError as error:
            log.error("site_revision_not_put_back", reason=str(error))
            return
        self._watch.tell_refused(self._revision, applied.revision, seq, why)

    def _take(self, revision: SiteRevision, content: SiteContent) -> None:
        """Go by a revision from now on; what it says is kept where nobody can damage it."""
        self._revision, self._content = revision, content
        self._is_whole = True

    def _mend(self) -> None:
        """Write the revision that runs again where it was damaged or removed: a program may restart any time."""
        number, was_whole = self._revision.number, self._is_whole
        self._is_whole = self._revisions.still_says(self._content, self._revision.facts)
        if self._is_whole:
            return
        try:
            self._revisions.freeze(self._content, self._revision.facts)
        except OSError as error:
            if was_whole:
                self._notify(f"site revision {number} is damaged in {self._data.site}: {error}")
            return
        log.error("site_revision_mended", revision=number)
        self._notify(
            f"site revision {number} was damaged or removed in {self._data.site}: it is written "
            "again as the run has it"
        )
