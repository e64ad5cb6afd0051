"""The vault: one folder for each sealed record, complete from the moment it has its name.

A record is made in a hidden folder beside it, hashed, flushed to the disk, then renamed. Its
numbers.json holds everything the table's row says, so that the table can be made anew from the
vault. Nothing in a sealed folder is ever changed.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import structlog

from domain.errors import PutAside, TryAgain
from domain.events import EvidenceFile
from domain.evidence import EvidenceRecord
from evidence_store.keys import Signer
from evidence_store.manifest import facts_of, write_seal
from evidence_store.whole_files import sha256_of, sync_file, sync_folder

log = structlog.get_logger()

NUMBERS_NAME = "numbers.json"
FORMAT = "forewarn evidence 1"
EVIDENCE_ID = re.compile(r"evd-[0-9a-f]{16}")
_TIMES = ("first_seen_at", "ended_at", "clip_from_at")
_VECTORS = ("embedding", "appearance")


class Vault:
    """Sealed records in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def folder_of(self, evidence_id: str) -> Path:
        """Where a record's files lie, or would lie.

        Raises:
            PutAside: it is no evidence id.
        """
        if not EVIDENCE_ID.fullmatch(evidence_id):
            raise PutAside(
                f"an evidence id looks like evd-0123456789abcdef, got {evidence_id[:60]!r}; "
                "`forewarn evidence list` shows them"
            )
        return self.folder / evidence_id

    def ids(self) -> list[str]:
        """Ids of all sealed records."""
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        return sorted(name for name in names if EVIDENCE_ID.fullmatch(name))

    @contextmanager
    def draft(self, evidence_id: str) -> Iterator[Path]:
        """An empty folder to put a record's files in; gone afterwards unless sealed.

        Raises:
            TryAgain: the disk is full, or the folder cannot be written.
        """
        final = self.folder_of(evidence_id)
        with saying_what_failed(f"evidence {evidence_id}", final):
            self.folder.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=f".{evidence_id}.", dir=self.folder))
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)

    def seal(
        self,
        folder: Path,
        record: EvidenceRecord,
        roles: Mapping[str, str],
        story: Mapping[str, Any],
        signer: Signer | None = None,
    ) -> EvidenceRecord:
        """Hash a draft's files, write numbers and manifest, sign, and give the folder its name.

        Args:
            record: `files` is ignored and filled in.
            roles: file name -> role, for each file in the draft.
            story: what else numbers.json should hold (offence, rule, history); JSON values.
            signer: the site's key; None leaves the record visibly unsigned.
        Returns:
            the record with its files. Where another process has sealed the same record
            meanwhile, that one.
        Raises:
            TryAgain: the disk is full, or the folder cannot be written.
            PutAside: the facts cannot be written as canonical JSON.
        """
        final = self.folder_of(record.evidence_id)
        with saying_what_failed(f"evidence {record.evidence_id}", final):
            files = tuple(_vouch(folder / name, role) for name, role in sorted(roles.items()))
            sealed = replace(record, files=files)
            numbers = folder / NUMBERS_NAME
            numbers.write_text(_as_json(sealed, story), encoding="utf-8")
            sealed = replace(sealed, files=(*files, _vouch(numbers, "numbers")))
            write_seal(
                folder, sealed, sealed.files, json.loads(numbers.read_bytes())["story"], signer
            )
            for path in folder.iterdir():
                path.chmod(0o444)
                sync_file(path)
            folder.chmod(0o755)
            sync_folder(folder)
            try:
                folder.rename(final)
            except OSError:
                faster = self.read(record.evidence_id)
                if faster is None:
                    raise
                return faster
            sync_folder(self.folder)
        return sealed

    def read(self, evidence_id: str) -> EvidenceRecord | None:
        """A sealed record as its own numbers.json tells it; None where there is none (readable).

        Says nothing about whether the files are still the same: `verify_record` does.
        """
        path = self.folder_of(evidence_id) / NUMBERS_NAME
        try:
            numbers = json.loads(path.read_bytes())
            record = _as_record(numbers)
            return replace(record, files=(*record.files, _vouch(path, "numbers")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def story(self, evidence_id: str) -> dict[str, Any]:
        """What numbers.json holds beside the record itself; {} where there is none (readable)."""
        try:
            numbers = json.loads((self.folder_of(evidence_id) / NUMBERS_NAME).read_bytes())
            return dict(numbers["story"])
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def set_aside(self, evidence_id: str) -> Path:
        """Move a record that does not verify out of the way, keeping every byte of it."""
        final = self.folder_of(evidence_id)
        with saying_what_failed(f"evidence {evidence_id}", final):
            aside = Path(tempfile.mkdtemp(prefix=f"set-aside-{evidence_id}-", dir=self.folder))
            final.rename(aside / evidence_id)
            sync_folder(self.folder)
        log.warning("evidence_set_aside", evidence_id=evidence_id, folder=str(aside))
        return aside


@contextmanager
def saying_what_failed(what: str, where: Path) -> Iterator[None]:
    """Turn errors of the disk into TryAgain: space, permissions and mounts come back."""
    try:
        yield
    except OSError as error:
        raise TryAgain(
            f"{what}: cannot be written to {where}: {error.strerror or error}; "
            "is the disk full or read-only?"
        ) from error


def _vouch(path: Path, role: str) -> EvidenceFile:
    return EvidenceFile.model_validate(
        {
            "name": path.name,
            "role": role,
            "sha256": sha256_of(path),
            "size_bytes": path.stat().st_size,
        }
    )


def _as_json(record: EvidenceRecord, story: Mapping[str, Any]) -> str:
    numbers = {
        "format": FORMAT,
        "record": facts_of(record),
        "files": [file.model_dump() for file in record.files],
        "vectors": {
            "encoding": "base64 of little-endian float32",
            **{name: _pack(getattr(record, name)) for name in _VECTORS},
        },
        "story": story,
    }
    return json.dumps(numbers, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _as_record(numbers: dict[str, Any]) -> EvidenceRecord:
    facts = dict(numbers["record"])
    for name in _TIMES:
        facts[name] = datetime.fromisoformat(facts[name])
    facts["missing"] = tuple(facts["missing"])
    return EvidenceRecord(
        **facts,
        files=tuple(EvidenceFile.model_validate(file) for file in numbers["files"]),
        embedding=_unpack(numbers["vectors"]["embedding"]),
        appearance=_unpack(numbers["vectors"]["appearance"]),
    )


def _pack(vector: np.ndarray) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")


def _unpack(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)
