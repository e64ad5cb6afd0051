"""Erasing, with real LanceDB, SQLite and files: what counts is what is found on the disk afterwards."""

from __future__ import annotations

import json

import pytest

from casework.retention.service import RetentionService
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.events.catalog import Event, NotificationRequested
from event_log.log import EventLog
from evidence_store.custody.chain_check import ChainReport
from evidence_store.erasure.erasure_request import Request
from evidence_store.erasure.legal_holds import no_new_holds
from evidence_store.keys.encryption_keys import EncryptionKeyFolder
from evidence_store.search.picture_vectors import PictureVectors, VectorSpace
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.open_vault import open_vault
from models.likeness.space import likeness_space
from tests.support.evidence_commands import (
    EVERYTHING,
    SITE_FILE,
    erase,
    run,
)
from tests.support.example_events import one_of_each
from tests.support.kept_evidence import (
    chain_of,
    keep,
    noise,
    raw_files_with,
    record_footage,
    remains,
    unit_vector,
)


def test_nothing_of_an_erased_record_is_left_on_the_disk_and_the_chain_certifies_it(
    data: DataDir,
) -> None:
    gone, stays = keep(data, 1), keep(data, 2)
    record_footage(data, gone)
    assert remains(data, gone) == remains(data, stays) == EVERYTHING
    result = erase(data, gone, "--json")
    assert result.exit_code == 0, result.output
    assert remains(data, gone) == set()
    assert remains(data, stays) == EVERYTHING
    assert raw_files_with(data, gone.record.embedding.tobytes()[:200]) == []
    output = json.loads(result.stdout)
    assert output["erased"] and output["certificate"]["searched"]["found"] == 0
    assert output["certificate"]["searched"]["marks"] > 20
    begun, ended = [
        entry
        for entry in chain_of(data).about(gone.evidence_id)
        if entry["kind"] in ("erasing", "erased")
    ]
    assert begun["details"]["reason"] == "request 4" and begun["details"]["by"] == "officer"
    hashes = {each["name"]: each["sha256"] for each in begun["details"]["files"]}
    assert {"clip.mp4", "first.jpg", "numbers.json", "manifest.json"} <= hashes.keys()
    assert ended["number"] == output["custody_number"] and ended["signature"]
    assert EvidenceTable.open(data.lancedb).count() == 1


def test_two_who_erase_the_same_record_leave_one_certificate(data: DataDir) -> None:
    """The second read the chain while the first was at it, and gets its turn afterwards."""
    gone = keep(data, 1)
    chain = chain_of(data)
    first, second = (
        RetentionService(data, chain, open_vault(data), ChainReport()) for _ in range(2)
    )
    with no_new_holds(data.holds):
        first._begin([Request(gone.evidence_id, "request 4", "office")])
    second.reread()
    (ended,) = first.finish()
    (late,) = second.finish()
    assert ended.entry is not None and late.entry == ended.entry
    kinds = [entry["kind"] for entry in chain.about(gone.evidence_id)]
    assert kinds.count("erasing") == kinds.count("erased") == 1
    assert run(data, "verify").exit_code == 0


def test_what_is_still_somewhere_is_named_and_not_certified(data: DataDir) -> None:
    gone = keep(data, 1)
    copy = data.root / "somebody's copy.bin"
    copy.write_bytes(b"before" + gone.clip + b"after")
    result = erase(data, gone)
    assert result.exit_code == 1
    assert copy.name in result.output and "clip.mp4" in result.output
    assert "erased" not in {each["kind"] for each in chain_of(data).about(gone.evidence_id)}
    assert run(data, "verify").exit_code == 0  # it is on record that it goes
    copy.unlink()
    again = run(data, "retention", SITE_FILE, "--apply")
    assert again.exit_code == 0, again.output
    assert chain_of(data).about(gone.evidence_id)[-1]["kind"] == "erased"


