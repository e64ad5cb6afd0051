"""What is held is not erased, whatever happens to files and chain."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from casework.retention.service import RetentionService, erase_due
from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.site.site import Site
from evidence_store.erasure.legal_holds import Hold, new_hold_id
from tests.support.evidence_commands import (
    EVERYTHING,
    SITE_FILE,
    erase,
    hold_on,
    run,
)
from tests.support.kept_evidence import (
    chain_of,
    keep,
    record_footage,
    remains,
)


def test_footage_that_another_hold_needs_stays_and_the_certificate_says_so(data: DataDir) -> None:
    gone, other = keep(data, 1), keep(data, 2)
    _, shows_it, _ = record_footage(data, gone)
    around = timedelta(minutes=5)
    begins = gone.record.first_seen_at
    footage = Hold(
        new_hold_id(), "", "gate", begins - around, begins + around, "police request", "lawyer"
    )
    RetentionService.open(data, data.keys).holds.place(footage)
    result = erase(data, gone, "--json")
    assert result.exit_code == 0, result.output
    certificate = json.loads(result.stdout)["certificate"]
    assert (data.recordings / "gate" / shows_it.name).exists()
    kept = {each["recording"]: each["why"] for each in certificate["kept"]}
    assert "police request" in kept[shows_it.name]
    pieces = certificate["searched"]["shared_with"][f"recordings/gate/{shows_it.name}"]
    assert {*pieces} == {"clip.mp4"} and len({*pieces["clip.mp4"].split("/")}) == 1
    assert remains(data, other) == EVERYTHING
    assert run(data, "release", footage.hold_id, "--reason", "request withdrawn").exit_code == 0
    assert run(data, "retention", SITE_FILE, "--apply").exit_code == 0
    assert not (data.recordings / "gate" / shows_it.name).exists()
    last = chain_of(data).about(gone.evidence_id)[-1]
    assert last["kind"] == "footage erased" and shows_it.name in last["details"]["recordings"]
    assert remains(data, gone) == set()


def test_what_is_held_is_not_erased_by_hand_nor_by_its_term(data: DataDir, site: Site) -> None:
    held, loose = keep(data, 1), keep(data, 2)
    service = RetentionService.open(data, data.keys)
    service.holds.place(hold_on(held))
    refused = erase(data, held)
    assert isinstance(refused.exception, PutAside) and "legal department" in str(refused.exception)
    service.reread()
    done = erase_due(service, site, datetime.now(UTC) + timedelta(days=40))
    assert [each.evidence_id for each in done] == [loose.evidence_id]
    assert remains(data, held) == EVERYTHING
    released = run(data, "release", held.evidence_id, "--reason", "case 17 closed")
    assert released.exit_code == 0, released.output
    assert erase(data, held).exit_code == 0
    assert remains(data, held) == set()


def test_a_hold_ends_with_its_term_and_the_chain_says_so(data: DataDir, site: Site) -> None:
    kept = keep(data, 1)
    service = RetentionService.open(data, data.keys)
    service.holds.place(hold_on(kept, until=datetime.now(UTC) - timedelta(seconds=1)))
    service.reread()
    assert [hold.evidence_id for hold in service.standing_holds()] == [kept.evidence_id]
    service.mend()
    assert service.standing_holds() == []
    last = chain_of(data).about(kept.evidence_id)[-1]
    assert (last["kind"], last["details"]["reason"]) == ("released", "its term is over")


def test_a_hold_whose_file_was_removed_still_holds(data: DataDir) -> None:
    kept = keep(data, 1)
    service = RetentionService.open(data, data.keys)
    service.holds.place(hold_on(kept))
    for path in data.holds.glob("*.json"):
        path.unlink()
    assert isinstance(erase(data, kept).exception, PutAside)
    service.reread()
    service.mend()
    assert len([*data.holds.glob("hld-*.json")]) == 1


def test_nothing_is_erased_while_the_chain_does_not_hold(data: DataDir) -> None:
    kept = keep(data, 1)
    lines = data.custody.read_bytes().splitlines(keepends=True)
    data.custody.write_bytes(lines[0].replace(b"sealed", b"SEALED") + b"".join(lines[1:]))
    refused = erase(data, kept)
    assert isinstance(refused.exception, Stop) and "does not hold" in str(refused.exception)
    assert remains(data, kept) == EVERYTHING
    assert erase(data, kept, "--despite-broken-chain").exit_code == 0
    assert remains(data, kept) == set()
