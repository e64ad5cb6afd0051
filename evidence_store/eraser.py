"""Erase records: rows, files, footage; look whether their bytes are gone; put that on record.

Each step may be done again, so that a process killed at any moment leaves work that the next one ends.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from domain.data_dir import DataDir
from domain.errors import PutAside, TryAgain
from evidence_store.check_custody import ChainReport
from evidence_store.custody import CustodyChain, Entry
from evidence_store.erase_footage import erase_live, erase_stretch, segments_of
from evidence_store.erase_rows import erase_rows, row_files
from evidence_store.erasure import Erasure, ended_erasures
from evidence_store.folder_lock import alone_with
from evidence_store.holds import no_new_holds
from evidence_store.pins import Pin
from evidence_store.re_encrypt import RE_ENCRYPTED
from evidence_store.sealed_files import EVIDENCE_ID
from evidence_store.search_marks import (
    Hit,
    Mark,
    MarkSearch,
    SearchReport,
    files_below,
    mark_of_text,
)
from evidence_store.segment_files import encrypted_path
from evidence_store.vault import Vault, saying_what_failed
from evidence_store.whole_files import sync_folder

log = structlog.get_logger()


@dataclass
class Erased:
    """What came of one erasure."""

    erasure: Erasure
    rows: int = 0
    files: list[str] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)  # footage that others need, and why
    problems: list[str] = field(default_factory=list)  # why it is not ended; [] where it is
    entry: Entry | None = None  # the certificate, once it is ended

    @property
    def evidence_id(self) -> str:
        """Which record."""
        return self.erasure.evidence_id


@dataclass
class Eraser:
    """Erases what the chain says is to be erased, in one data folder."""

    data: DataDir
    chain: CustodyChain
    pins: Callable[[], Sequence[Pin]] = lambda: ()
    beat: Callable[[str], None] = lambda words: None  # told what it does, for progress and life

    def finish(self, erasures: Sequence[Erasure], report: ChainReport) -> list[Erased]:
        """Erase, look, and add the "erased" entry of each that is gone.

        Args:
            erasures: begun before, by `tell_erasing`; any number, they share the slow steps.
            report: of the chain.
        Returns:
            one for each; those with problems are to be tried again.
        Raises:
            TryAgain: another process erases, or rows cannot be erased now.
        """
        if not erasures:
            return []
        with self._alone():
            # somebody else may have ended one of them while we waited for our turn
            ended = ended_erasures(self.chain)
            others = [
                Erased(each, entry=ended[each.number]) for each in erasures if each.number in ended
            ]
            done = [Erased(each) for each in erasures if each.number not in ended]
            if not done:
                return others
            self._erase_rows(done)
            for each in done:
                self.beat(each.evidence_id)
                self._erase_files(each)
            searched = self._look(done)
            for each in done:
                self._certify(each, searched, report)
        return others + done

    def _erase_rows(self, done: Sequence[Erased]) -> None:
        folder = self.data.lancedb
        if not folder.is_dir():
            return
        ids = [each.evidence_id for each in done]
        search = _search_of(done, with_ids=True)

        def is_clean() -> bool:
            return not search.search(row_files(folder)).hits

        removed = erase_rows(folder, ids, is_clean, lambda: self.beat("rows"))
        for each in done:
            each.rows = removed

    def _erase_files(self, each: Erased) -> None:
        vault, stretch = Vault(self.data.evidence), each.erasure.stretch
        with saying_what_failed(f"erasing {each.evidence_id}", self.data.root):
            with alone_with(vault.folder_of(each.evidence_id)):
                for folder in _folders_of(vault, each.evidence_id):
                    paths = sorted(folder.rglob("*"))
                    each.files += [f"{folder.name}/{path.name}" for path in paths]
                    _remove(folder)
                for path in vault.folder.glob(f"{RE_ENCRYPTED}{each.evidence_id}-*"):
                    path.unlink(missing_ok=True)  # what a killed process left
            for path in (self.data.root / name for name in each.erasure.others):
                if path.exists():
                    each.files.append(self._place(path))
                    path.unlink(missing_ok=True)
            if self.data.evidence.is_dir():
                sync_folder(self.data.evidence)
            with no_new_holds(self.data.holds):
                each.recordings, each.kept, is_open = erase_stretch(
                    self.data.recordings, stretch, self.pins(), datetime.now(UTC)
                )
            each.live = erase_live(self.data.live, stretch)
        if is_open:
            each.problems.append(
                f"{each.evidence_id}: some of its footage is still being recorded; it goes when that "
                "segment is closed"
            )

    def _look(self, done: Sequence[Erased]) -> SearchReport:
        """Search every file that could hold some of it."""
        files = files_below(self.data.root, self._is_other_footage(done))
        return _search_of(done).search(files, lambda path: self.beat(f"search {path.name}"))

    def _is_other_footage(self, done: Sequence[Erased]) -> Callable[[Path], bool]:
        """Says which recordings are of other times and cameras: pictures and vectors never go there."""
        recordings, looked_into = self.data.recordings, set[Path]()
        for each in done:
            stretch = each.erasure.stretch
            folder = recordings / stretch.camera_id
            paths = [folder / found.name for found in segments_of(recordings, stretch)]
            looked_into |= {*paths, *map(encrypted_path, paths)}

        def is_other(path: Path) -> bool:
            is_segment = path.is_relative_to(recordings) and path.suffix != ".jsonl"
            return is_segment and path not in looked_into

        return is_other

    def _certify(self, each: Erased, searched: SearchReport, report: ChainReport) -> None:
        kept = {
            self.data.recordings / each.erasure.stretch.camera_id / name for name, _ in each.kept
        }
        hits = [hit for hit in searched.hits if hit.owner == each.evidence_id]
        shared: list[Hit] = []
        left: list[Hit] = []
        for hit in hits:
            (shared if hit.path in kept or self._is_of_other(hit, each) else left).append(hit)
        each.problems += sorted(
            {f"{each.evidence_id}: {hit.of} is still in {hit.path}" for hit in left}
        )
        each.problems += searched.unread
        if each.problems:
            log.warning("erasure_not_ended", evidence_id=each.evidence_id, problems=each.problems)
            return
        details: dict[str, Any] = {
            "begun_by": each.erasure.number,
            "manifest_sha256": report.erasing[each.evidence_id]["details"]["manifest_sha256"]
            if each.evidence_id in report.erasing
            else "",
            "removed": {
                "files": each.files,
                "recordings": each.recordings,
                "live": each.live,
                "events": each.erasure.with_events,
            },
            "kept": [{"recording": name, "why": why} for name, why in each.kept],
            "searched": {
                "files": searched.files,
                "size_bytes": searched.size_bytes,
                "marks": len(each.erasure.marks),
                "found": 0,
                "shared_with": self._shared(shared, each.erasure.marks),
            },
            "exports": [
                {"at": entry["at"], "who": entry["who"], "masked": entry["details"].get("masked")}
                for entry in report.exported.get(each.evidence_id, [])
            ],
        }
        each.entry = self.chain.append("erased", each.evidence_id, details)
        log.info("erased", evidence_id=each.evidence_id, files=len(each.files))

    def _is_of_other(self, hit: Hit, each: Erased) -> bool:
        """True in another record's folder: two offences on one picture share it, and both are sealed.

        Also while the other one is still a draft.
        """
        owner = self._owner(hit.path)
        return owner != "" and owner != each.evidence_id

    def _owner(self, path: Path) -> str:
        """Whose record a file of the vault belongs to; "" elsewhere."""
        if not path.is_relative_to(self.data.evidence):
            return ""
        found = EVIDENCE_ID.search(path.relative_to(self.data.evidence).parts[0])
        return found[0] if found else ""

    def _shared(self, hits: Sequence[Hit], marks: Sequence[Mark]) -> dict[str, dict[str, str]]:
        """What stays in other records and pinned footage: place -> file -> "pieces found/of how many".

        All of a file's pieces: the same picture or footage. Some: the same still scenery.
        """
        of = Counter(mark.of for mark in marks)
        found: dict[str, Counter[str]] = {}
        for place, name, _ in {(self._place(hit.path), hit.of, hit.mark.starts) for hit in hits}:
            found.setdefault(place, Counter())[name] += 1
        return {
            place: {name: f"{count}/{of[name]}" for name, count in sorted(names.items())}
            for place, names in sorted(found.items())
        }

    def _place(self, path: Path) -> str:
        """A record's id, or the path of a recording."""
        return self._owner(path) or path.relative_to(self.data.root).as_posix()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.data.locks.mkdir(parents=True, exist_ok=True)
        file = os.open(self.data.locks / "erase", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise TryAgain(
                    f"{self.data.root}: another process is erasing; again later"
                ) from error
            yield
        finally:
            os.close(file)


def unfinished(report: ChainReport) -> list[Erasure]:
    """Erasures that were begun and not ended: killed, or their bytes were still somewhere.

    An entry of another version is passed over with a warning: it must not hold up the others.
    """
    found = []
    for evidence_id, entry in report.erasing.items():
        try:
            found.append(Erasure.from_entry(entry))
        except PutAside as error:
            log.warning("erasure_passed_over", evidence_id=evidence_id, reason=str(error))
    return found


def _search_of(done: Sequence[Erased], *, with_ids: bool = False) -> MarkSearch:
    marks = [(each.evidence_id, mark) for each in done for mark in each.erasure.marks]
    if with_ids:  # a row without a picture has no vectors
        marks += [(each.evidence_id, mark_of_text(each.evidence_id)) for each in done]
    return MarkSearch(marks)


def _remove(folder: Path) -> None:
    """Delete a folder, also one that its owner tidies up at the same time: a draft."""
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def _folders_of(vault: Vault, evidence_id: str) -> list[Path]:
    """The record's folder, drafts that a killed process left, and what was set aside."""
    names = (f".{evidence_id}.*", f"set-aside-{evidence_id}-*")
    found = [each for name in names for each in vault.folder.glob(name) if each.is_dir()]
    final = vault.folder_of(evidence_id)
    return [*([final] if final.is_dir() else []), *sorted(found)]