@pytest.mark.parametrize("space", [VectorSpace("clip_tiny", "ab" * 32, 64), likeness_space()])
def test_vectors_of_other_models_go_as_well(data: DataDir, space: VectorSpace) -> None:
    gone, stays = keep(data, 1), keep(data, 2)
    seen = {each.evidence_id: unit_vector(each.evidence_id, space.size) for each in (gone, stays)}
    pairs = PictureVectors.open(data.lancedb, space)
    pairs.put([(each.record, seen[each.evidence_id]) for each in (gone, stays)])
    pairs.keep_up()
    canary = seen[gone.evidence_id].tobytes()[64:128]
    assert raw_files_with(data, canary)
    assert erase(data, gone).exit_code == 0
    assert raw_files_with(data, canary) == []
    assert pairs.ids() == {stays.evidence_id}
    assert remains(data, stays) == EVERYTHING


def test_it_asks_before_it_erases(data: DataDir) -> None:
    kept = keep(data, 1)
    words = ("erase", "--evidence", kept.evidence_id, "--reason", "request 4")
    assert run(data, *words, answer="n\n").exit_code == 1
    assert remains(data, kept) == EVERYTHING
    assert isinstance(run(data, *words[:3], answer="y\n").exception, Stop)
    assert run(data, *words, answer="y\n").exit_code == 0
    assert remains(data, kept) == set()


def test_the_story_stays_unless_it_is_asked_for(data: DataDir) -> None:
    from tests.support.example_events import warned_event

    gone = keep(data, 1)
    offence_id = gone.record.offence_id
    event = warned_event()
    payload = event.data.model_copy(update={"offence_id": offence_id})
    with EventLog.open(data.events_db) as log:
        log.append([type(event)("evt-story", event.source, offence_id, event.time, payload)])
    assert erase(data, gone).exit_code == 0
    assert data.events_db in raw_files_with(data, b"evt-story")
    again = keep(data, 2)
    payload = event.data.model_copy(update={"offence_id": again.record.offence_id})
    with EventLog.open(data.events_db) as log:
        log.append(
            [
                type(event)(
                    "evt-other-story", event.source, again.record.offence_id, event.time, payload
                )
            ]
        )
    assert erase(data, again, "--with-events").exit_code == 0
    assert raw_files_with(data, b"evt-other-story") == []
    with EventLog.open(data.events_db) as log:
        assert log.find("evt-story") is not None


def test_originals_that_are_encrypted_go_as_well(data: DataDir) -> None:
    EncryptionKeyFolder(data.keys).create()
    gone = keep(data, 1, vault=open_vault(data, data.keys))
    (encrypted,) = (data.evidence / gone.evidence_id).glob("clip.mp4*")
    assert encrypted.suffix == ".enc" and "clip" not in remains(data, gone)
    stored = encrypted.read_bytes()[20_000:20_100]
    plain_copy = data.root / "a plain copy.bin"
    plain_copy.write_bytes(gone.clip)
    first = erase(data, gone)
    assert (
        first.exit_code == 1 and plain_copy.name in first.output
    )  # what it held is looked for, too
    assert raw_files_with(data, stored) == []
    plain_copy.unlink()
    assert run(data, "retention", SITE_FILE, "--apply").exit_code == 0
    assert chain_of(data).about(gone.evidence_id)[-1]["kind"] == "erased"


def test_pictures_of_messages_go_with_the_record(data: DataDir) -> None:
    gone = keep(data, 1)
    example = next(
        each for each in one_of_each() if each.data.event_type == NotificationRequested.event_type
    )
    payload = example.data.model_copy(update={"offence_id": gone.record.offence_id})
    asked = Event("evt-asked", example.source, gone.record.offence_id, example.time, payload)
    with EventLog.open(data.events_db) as log:
        log.append([asked])
    picture = data.notifications / "pictures" / "evt-asked.jpg"
    picture.parent.mkdir(parents=True)
    content = noise("message", 9000)
    picture.write_bytes(content)
    assert raw_files_with(data, content[5000:5100]) == [picture]
    assert erase(data, gone).exit_code == 0
    assert raw_files_with(data, content[5000:5100]) == []


def test_drafts_and_copies_set_aside_go_with_the_record(data: DataDir) -> None:
    gone = keep(data, 1)
    for name in (f".{gone.evidence_id}.killed", f"set-aside-{gone.evidence_id}-x"):
        (data.evidence / name / "deep").mkdir(parents=True)
        (data.evidence / name / "deep" / "clip.mp4").write_bytes(gone.clip)
    assert erase(data, gone).exit_code == 0
    assert [*data.evidence.iterdir()] == []
