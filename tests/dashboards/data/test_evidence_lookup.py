"""Likeness by record and by upload, with the real table and the real server."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest

from dashboards.data.evidence_lookup import EvidenceLookup, NoModelServer, RecordGone
from dashboards.data.uploaded_picture import read_picture
from dashboards.selections import SearchSelection
from dashboards.settings import ConsoleSettings
from evidence_store.search.picture_vectors import PictureVectors
from evidence_store.search.stored_table import TableDamaged
from evidence_store.search.table import EvidenceTable
from models.likeness.space import likeness_space
from models.serving.client import Embedder, connect


def test_an_empty_house_has_no_records_and_says_so_for_a_picked_one(staged):
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    assert lookup.recent(SearchSelection()) == []
    with pytest.raises(RecordGone, match="evd-1"):
        lookup.similar(SearchSelection(evidence_id="evd-1"))
    assert not staged.data.lancedb.exists()  # looking makes nothing


def test_a_table_that_is_gone_is_told_with_what_to_type(staged):
    staged.seal(staged.offence(1, "complied"), "gate-early", "complied", 10.0)
    shutil.rmtree(staged.data.lancedb)
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    with pytest.raises(TableDamaged) as told:
        lookup.recent(SearchSelection())
    assert told.value.command == f"forewarn evidence rebuild-table --data {staged.data.root}"
    assert told.value.folder == staged.data.lancedb


def test_records_that_come_later_are_found_and_the_picked_one_is_left_out(staged):
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    assert lookup.recent(SearchSelection()) == []
    ids = [
        staged.seal(staged.offence(number, "complied"), camera, "complied", 10.0)
        for number, camera in ((1, "gate-early"), (2, "gate-early"), (3, "gate-late"))
    ]
    found = lookup.similar(SearchSelection(evidence_id=ids[0]))
    assert [match.record.evidence_id for match in found.matches] == ids[1:]
    only_late = lookup.similar(SearchSelection(evidence_id=ids[0], camera_id="gate-late"))
    assert [match.record.evidence_id for match in only_late.matches] == ids[2:]


def test_the_whole_look_of_an_upload_needs_a_server(staged):
    staged.show("gate-early", 10.0)
    picture = (staged.data.live / "gate-early.jpg").read_bytes()
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    with pytest.raises(NoModelServer, match="--triton"):
        lookup.similar(SearchSelection(upload=picture, by="embedding"))


@pytest.mark.triton
def test_an_uploaded_picture_finds_the_record_of_the_same_picture(staged, triton_address):
    first, other = (
        staged.seal(staged.offence(number, "complied"), "gate-early", "complied", 10.0)
        for number in (1, 2)
    )
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site, triton=triton_address))
    picture = staged.data.evidence / first / "first.masked.jpg"

    with connect(triton_address, shared_memory=False) as connection:
        image = read_picture(picture.read_bytes(), "a")
        vector = Embedder(connection).embed([image])[0]
    table = EvidenceTable.open(staged.data.lancedb)
    seen = table.get(first)
    assert seen is not None
    table.put([replace(seen, evidence_id="evd-same", embedding=vector)])
    found = lookup.similar(SearchSelection(upload=picture.read_bytes(), by="embedding"))
    assert found.matches[0].record.evidence_id == "evd-same"
    assert found.matches[0].similarity > 0.999
    assert found.matches[0].similarity > found.matches[1].similarity
    assert other in {match.record.evidence_id for match in found.matches}


def test_records_that_the_likeness_model_described_are_compared_by_it(staged):
    ids = [
        staged.seal(staged.offence(number, "complied"), "gate-early", "complied", 10.0)
        for number in (1, 2, 3, 4)
    ]
    table = EvidenceTable.open(staged.data.lancedb)
    vectors = PictureVectors.open(staged.data.lancedb, likeness_space())
    turned = np.eye(256, dtype=np.float32)
    described = [table.get(evidence_id) for evidence_id in ids[:3]]
    vectors.put([(each, turned[n] + turned[0]) for n, each in enumerate(described)])  # type: ignore[misc]
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    found = lookup.similar(SearchSelection(evidence_id=ids[0]))
    assert (found.by_likeness, found.fitting, found.not_described) == (True, 3, 1)
    assert {match.record.evidence_id for match in found.matches} == set(ids[1:3])
    for other in (
        SearchSelection(evidence_id=ids[3]),
        SearchSelection(evidence_id=ids[0], by="appearance"),
    ):
        by_colours = lookup.similar(other)
        assert not by_colours.by_likeness and len(by_colours.matches) == 3
        assert list(by_colours.matches[0].cosines) == ["appearance"]
