"""Notice that the original of the site file was edited, broken or removed while a run is on."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import structlog

from domain.base import BothLanguages, both
from domain.errors import ForewarnError
from domain.events.catalog import Event, SiteApplied, SiteFileChanged
from domain.files import sha256_of
from domain.ids import mint
from domain.site.loading import SiteFileError
from domain.site.revisions import SiteRevision
from event_log.log import EventLog
from event_log.site_in_force import newest_of
from forewarn.site.put_in_force import read_checked_content

log = structlog.get_logger()

Standing = Literal["edited", "faulty", "missing", "refused", "in force"]
Look = tuple[tuple[int, int, int] | None, ...]

WORDS: dict[Standing, BothLanguages] = {
    "edited": both(
        "站点文件已更改，尚未生效：请运行 forewarn site apply；现行的是第 {number} 版",
        "site file changed, not in force: forewarn site apply; what runs is revision {number}",
    ),
    "faulty": both(
        "站点文件{line_zh}有错误（forewarn check 会指出）；现行的是第 {number} 版",
        "site file has an error{line} (forewarn check names it): what runs is revision {number}",
    ),
    "missing": both(
        "站点文件无法读取；现行的是第 {number} 版",
        "site file cannot be read: what runs is revision {number}",
    ),
    "refused": both(
        "站点文件第 {refused} 版无法使用（{why}）；现行的仍是第 {number} 版",
        "site revision {refused} cannot be used: {why}; what runs stays revision {number}",
    ),
    "in force": both(
        "站点文件与现行的第 {number} 版一致",
        "site file is again the one in force, revision {number}",
    ),
}


class SiteFileWatch:
    """Tells of each change of the original once; what is in force stays what it is."""

    def __init__(self, events: EventLog, source: Path, notify: Callable[[str], None]) -> None:
        """Begin with a file that is taken to be as it was last told.

        Args:
            events: gets an event of each change, for consoles.
            source: the file that the run was started with.
            notify: shows a line to the person who started the run.
        """
        self._events = events
        self._source = source
        self._notify = notify
        self._last_look: Look | None = None
        self._judged: Look | None = None
        self._told: tuple[Standing, str] = _last_told(events)

    def begin_anew(self, source: Path) -> None:
        """Go on with a revision that was just put in force, from that file."""
        self._source = source
        self._last_look = self._judged = None
        # whatever was told of the file, the event that put it in force has taken it back
        self._told = ("in force", "")

    def look(self, revision: SiteRevision) -> None:
        """Look at the file once; one that is being written is judged when it has come to rest."""
        paths = [self._source, *(revision.base / name for name in revision.facts.files)]
        seen = tuple(map(_look_at, paths))
        is_at_rest, self._last_look = seen == self._last_look, seen
        if not is_at_rest or seen == self._judged:
            return
        self._judged = seen
        standing, line = self._judge(revision)
        sha256 = "" if seen[0] is None else _hash_of(self._source)
        if standing == "edited" and self._told == ("refused", sha256):
            return  # it is that very one
        # editors touch files that they do not change
        if (standing, sha256) == self._told or (standing == "in force" == self._told[0]):
            return
        self._told = standing, sha256
        self._tell(revision, standing, line, mint("look", *seen))

    def tell_refused(self, revision: SiteRevision, refused: int, seq: int, why: str) -> None:
        """Tell that a later revision was put in force and cannot be used, and that what runs goes on.

        Args:
            revision: that goes on.
            refused: number of the other one.
            seq: number in the log of the word that put it in force.
            why: for people.
        """
        self._told = "refused", _hash_of(self._source)
        said = WORDS["refused"]
        facts = {"number": revision.number, "refused": refused, "why": why}
        said = both(said.zh.format(**facts), said.en.format(**facts))
        self._say(revision, "refused", said, str(seq))

    def _judge(self, revision: SiteRevision) -> tuple[Standing, int | None]:
        """Compare the file with what is in force; with the line of its first fault, where it has one."""
        facts = revision.facts
        files = {name: _hash_of(revision.base / name) for name in facts.files}
        found = _hash_of(self._source)
        if not found:
            return "missing", None
        if (found, files) == (facts.sha256, facts.files):
            return "in force", None
        try:
            read_checked_content(self._source)
        except SiteFileError as error:
            # its words may quote what should not stand there, such as a password
            return "faulty", _line_in(error) if error.path == self._source else None
        except ForewarnError:
            return "faulty", None
        except (
            Exception
        ):  # what no check foresaw: a file that does not count must not end what runs
            log.exception("site_file_not_judged", path=str(self._source))
            return "faulty", None
        return "edited", None

    def _tell(
        self, revision: SiteRevision, standing: Standing, line: int | None, look: str
    ) -> None:
        self._say(revision, standing, _filled(WORDS[standing], revision.number, line), look)

    def _say(
        self, revision: SiteRevision, standing: Standing, said: BothLanguages, occasion: str
    ) -> None:
        number, site_id = revision.number, revision.site.site.id
        event = Event(
            id=mint("evt", site_id, "site file", standing, number, occasion),
            source=f"forewarn/{site_id}/site",
            subject=site_id,
            time=datetime.now(UTC),
            data=SiteFileChanged(
                site_id=site_id,
                revision=number,
                standing=standing,
                reason=said.en,
                reason_zh=said.zh,
            ),
        )
        log.warning("site_file_changed", standing=standing, in_force=number, said=said.en)
        self._notify(said.en)
        try:
            self._events.append([event])
        except ForewarnError as error:  # full or busy: the terminal and the log file have it
            log.error("site_file_change_not_logged", reason=str(error))


def _filled(words: BothLanguages, number: int, line: int | None) -> BothLanguages:
    at, at_zh = (f" at line {line}", f"第 {line} 行") if line else ("", "")
    facts = {"number": number, "line": at, "line_zh": at_zh}
    return both(words.zh.format(**facts), words.en.format(**facts))


def _last_told(events: EventLog) -> tuple[Standing, str]:
    """Return what consoles believe of the file, as far as its standing goes."""
    last = newest_of(events, (SiteFileChanged.event_type, SiteApplied.event_type))
    data = last.event.data if last else None
    return (data.standing if isinstance(data, SiteFileChanged) else "in force"), ""


def _look_at(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _hash_of(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError:
        return ""


def _line_in(error: SiteFileError) -> int | None:
    found = re.match(r":(\d+):", error.problems[0].removeprefix(str(error.path)))
    return int(found[1]) if found else None
