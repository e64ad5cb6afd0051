from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence_store.erasure import residue_search
from evidence_store.erasure.residue_search import (
    Fingerprint,
    ResidueSearch,
    files_below,
    fingerprint_bytes,
    fingerprint_file,
)


@settings(max_examples=30, deadline=None)
@given(before=st.binary(max_size=300), after=st.binary(max_size=300), seed=st.integers(0, 999))
def test_a_piece_is_found_wherever_it_lies(
    tmp_path_factory: pytest.TempPathFactory, before: bytes, after: bytes, seed: int
) -> None:
    import numpy as np

    content = np.random.default_rng(seed).integers(0, 256, 4000, np.uint8).tobytes()
    marks = fingerprint_bytes("it", content)
    folder = tmp_path_factory.mktemp("found")
    (folder / "holds").write_bytes(before + content + after)
    (folder / "holds not").write_bytes(before + after)
    report = ResidueSearch(("evd", each) for each in marks).search(files_below(folder))
    assert marks
    assert {(hit.of, hit.path.name) for hit in report.hits} == {("it", "holds")}
    assert len(report.hits) == len(marks)
    assert report.files == 2


def test_a_piece_across_two_blocks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(residue_search, "_BLOCK_BYTES", 100)
    content = os.urandom(residue_search.MARK_BYTES)
    marks = fingerprint_bytes("it", content)
    for place in range(60, 101):
        path = tmp_path / str(place)
        path.write_bytes(bytes(place) + content + bytes(30))
        hits = ResidueSearch(("evd", each) for each in marks).search([path]).hits
        assert len(hits) == len(marks)


def test_flat_content_gives_no_marks_that_would_be_found_anywhere() -> None:
    assert fingerprint_bytes("zeros", bytes(5000)) == []
    assert fingerprint_file("flat", io.BytesIO(b"\xff\xd8" * 9000), 18000) == []


def test_a_mark_on_record_does_not_hold_what_it_stands_for() -> None:
    content = os.urandom(5000)
    for mark in fingerprint_bytes("it", content):
        values = mark.to_json()
        assert Fingerprint.from_json(values) == mark
        assert len(mark.starts) == residue_search.STARTS_BYTES
        at = content.index(mark.starts)
        assert content[at : at + 12].hex() not in str(values)


def test_a_file_that_cannot_be_looked_into_is_named(tmp_path: Path) -> None:
    marks = fingerprint_bytes("it", os.urandom(200))
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    report = ResidueSearch(("evd", each) for each in marks).search([tmp_path, tmp_path / "missing"])
    assert len(report.unread) == 1
    assert "cannot be read" in report.unread[0]
    assert [*files_below(tmp_path)] == []
