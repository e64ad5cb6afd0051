"""Evidence of one plausible offence on the sample clip, sealed for real."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from footage_files import cut_clip

from domain.data_dir import DataDir
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from domain.ids import mint
from domain.site.loading import load_site
from evidence_store.custody.chain import CustodyChain, note_sealed
from evidence_store.media.stills import encode_jpeg, grab_frame
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.vault import Vault

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BOX = (250.0, 200.0, 330.0, 340.0)

Sealer = Callable[..., EvidenceRecord]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Make an empty data folder."""
    return DataDir(tmp_path / "var")


PICTURES = (("", "snapshot"), (".masked", "masked snapshot"), (".drawn", "drawn snapshot"))


@pytest.fixture
def seal(data: DataDir, sample_clip: Path, sample_site_file: Path) -> Sealer:
    """Seal one offence in this test's folder."""
    return sealer(data, sample_clip, sample_site_file)


@pytest.fixture(scope="session")
def sealer_of(sample_clip: Path, sample_site_file: Path) -> Callable[[DataDir], Sealer]:
    """Seal offences in the folder that a test names."""
    return lambda data: sealer(data, sample_clip, sample_site_file)


def sealer(data: DataDir, sample_clip: Path, sample_site_file: Path) -> Sealer:
    """Make a function that seals one offence; keyword arguments change facts of its record.

    `picture` changes the first snapshot, `in_table=False` leaves the row out.
    """
    site = load_site(sample_site_file)
    table, vault = EvidenceTable.open(data.lancedb), Vault(data.evidence)
    frame = grab_frame(sample_clip, 10.0)

    def _seal(
        name: str,
        picture: Callable[[np.ndarray], np.ndarray] = lambda image: image,
        in_table: bool = True,
        story: dict[str, Any] | None = None,
        **changes: Any,
    ) -> EvidenceRecord:
        offence_id = mint("ofc", name)
        with vault.draft(mint("evd", offence_id)) as folder:
            clip = cut_clip(sample_clip, 7, 18, folder / "clip.mp4")
            roles = {"clip.mp4": "clip"}
            rungs = [f"rung-{n}" for n in range(1, changes.get("rungs_spoken", 1) + 1)]
            for moment in ("first", *rungs, "last"):
                for suffix, role in PICTURES:
                    (folder / f"{moment}{suffix}.jpg").write_bytes(encode_jpeg(picture(frame)))
                    roles[f"{moment}{suffix}.jpg"] = role
            record = EvidenceRecord(
                evidence_id=mint("evd", offence_id),
                offence_id=offence_id,
                site_id="campus",
                camera_id="gate-early",
                zone_id="forecourt-early",
                rule_id="no-lingering",
                subject_id="gate-early/3",
                outcome="complied",
                first_seen_at=START + timedelta(seconds=10),
                ended_at=START + timedelta(seconds=16),
                dwell_s=site.rule("no-lingering").threshold_s + 1,
                rungs_spoken=1,
                best_score=0.7,
                subject_height_px=140.0,
                clip_duration_s=clip.duration_s,
                clip_from_at=START + timedelta(seconds=clip.from_s),
                complete=True,
                missing=(),
                files=(),
                embedding=_unit(EMBEDDING_SIZE),
                appearance=_unit(APPEARANCE_SIZE),
                model_versions="detector=aaaaaaaaaaaa",
                software_version="0.1.0",
            )
            known = {each.name for each in fields(record)}
            assert set(changes) <= known, "a test changes a fact that there is not"
            sealed_story = {
                "outcome": {"data": {"first_sighting": {"box_xyxy": list(BOX)}}},
                "rule": site.rule("no-lingering").model_dump(mode="json"),
                "ladder": site.ladder("three-calls").model_dump(mode="json"),
            }
            sealed = vault.seal(
                folder, replace(record, **changes), roles, sealed_story if story is None else story
            )
        note_sealed(CustodyChain(data.custody), vault.folder_of(sealed.evidence_id), offence_id)
        if in_table:
            table.put([sealed])
        return sealed

    return _seal


def _unit(size: int) -> np.ndarray:
    return np.full(size, 1 / np.sqrt(size), np.float32)
