from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import PutAside, Stop, TryAgain
from domain.events.catalog import EvidenceFile
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE, EvidenceRecord
from evidence_store.search import maintenance
from evidence_store.search.filters import RecordFilter
from evidence_store.search.lance import connect
from evidence_store.search.schema import from_arrow, to_arrow
from evidence_store.search.table import TIDY_EVERY_ROWS, EvidenceTable

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]


def record(number: int) -> EvidenceRecord:
    rng = np.random.default_rng(number)
    embedding = rng.normal(size=EMBEDDING_SIZE).astype(np.float32)
    appearance = rng.random(APPEARANCE_SIZE).astype(np.float32)
    return EvidenceRecord(
        evidence_id=f"evd-{number:016x}",
        offence_id=f"ofc-{number:016x}",
        site_id="campus",
        camera_id=f"gate-{number % 2}",
        zone_id="forecourt",
        rule_id="no-lingering",
        subject_id=f"gate/{number}",
        outcome=("complied", "escalated", "lapsed")[number % 3],
        first_seen_at=START + timedelta(seconds=number),
        ended_at=START + timedelta(seconds=number + 9.5),
        dwell_s=9.5,
        rungs_spoken=number % 4,
        best_score=0.5,
        subject_height_px=100.0,
        clip_duration_s=15.5,
        clip_from_at=START + timedelta(seconds=number - 3),
        complete=number % 2 == 0,
        missing=() if number % 2 == 0 else ("clip: 没有录像", "snapshot: none"),
        files=(EvidenceFile(name="clip.mp4", role="clip", sha256="ab" * 32, size_bytes=number),),
        embedding=embedding / np.linalg.norm(embedding),
        appearance=appearance / np.linalg.norm(appearance),
        model_versions="detector=0123456789ab",
        software_version="0.1.0",
        category="street/loitering" if number % 5 else "",
    )


def facts_of(record: EvidenceRecord) -> dict[str, object]:
    """Return everything of a record but its vectors."""
    names = [each.name for each in fields(record) if each.name not in ("embedding", "appearance")]
    return {name: getattr(record, name) for name in names}


def assert_same(one: EvidenceRecord | None, other: EvidenceRecord) -> None:
    assert one is not None
    assert np.array_equal(one.embedding, other.embedding)
    assert np.array_equal(one.appearance, other.appearance)
    assert facts_of(one) == facts_of(other)


