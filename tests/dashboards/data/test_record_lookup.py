"""Any record is opened by its id, and what cannot be shown is told from what is not there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dashboards.data.evidence_lookup import EvidenceLookup
from dashboards.data.record_lookup import RecordFault, RecordLookup
from dashboards.settings import ConsoleSettings
from domain.data_dir import DataDir
from domain.ids import mint
from evidence_store.erasure.legal_holds import Hold, Holds, new_hold_id
from evidence_store.search.stored_table import TableDamaged
from evidence_store.vault.vault import Vault
from tests.support.kept_evidence import Kept, chain_of, keep


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


def lookup_of(data: DataDir) -> RecordLookup:
    settings = ConsoleSettings(data)
    return RecordLookup(settings, Vault(data.evidence), EvidenceLookup(settings))


def fault_of(data: DataDir, wanted: str) -> RecordFault:
    with pytest.raises(RecordFault) as told:
        lookup_of(data).open(wanted)
    return told.value


def hold_of(kept: Kept) -> Hold:
    began = kept.record.first_seen_at
    return Hold(
        *(new_hold_id(), kept.evidence_id, "gate", began, began + timedelta(seconds=9)),
        *("appeal 17", "legal department"),
    )


def test_a_record_is_opened_by_its_own_id_and_by_its_offences_without_the_table(data) -> None:
    kept = keep(data, 1, is_listed=False)
    for wanted in (kept.evidence_id, kept.record.offence_id):
        stored = lookup_of(data).open(wanted)
        assert stored.evidence_id == kept.evidence_id
        assert [entry["kind"] for entry in stored.entries] == ["sealed"]
        assert len(stored.manifest_sha256) == 64
        assert stored.key_id


@pytest.mark.parametrize("wanted", ["evd-0123456789abcdef", "evd-1", "../people.yaml", ""])
def test_an_id_that_no_record_has_is_unknown(data, wanted) -> None:
    assert fault_of(data, wanted).key == "unknown"


def test_an_offence_without_a_record_leads_back_to_the_offence(staged) -> None:
    offence_id = staged.offence(4, None)
    told = fault_of(staged.data, offence_id)
    assert (told.key, told.offence_id) == ("not_sealed", offence_id)
    assert fault_of(staged.data, mint("ofc", "nobody's")).key == "unknown"


@pytest.mark.parametrize("kind", ["erasing", "erased"])
def test_nothing_is_shown_of_what_is_erased_or_being_erased(data, kind) -> None:
    kept = keep(data, 1, is_listed=False)
    entry = chain_of(data).append(kind, kept.evidence_id, {"reason": "its term is over"})
    told = fault_of(data, kept.evidence_id)
    assert (told.key, told.facts["number"]) == (kind, entry["number"])


def test_a_record_whose_numbers_are_gone_is_called_damaged_not_unknown(data) -> None:
    kept = keep(data, 1, is_listed=False)
    (data.evidence / kept.evidence_id / "numbers.json").unlink()
    assert fault_of(data, kept.evidence_id).key == "damaged"


def test_a_damaged_table_hides_no_record_and_is_told_where_it_is_needed(data) -> None:
    kept = keep(data, 1, is_listed=False)
    assert lookup_of(data).open(kept.evidence_id).evidence_id == kept.evidence_id
    with pytest.raises(TableDamaged):
        lookup_of(data).beside(kept.evidence_id)
    with pytest.raises(TableDamaged):
        lookup_of(data).open("evd-0123456789abcdef")


def test_a_hold_stands_there_until_it_is_let_go(data) -> None:
    kept = keep(data, 1, is_listed=False)
    holds, hold = Holds(data.holds, chain_of(data)), hold_of(kept)
    holds.place(hold)
    assert [each.hold_id for each in lookup_of(data).open(kept.evidence_id).holds] == [hold.hold_id]
    holds.release(hold, "case closed")
    assert lookup_of(data).open(kept.evidence_id).holds == ()
