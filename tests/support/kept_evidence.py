"""A data folder with sealed records whose every byte can be told apart, and their footage."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import numpy as np

from domain.data_dir import DataDir
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from domain.ids import mint
from event_log.log import EventLog
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.erasure.residue_search import ResidueSearch, files_below, fingerprint_bytes
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.recordings.segment_index import Segment, SegmentIndex
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault
from tests.support.example_events import one_of_each
from tests.support.sealed_record import a_record

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SEGMENT_S = 20.0


@dataclass(frozen=True)
class Kept:
    """What was made of one record."""

    record: EvidenceRecord
    clip: bytes
    picture: bytes

    @property
    def evidence_id(self) -> str:
        return self.record.evidence_id


def noise(seed: object, size: int) -> bytes:
    """Bytes that are nowhere else."""
    return (
        np.random.default_rng(zlib.crc32(str(seed).encode()))
        .integers(0, 256, size, np.uint8)
        .tobytes()
    )


def unit_vector(seed: object, size: int) -> np.ndarray:
    """Make a unit vector in a direction that nobody else has."""
    made = np.random.default_rng(zlib.crc32(str(seed).encode())).normal(size=size)
    unit: np.ndarray = (made / np.linalg.norm(made)).astype(np.float32)
    return unit


def record_of(number: int, outcome: str = "complied") -> EvidenceRecord:
    """Make a record one minute after the one before."""
    random = np.random.default_rng(number)
    embedding = random.normal(size=EMBEDDING_SIZE).astype(np.float32)
    appearance = random.random(APPEARANCE_SIZE).astype(np.float32)
    offence_id = mint("ofc", number)
    begins = START + timedelta(minutes=number)
    return replace(
        a_record(mint("evd", offence_id)),
        offence_id=offence_id,
        outcome=outcome,
        first_seen_at=begins,
        ended_at=begins + timedelta(seconds=12),
        clip_from_at=begins - timedelta(seconds=3),
        embedding=embedding / np.linalg.norm(embedding),
        appearance=appearance / np.linalg.norm(appearance),
    )


def keep(
    data: DataDir,
    number: int,
    outcome: str = "complied",
    clip: bytes | None = None,
    vault: Vault | None = None,
    *,
    is_listed: bool = True,
) -> Kept:
    """Seal one record, tell the chain, and list it."""
    chain, vault = chain_of(data), vault or Vault(data.evidence)
    made = record_of(number, outcome)
    kept = Kept(made, clip or noise(("clip", number), 60_000), noise(("picture", number), 9_000))
    with vault.draft(made.evidence_id) as draft:
        (draft / "clip.mp4").write_bytes(kept.clip)
        (draft / "first.jpg").write_bytes(kept.picture)
        (draft / "first.masked.jpg").write_bytes(noise(("masked", number), 9_000))
        roles = {"clip.mp4": "clip", "first.jpg": "snapshot", "first.masked.jpg": "masked snapshot"}
        sealed = vault.seal(
            draft, made, roles, {"rule": {"category": "street/loitering"}}, chain.signer
        )
    note_sealed(chain, vault.folder_of(made.evidence_id), made.offence_id)
    if is_listed:
        EvidenceTable.open(data.lancedb).put([sealed])
    return kept


def chain_of(data: DataDir) -> CustodyChain:
    """Open the folder's chain, with its key."""
    keys = KeyFolder(data.keys)
    return CustodyChain(data.custody, keys.signer() if keys.has_key() else keys.create())


def record_footage(data: DataDir, kept: Kept, camera_id: str = "gate") -> list[Segment]:
    """Three segments: before the offence, with its clip inside, and after it."""
    index = SegmentIndex(data.recordings / camera_id)
    index.folder.mkdir(parents=True, exist_ok=True)
    made = []
    for place in (-3, 0, 3):
        start = kept.record.first_seen_at + timedelta(seconds=place * SEGMENT_S - 4)
        inside = kept.clip if place == 0 else b""
        content = noise((kept.evidence_id, place), 5000) + inside
        name = start.strftime("%Y%m%dT%H%M%S.%fZ") + ".mp4"
        (index.folder / name).write_bytes(content)
        end = start + timedelta(seconds=SEGMENT_S)
        made.append(
            Segment(name, "run", start, 0, Fraction(1, 1000), end, 20000, len(content), 200)
        )
        index.note_closed(made[-1])
    return made


def tell_story(data: DataDir) -> None:
    """Log one event of each type, as the log of a site at work has them."""
    with EventLog.open(data.events_db) as log:
        log.append(one_of_each())


def remains(data: DataDir, kept: Kept) -> set[str]:
    """Which parts of a record are somewhere below the data folder, by a search of our own."""
    parts = {
        "clip": kept.clip,
        "picture": kept.picture,
        "embedding": kept.record.embedding.tobytes(),
        "appearance": kept.record.appearance.tobytes(),
    }
    marks = [
        (name, mark) for name, content in parts.items() for mark in fingerprint_bytes(name, content)
    ]
    assert {name for name, _ in marks} == parts.keys()
    return {hit.owner for hit in ResidueSearch(marks).search(files_below(data.root)).hits}


def raw_files_with(data: DataDir, wanted: bytes) -> list[Path]:
    """Files below the data folder that hold some bytes, looked for in the plainest way."""
    return [path for path in files_below(data.root) if wanted in path.read_bytes()]
