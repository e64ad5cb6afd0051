"""A process that writes records of the evidence table, for the benchmarks that start and kill some.

>>> python -m benchmarks.table_writer FOLDER --first 0 --count 400 --batch 10      # doctest: +SKIP

Prints, a line each: the number of records that are acknowledged, counted from 0.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from domain.events.catalog import EvidenceFile
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def record(number: int) -> EvidenceRecord:
    """Make the record of that number, always the same."""
    rng = np.random.default_rng(number)
    first_seen_at = START + timedelta(seconds=6 * number)
    vectors = {
        name: (vector / np.linalg.norm(vector)).astype(np.float32)
        for name, vector in (
            ("embedding", rng.normal(size=EMBEDDING_SIZE)),
            ("appearance", rng.random(APPEARANCE_SIZE)),
        )
    }
    made = EvidenceRecord(
        evidence_id=f"evd-{number:016x}",
        offence_id=f"ofc-{number:016x}",
        site_id="site",
        camera_id=f"cam-{number % 16}",
        zone_id="zone",
        rule_id=f"rule-{number % 3}",
        subject_id=f"cam-{number % 16}/{number // 16}",
        outcome="complied",
        first_seen_at=first_seen_at,
        ended_at=first_seen_at + timedelta(seconds=40),
        dwell_s=40.0,
        rungs_spoken=2,
        best_score=0.8,
        subject_height_px=100.0,
        clip_duration_s=46.0,
        clip_from_at=first_seen_at - timedelta(seconds=3),
        complete=True,
        missing=(),
        files=tuple(
            EvidenceFile.model_validate(
                {"name": name, "role": role, "sha256": f"{number:064x}", "size_bytes": number}
            )
            for name, role in (
                ("clip.mp4", "clip"),
                ("first.jpg", "snapshot"),
                ("first.masked.jpg", "masked snapshot"),
            )
        ),
        embedding=vectors["embedding"],
        appearance=vectors["appearance"],
        model_versions="detector=0123456789ab embedder=0123456789ab face-detector=0123456789ab",
        software_version="0.1.0",
    )
    return replace(made, category="street/loitering")


def main() -> None:
    """Write the records asked for, in order; each batch is printed once it is kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table_writer")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--batch", type=int, default=1)
    given = parser.parse_args()
    from evidence_store.search.table import EvidenceTable

    table = EvidenceTable.open(given.folder)
    end = given.first + given.count
    for first in range(given.first, end, given.batch):
        last = min(first + given.batch, end)
        table.put([record(number) for number in range(first, last)])
        print(last, flush=True)


if __name__ == "__main__":
    main()