def test_a_record_comes_back_as_it_went_in(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    assert table.put([record(3), record(4)]) == 2
    assert_same(table.get(record(3).evidence_id), record(3))
    assert_same(table.get(record(4).evidence_id), record(4))
    assert table.get("evd-none") is None


@given(st.lists(st.integers(0, 50), max_size=4, unique=True))
def test_records_survive_arrow(numbers: list[int]) -> None:
    for before, after in zip(
        map(record, numbers), from_arrow(to_arrow(map(record, numbers))), strict=True
    ):
        assert_same(after, before)


def test_the_same_record_again_changes_nothing(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    assert table.put([record(1)]) == 1
    assert table.put([replace(record(1), dwell_s=1.0), record(2)]) == 1
    assert table.count() == 2
    assert_same(table.get(record(1).evidence_id), record(1))


def test_rows_are_listed_newest_first_and_by_facts(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    table.put([record(number) for number in range(12)])

    def numbers(found: list[EvidenceRecord]) -> list[int]:
        return [int(each.evidence_id[4:], 16) for each in found]

    assert numbers(table.newest(limit=3)) == [11, 10, 9]
    assert numbers(table.newest(RecordFilter(camera_id="gate-1", outcome="escalated"))) == [7, 1]
    assert numbers(table.newest(RecordFilter(from_at=START + timedelta(seconds=19)))) == [11, 10]
    assert table.newest(RecordFilter(camera_id="gate-1' OR 'a'='a")) == []


def test_beside_a_record_stand_those_that_ended_before_and_after_it(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    at_once = [replace(record(number), ended_at=record(4).ended_at) for number in (4, 5, 6)]
    table.put([record(2), *at_once, record(9)])
    order = [each.evidence_id for each in table.newest()]
    for place, evidence_id in enumerate(order):
        here = table.get(evidence_id)
        assert here is not None
        newer = order[place - 1] if place else ""
        older = order[place + 1] if place + 1 < len(order) else ""
        assert table.beside(here) == (older, newer)


def test_search_finds_the_likest_first_within_the_facts_asked_for(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    table.put([record(number) for number in range(20)])
    wanted = record(5)
    found = table.search(wanted.embedding * 7, k=4).matches
    assert found[0].record.evidence_id == wanted.evidence_id
    assert found[0].similarity == pytest.approx(1.0, abs=1e-5)
    exact = sorted((float(record(n).embedding @ wanted.embedding) for n in range(20)), reverse=True)
    assert [each.similarity for each in found] == pytest.approx(exact[:4], abs=1e-5)
    gate_0 = RecordFilter(camera_id="gate-0")
    by_colour = table.search(wanted.appearance, by="appearance", k=20, record_filter=gate_0).matches
    assert len(by_colour) == 10
    assert {each.record.camera_id for each in by_colour} == {"gate-0"}


def test_a_record_without_a_picture_is_kept_but_resembles_nobody(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    blank = replace(record(1), embedding=np.zeros(EMBEDDING_SIZE, np.float32))
    table.put([blank, record(2)])
    assert len(table.newest()) == 2
    found = table.search(record(2).embedding).matches
    assert [each.record.evidence_id for each in found] == [record(2).evidence_id]


@pytest.mark.parametrize(
    "bad", [np.zeros(EMBEDDING_SIZE), np.ones(3), np.full(EMBEDDING_SIZE, np.nan)]
)
def test_a_vector_without_direction_is_refused(tmp_path: Path, bad: np.ndarray) -> None:
    with pytest.raises(PutAside, match="1280"):
        EvidenceTable.open(tmp_path).search(bad)


def test_a_record_that_does_not_fit_is_refused_and_takes_no_other_with_it(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    for bad in (
        replace(record(1), embedding=np.full(EMBEDDING_SIZE, np.nan, np.float32)),
        replace(record(1), ended_at=datetime(2026, 1, 1)),
        replace(record(1), rungs_spoken=cast(int, "two")),
    ):
        with pytest.raises(PutAside):
            table.put([record(2), bad])
    assert table.count() == 0


def test_no_table_yet_is_a_table_without_rows(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path / "nothing", create=False)
    assert (table.count(), table.newest(), table.get("evd-x")) == (0, [], None)
    assert table.search(record(1).embedding).matches == ()
    assert table.facts().num_rows == 0
    assert not (tmp_path / "nothing").exists(), "looking makes nothing"
    with pytest.raises(Stop, match="is missing"):
        table.put([record(1)])


def test_a_table_of_another_version_is_named_and_left_alone(tmp_path: Path) -> None:
    connect(tmp_path).create_table("evidence", pa.table({"evidence_id": ["a"]}))
    with pytest.raises(Stop, match="another version"):
        EvidenceTable.open(tmp_path)


def test_facts_hold_every_row_and_the_lengths_of_its_vectors(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path)
    table.put([record(number) for number in range(30)])
    facts = table.facts()
    assert facts.num_rows == 30
    assert "embedding" not in facts.column_names
    assert facts.column("embedding_norm").to_pylist() == pytest.approx([1.0] * 30, abs=1e-5)


def test_another_handle_sees_what_was_written_and_optimizing_loses_nothing(tmp_path: Path) -> None:
    reader, writer = EvidenceTable.open(tmp_path), EvidenceTable.open(tmp_path)
    for number in range(8):
        writer.put([record(number)])
        assert reader.count() == number + 1
    writer.optimize()
    assert reader.count() == 8
    assert_same(reader.get(record(7).evidence_id), record(7))


def test_tidying_that_somebody_came_before_costs_no_rows_and_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before: TableDamaged, which ended the program that wrote, told people to make the table anew."""
    table = EvidenceTable.open(tmp_path)
    table.put([record(0)])

    def preempted(*_: object, **__: object) -> None:
        raise RuntimeError("lance error: Retryable commit conflict for version 86: … preempted")

    monkeypatch.setattr("lancedb.table.LanceTable.optimize", preempted)
    monkeypatch.setattr("evidence_store.search.table.TIDY_EVERY_ROWS", 1)
    assert table.put([record(1)]) == 1
    assert table.count() == 2
    with pytest.raises(TryAgain, match="could not be tidied"):
        table.optimize()
    stored = table._stored.needed()
    assert maintenance._could_tidy(stored), "a conflict says nothing about an index"
    broken = Mock(side_effect=RuntimeError("index is broken"))
    monkeypatch.setattr("lancedb.table.LanceTable.optimize", broken)
    assert not maintenance._could_tidy(stored)


WRITER = """
import sys
from pathlib import Path
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("cases", sys.argv[1])
cases = module_from_spec(spec); spec.loader.exec_module(cases)
table = cases.EvidenceTable.open(Path(sys.argv[2]))
for start in range(0, int(sys.argv[3]), 5):
    table.put([cases.record(number) for number in range(start, start + 5)])
    print(start + 5, flush=True)
"""


def test_the_writer_tidies_up_after_itself(tmp_path: Path) -> None:
    table = EvidenceTable.open(tmp_path / "lancedb")
    for number in range(TIDY_EVERY_ROWS + 3):
        table.put([record(number)])
    assert table.count() == TIDY_EVERY_ROWS + 3
    assert len(table.newest(limit=100)) == TIDY_EVERY_ROWS + 3
    assert table.facts().num_rows == TIDY_EVERY_ROWS + 3
    assert table.fragments() < 10


def start_writer(folder: Path, rows: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, __file__, str(folder), str(rows)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )


def test_two_processes_that_write_the_same_records_make_no_duplicates(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, 100) for _ in range(2)]
    for writer in writers:
        out, _ = writer.communicate(timeout=120)
        assert writer.returncode == 0 and out.split()[-1] == "100"
    table = EvidenceTable.open(tmp_path)
    ids = table.facts().column("evidence_id").to_pylist()
    assert len(ids) == len(set(ids)) == 100


def test_kill_9_loses_no_acknowledged_row_and_doubles_none(tmp_path: Path) -> None:
    acknowledged = 0
    for stop_after in (10, 35, 60):
        writer = start_writer(tmp_path, 10_000)
        assert writer.stdout is not None
        for line in writer.stdout:
            acknowledged = max(acknowledged, int(line))
            if int(line) >= stop_after:
                break
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    ids = EvidenceTable.open(tmp_path).facts().column("evidence_id").to_pylist()
    assert len(ids) == len(set(ids))
    assert {record(number).evidence_id for number in range(acknowledged)} <= set(ids)
    assert acknowledged >= 60
