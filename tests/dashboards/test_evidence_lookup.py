"""Likeness by record and by upload, with the real table and the real server."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboards.evidence_lookup import EvidenceLookup, NoModelServer, RecordGone
from dashboards.picks import SearchPick
from dashboards.picture import read_picture
from dashboards.settings import ConsoleSettings
from evidence_store.table import EvidenceTable
from models.serving.client import Embedder, connect


def test_an_empty_house_has_no_records_and_says_so_for_a_picked_one(staged):
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    assert lookup.recent(SearchPick()) == []
    with pytest.raises(RecordGone, match="evd-1"):
        lookup.similar(SearchPick(evidence_id="evd-1"))
    assert not staged.data.lancedb.exists()  # looking makes nothing


def test_records_that_come_later_are_found_and_the_picked_one_is_left_out(staged):
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    assert lookup.recent(SearchPick()) == []
    ids = [
        staged.seal(staged.offence(number, "complied"), camera, "complied", 10.0)
        for number, camera in ((1, "gate-early"), (2, "gate-early"), (3, "gate-late"))
    ]
    found = lookup.similar(SearchPick(evidence_id=ids[0]))
    assert [match.record.evidence_id for match in found.matches] == ids[1:]
    only_late = lookup.similar(SearchPick(evidence_id=ids[0], camera_id="gate-late"))
    assert [match.record.evidence_id for match in only_late.matches] == ids[2:]


def test_the_whole_look_of_an_upload_needs_a_server(staged):
    staged.show("gate-early", 10.0)
    picture = (staged.data.live / "gate-early.jpg").read_bytes()
    lookup = EvidenceLookup(ConsoleSettings(staged.data, staged.site))
    with pytest.raises(NoModelServer, match="--triton"):
        lookup.similar(SearchPick(upload=picture, by="embedding"))


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
    found = lookup.similar(SearchPick(upload=picture.read_bytes(), by="embedding"))
    assert found.matches[0].record.evidence_id == "evd-same"
    assert found.matches[0].similarity > 0.999
    assert found.matches[0].similarity > found.matches[1].similarity
    assert other in {match.record.evidence_id for match in found.matches}
