"""Erase records: rows, files, footage; search for what is left of their bytes; certify what is gone.

Each step may be done again: a process killed at any moment leaves work that the next one ends.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from domain.data_dir import DataDir
from domain.errors import PutAside
from domain.files import sync_file
from evidence_store.custody.chain import CustodyChain, Entry
from evidence_store.custody.chain_check import ChainReport
from evidence_store.custody.records_on_chain import ended_erasures
from evidence_store.erasure.erase_footage import erase_live, erase_stretch, segments_of
from evidence_store.erasure.erase_rows import erase_rows, row_files
from evidence_store.erasure.erasure_request import Erasure
from evidence_store.erasure.file_owners import count_shared, owner_of, place_of
from evidence_store.erasure.legal_holds import no_new_holds
from evidence_store.erasure.residue_search import (
    Hit,
    ResidueSearch,
    SearchReport,
    files_below,
    fingerprint_text,
)
from evidence_store.files.folder_lock import erasing_alone, exclusive_lock
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.recordings.pins import Pin
from evidence_store.recordings.segment_files import encrypted_path
from evidence_store.table_of_vault import clear_leftovers
from evidence_store.vault.re_encrypt import RE_ENCRYPTED
from evidence_store.vault.vault import Vault

log = structlog.get_logger()


@dataclass
class Erased:
    """What came of one erasure."""

    erasure: Erasure
    files: list[str] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    kept: list[tuple[str, str]] = field(default_factory=list)  # footage that others need, and why
    problems: list[str] = field(default_factory=list)  # why it is not ended; [] where it is
    entry: Entry | None = None  # the certificate, once it is ended

    @property
    def evidence_id(self) -> str:
        """Return which record."""
        return self.erasure.evidence_id


@dataclass
class Eraser:
    """Erase what the chain says is to be erased, in one data folder."""

    data: DataDir
    chain: CustodyChain
    pins: Callable[[], Sequence[Pin]] = lambda: ()
    beat: Callable[[str], None] = lambda words: None  # called with each step, for progress

    def finish(self, erasures: Sequence[Erasure], report: ChainReport) -> list[Erased]:
        """Erase, search, and append the "erased" entry of each that is gone.

        The erasures were begun before, by `begin_erasure`; any number, they share the slow steps. Those
        returned with problems are to be tried again.

        Raises:
            TryAgain: another process erases, or rows cannot be erased now.
        """
        if not erasures:
            return []
        with erasing_alone(self.data):
            clear_leftovers(self.data)
            # somebody else may have ended one of them while we waited for our turn
            ended = ended_erasures(self.chain)
            others = [
                Erased(erasure, entry=ended[erasure.number])
                for erasure in erasures
                if erasure.number in ended
            ]
            done = [Erased(erasure) for erasure in erasures if erasure.number not in ended]
            if not done:
                return others
            self._erase_rows(done)
            for erased in done:
                self.beat(erased.evidence_id)
                self._erase_files(erased)
            # every file that could hold some of the records
            files = files_below(self.data.root, self._is_other_footage(done))
            searched = _search_of(done).search(files, lambda path: self.beat(f"search {path.name}"))
            for erased in done:
                self._certify(erased, searched, report)
        return others + done

    def _erase_rows(self, done: Sequence[Erased]) -> None:
        folder = self.data.lancedb
        if not folder.is_dir():
            return
        search = _search_of(done, with_ids=True)
        erase_rows(
            folder,
            [erased.evidence_id for erased in done],
            is_clean=lambda: not search.search(row_files(folder)).hits,
            beat=lambda: self.beat("rows"),
        )

    def _erase_files(self, erased: Erased) -> None:
        vault, stretch = Vault(self.data.evidence), erased.erasure.stretch
        with reraise_as_try_again(f"erasing {erased.evidence_id}", self.data.root):
            with exclusive_lock(vault.folder_of(erased.evidence_id)):
                for folder in _folders_of(vault, erased.evidence_id):
                    paths = sorted(folder.rglob("*"))
                    erased.files += [f"{folder.name}/{path.name}" for path in paths]
                    _remove(folder)
                for path in vault.folder.glob(f"{RE_ENCRYPTED}{erased.evidence_id}-*"):
                    path.unlink(missing_ok=True)  # what a killed process left
            for path in (self.data.root / name for name in erased.erasure.others):
                if path.exists():
                    erased.files.append(place_of(self.data, path))
                    path.unlink(missing_ok=True)
            if self.data.evidence.is_dir():
                sync_file(self.data.evidence)
            with no_new_holds(self.data.holds):
                erased.recordings, erased.kept, is_open = erase_stretch(
                    self.data.recordings, stretch, self.pins(), datetime.now(UTC)
                )
            erased.live = erase_live(self.data.live, stretch)
        if is_open:
            erased.problems.append(
                f"{erased.evidence_id}: some of its footage is still being recorded; it goes when that "
                "segment is closed"
            )

    def _is_other_footage(self, done: Sequence[Erased]) -> Callable[[Path], bool]:
        """Return what recognizes recordings of other times and cameras, which hold nothing of the records."""
        recordings, looked_into = self.data.recordings, set[Path]()
        for erased in done:
            stretch = erased.erasure.stretch
            folder = recordings / stretch.camera_id
            paths = [folder / segment.name for segment in segments_of(recordings, stretch)]
            looked_into |= {*paths, *map(encrypted_path, paths)}

        def is_other(path: Path) -> bool:
            is_segment = path.is_relative_to(recordings) and path.suffix != ".jsonl"
            return is_segment and path not in looked_into

        return is_other

    def _certify(self, erased: Erased, searched: SearchReport, report: ChainReport) -> None:
        folder = self.data.recordings / erased.erasure.stretch.camera_id
        kept = {folder / name for name, _ in erased.kept}
        shared: list[Hit] = []
        left = set()
        for hit in searched.hits:
            if hit.owner != erased.evidence_id:
                continue
            # in another record's folder: two offences on one picture share it, and both are sealed
            is_of_other = owner_of(self.data, hit.path) not in ("", erased.evidence_id)
            if hit.path in kept or is_of_other:
                shared.append(hit)
            else:
                left.add(f"{erased.evidence_id}: {hit.of} is still in {hit.path}")
        erased.problems += sorted(left)
        erased.problems += searched.unread
        if erased.problems:
            log.warning(
                "erasure_not_ended", evidence_id=erased.evidence_id, problems=erased.problems
            )
            return
        begun = report.erasing.get(erased.evidence_id)
        details: dict[str, Any] = {
            "begun_by": erased.erasure.number,
            "manifest_sha256": begun["details"]["manifest_sha256"] if begun else "",
            "removed": {
                "files": erased.files,
                "recordings": erased.recordings,
                "live": erased.live,
                "events": erased.erasure.with_events,
            },
            "kept": [{"recording": name, "why": why} for name, why in erased.kept],
            "searched": {
                "files": searched.files,
                "size_bytes": searched.size_bytes,
                "marks": len(erased.erasure.marks),
                "found": 0,
                "shared_with": count_shared(self.data, shared, erased.erasure.marks),
            },
            "exports": [
                {"at": entry["at"], "who": entry["who"], "masked": entry["details"].get("masked")}
                for entry in report.exported.get(erased.evidence_id, [])
            ],
        }
        erased.entry = self.chain.append("erased", erased.evidence_id, details)
        log.info("erased", evidence_id=erased.evidence_id, files=len(erased.files))


def unfinished(report: ChainReport) -> list[Erasure]:
    """Return erasures that were begun and not ended: killed, or their bytes were still somewhere.

    An entry of another version is passed over with a warning: it must not hold up the others.
    """
    erasures = []
    for evidence_id, entry in report.erasing.items():
        try:
            erasures.append(Erasure.from_entry(entry))
        except PutAside as error:
            log.warning("erasure_passed_over", evidence_id=evidence_id, reason=str(error))
    return erasures


def _search_of(done: Sequence[Erased], *, with_ids: bool = False) -> ResidueSearch:
    marks = [(erased.evidence_id, mark) for erased in done for mark in erased.erasure.marks]
    # a row without a picture has no vectors
    if with_ids:
        marks += [(erased.evidence_id, fingerprint_text(erased.evidence_id)) for erased in done]
    return ResidueSearch(marks)


def _remove(folder: Path) -> None:
    """Delete a folder, also one that its owner tidies up at the same time: a draft."""
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def _folders_of(vault: Vault, evidence_id: str) -> list[Path]:
    """Return the record's folder, drafts that a killed process left, and what was set aside."""
    names = (f".{evidence_id}.*", f"set-aside-{evidence_id}-*")
    drafts = [path for name in names for path in vault.folder.glob(name) if path.is_dir()]
    final = vault.folder_of(evidence_id)
    return [*([final] if final.is_dir() else []), *sorted(drafts)]
