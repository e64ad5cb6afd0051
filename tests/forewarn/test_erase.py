"""Erasing, with real LanceDB, SQLite and files: what counts is what is found on the disk afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from typer import Typer
from typer.testing import CliRunner, Result

from domain.data_dir import DataDir
from domain.errors import PutAside, Stop
from domain.events import Event, EvidenceErased, NotificationRequested, OffenceOpened
from domain.ids import mint
from domain.live_view import LiveView
from domain.site import Site
from domain.site_file import load_site
from event_log.examples import one_of_each
from event_log.log import EventLog
from evidence_store.due import CAME_BACK
from evidence_store.erase_footage import erase_live
from evidence_store.erasure import AlreadyErased, Request, Stretch, check_not_erased
from evidence_store.holds import Hold, new_hold_id
from evidence_store.picture_vectors import PairId, PictureVectors
from evidence_store.segments import SegmentIndex
from evidence_store.table import EvidenceTable
from evidence_store.vault import Vault
from forewarn.commands import evidence
from forewarn.keeping import Keeper
from forewarn.retaining import retain
from tests.support.kept_evidence import (
    Kept,
    chain_of,
    keep,
    noise,
    raw_files_with,
    record_footage,
    remains,
    tell_story,
    unit_vector,
)

ROOT = Path(__file__).resolve().parents[2]
APP = Typer()
APP.add_typer(evidence.app, name="evidence")
EVERYTHING = {"clip", "picture", "embedding", "appearance"}


def run(data: DataDir, *words: str, answer: str | None = None) -> Result:
    keys = ["--keys", str(data.keys)] if words[0] != "list" else []
    return CliRunner().invoke(
        APP,
        ["evidence", *words, *keys, "--data", str(data.root)],
        env={"COLUMNS": "200", "FOREWARN_KEYS": ""},
        input=answer,
    )


def erase(data: DataDir, kept: Kept, *more: str) -> Result:
    words = ("--evidence", kept.evidence_id, "--reason", "request 4", "--by", "officer", "--yes")
    return run(data, "erase", *words, *more)


def hold_on(kept: Kept, until: datetime | None = None) -> Hold:
    around = timedelta(seconds=60)
    return Hold(
        new_hold_id(),
        kept.evidence_id,
        kept.record.camera_id,
        kept.record.first_seen_at - around,
        kept.record.ended_at + around,
        "appeal 17",
        "legal department",
        until,
    )


@pytest.fixture
def data(tmp_path: Path) -> Iterator[DataDir]:
    folder = DataDir(tmp_path / "var")
    folder.root.mkdir()
    chain_of(folder)
    tell_story(folder)
    yield folder
    structlog.reset_defaults()  # the commands send their log to the folder


@pytest.fixture
def site() -> Site:
    return load_site(ROOT / "samples" / "site.yaml")


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
    told = json.loads(result.stdout)
    assert told["erased"] and told["certificate"]["searched"]["found"] == 0
    assert told["certificate"]["searched"]["marks"] > 20
    begun, ended = [
        entry
        for entry in chain_of(data).about(gone.evidence_id)
        if entry["kind"] in ("erasing", "erased")
    ]
    assert begun["details"]["reason"] == "request 4" and begun["details"]["by"] == "officer"
    hashes = {each["name"]: each["sha256"] for each in begun["details"]["files"]}
    assert {"clip.mp4", "first.jpg", "numbers.json", "manifest.json"} <= hashes.keys()
    assert ended["number"] == told["custody_number"] and ended["signature"]
    assert EvidenceTable.open(data.lancedb).count() == 1


def test_an_erased_record_is_no_damage(data: DataDir) -> None:
    gone, stays = keep(data, 1), keep(data, 2)
    assert erase(data, gone).exit_code == 0
    verified = run(data, "verify", "--json")
    assert verified.exit_code == 0, verified.output
    told = json.loads(verified.stdout)
    assert (told["records"], told["erased"], told["problems"]) == (1, 1, [])
    one = run(data, "verify", gone.evidence_id)
    assert one.exit_code == 0 and "erased on" in one.output
    shown = run(data, "show", gone.evidence_id)
    assert isinstance(shown.exception, PutAside) and "was erased" in str(shown.exception)
    assert run(data, "show", stays.evidence_id).exit_code == 0


def test_other_systems_hear_of_it_once(data: DataDir) -> None:
    gone = keep(data, 1)
    assert erase(data, gone).exit_code == 0
    keeper = Keeper.open(data, data.keys)
    keeper.tell_erased({gone.evidence_id})
    with EventLog.open(data.events_db) as log:
        told = [
            each.event.data
            for each in log.read(types=[EvidenceErased.event_type])
            if each.event.subject == gone.evidence_id
        ]
    assert len(told) == 1
    assert isinstance(told[0], EvidenceErased) and told[0].reason == "request 4"


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
    again = run(data, "retention", str(ROOT / "samples" / "site.yaml"), "--apply")
    assert again.exit_code == 0, again.output
    assert chain_of(data).about(gone.evidence_id)[-1]["kind"] == "erased"


def test_footage_of_the_offence_goes_and_the_rest_stays(data: DataDir) -> None:
    gone = keep(data, 1)
    before, shows_it, after = record_footage(data, gone)
    assert erase(data, gone).exit_code == 0
    there = {path.name for path in (data.recordings / "gate").glob("*.mp4")}
    assert there == {before.name, after.name}
    assert shows_it.name not in there


def test_footage_that_another_hold_needs_stays_and_the_certificate_says_so(data: DataDir) -> None:
    gone, other = keep(data, 1), keep(data, 2)
    _, shows_it, _ = record_footage(data, gone)
    around = timedelta(minutes=5)
    begins = gone.record.first_seen_at
    footage = Hold(
        new_hold_id(), "", "gate", begins - around, begins + around, "police request", "lawyer"
    )
    Keeper.open(data, data.keys).holds.place(footage)
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
    assert run(data, "retention", str(ROOT / "samples" / "site.yaml"), "--apply").exit_code == 0
    assert not (data.recordings / "gate" / shows_it.name).exists()
    last = chain_of(data).about(gone.evidence_id)[-1]
    assert last["kind"] == "footage erased" and shows_it.name in last["details"]["recordings"]
    assert remains(data, gone) == set()


def test_two_records_of_the_same_footage_are_told_apart(data: DataDir) -> None:
    gone = keep(data, 1)
    other = keep(data, 2, clip=gone.clip)
    result = erase(data, gone)
    assert result.exit_code == 0, result.output
    assert f"{other.evidence_id} shows it, too (clip.mp4)" in result.output
    assert remains(data, gone) == {"clip"}  # the other record's, which nobody asked to erase
    assert erase(data, other).exit_code == 0
    assert remains(data, gone) == remains(data, other) == set()


def test_another_record_may_be_sealed_meanwhile_of_the_same_footage(data: DataDir) -> None:
    gone, other = keep(data, 1), mint("evd", "another offence")
    with Vault(data.evidence).draft(other) as draft:
        (draft / "clip.mp4").write_bytes(gone.clip)
        result = erase(data, gone)
    assert result.exit_code == 0, result.output
    assert f"{other} shows it, too (clip.mp4)" in result.output


def test_vectors_of_other_models_go_as_well(data: DataDir) -> None:
    gone, stays = keep(data, 1), keep(data, 2)
    pair = PairId("clip_tiny", "ab" * 32, 64)
    seen = {each.evidence_id: unit_vector(each.evidence_id, 64) for each in (gone, stays)}
    pairs = PictureVectors.open(data.lancedb, pair)
    pairs.put([(each.record, seen[each.evidence_id]) for each in (gone, stays)])
    pairs.keep_up()
    canary = seen[gone.evidence_id].tobytes()[64:128]
    assert raw_files_with(data, canary)
    assert erase(data, gone).exit_code == 0
    assert raw_files_with(data, canary) == []
    assert pairs.ids() == {stays.evidence_id}
    assert remains(data, stays) == EVERYTHING


def test_what_is_held_is_not_erased_by_hand_nor_by_its_term(data: DataDir, site: Site) -> None:
    held, loose = keep(data, 1), keep(data, 2)
    keeper = Keeper.open(data, data.keys)
    keeper.holds.place(hold_on(held))
    refused = erase(data, held)
    assert isinstance(refused.exception, PutAside) and "legal department" in str(refused.exception)
    keeper.reread()
    done = retain(keeper, site, datetime.now(UTC) + timedelta(days=40))
    assert [each.evidence_id for each in done] == [loose.evidence_id]
    assert remains(data, held) == EVERYTHING
    released = run(data, "release", held.evidence_id, "--reason", "case 17 closed")
    assert released.exit_code == 0, released.output
    assert erase(data, held).exit_code == 0
    assert remains(data, held) == set()


def test_terms_count_by_outcome_from_the_day_of_sealing(data: DataDir, site: Site) -> None:
    complied, escalated, lapsed = keep(data, 1), keep(data, 2, "escalated"), keep(data, 3, "lapsed")
    keeper, now = Keeper.open(data, data.keys), datetime.now(UTC)
    assert retain(keeper, site, now) == []  # of footage that is long past, but sealed today
    assert {each.evidence_id for each in retain(keeper, site, now + timedelta(days=8))} == {
        lapsed.evidence_id
    }
    assert {each.evidence_id for each in retain(keeper, site, now + timedelta(days=31))} == {
        complied.evidence_id
    }
    assert remains(data, escalated) == EVERYTHING
    why = chain_of(data).about(complied.evidence_id)[-2]["details"]
    assert (why["by"], why["rule"]) == ("retention", "retention.complied")


def test_a_dry_run_tells_and_touches_nothing(data: DataDir) -> None:
    kept = keep(data, 1)
    before = data.custody.read_bytes()
    result = run(data, "retention", str(ROOT / "samples" / "site.yaml"), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["records"], told["due"], told["next"]["term"]) == (1, [], "30 days")
    assert data.custody.read_bytes() == before
    assert remains(data, kept) == EVERYTHING


def test_a_hold_ends_with_its_term_and_the_chain_says_so(data: DataDir, site: Site) -> None:
    kept = keep(data, 1)
    keeper = Keeper.open(data, data.keys)
    keeper.holds.place(hold_on(kept, until=datetime.now(UTC) - timedelta(seconds=1)))
    keeper.reread()
    assert [hold.evidence_id for hold in keeper.standing_holds()] == [kept.evidence_id]
    keeper.mend()
    assert keeper.standing_holds() == []
    last = chain_of(data).about(kept.evidence_id)[-1]
    assert (last["kind"], last["details"]["reason"]) == ("released", "its term is over")


def test_a_hold_whose_file_was_removed_still_holds(data: DataDir) -> None:
    kept = keep(data, 1)
    keeper = Keeper.open(data, data.keys)
    keeper.holds.place(hold_on(kept))
    for path in data.holds.glob("*.json"):
        path.unlink()
    assert isinstance(erase(data, kept).exception, PutAside)
    keeper.reread()
    keeper.mend()
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


def test_it_asks_before_it_erases(data: DataDir) -> None:
    kept = keep(data, 1)
    words = ("erase", "--evidence", kept.evidence_id, "--reason", "request 4")
    assert run(data, *words, answer="n\n").exit_code == 1
    assert remains(data, kept) == EVERYTHING
    assert isinstance(run(data, *words[:3], answer="y\n").exception, Stop)
    assert run(data, *words, answer="y\n").exit_code == 0
    assert remains(data, kept) == set()


def test_the_story_stays_unless_it_is_asked_for(data: DataDir) -> None:
    from event_log.examples import warned_event

    gone = keep(data, 1)
    offence_id = gone.record.offence_id
    event = warned_event()
    told = event.data.model_copy(update={"offence_id": offence_id})
    with EventLog.open(data.events_db) as log:
        log.append([type(event)("evt-story", event.source, offence_id, event.time, told)])
    assert erase(data, gone).exit_code == 0
    assert data.events_db in raw_files_with(data, b"evt-story")
    again = keep(data, 2)
    told = event.data.model_copy(update={"offence_id": again.record.offence_id})
    with EventLog.open(data.events_db) as log:
        log.append(
            [
                type(event)(
                    "evt-other-story", event.source, again.record.offence_id, event.time, told
                )
            ]
        )
    assert erase(data, again, "--with-events").exit_code == 0
    assert raw_files_with(data, b"evt-other-story") == []
    with EventLog.open(data.events_db) as log:
        assert log.find("evt-story") is not None


def test_a_replay_does_not_bring_back_what_was_erased(data: DataDir, site: Site) -> None:
    gone = keep(data, 1)
    check_not_erased(gone.evidence_id, chain_of(data))
    assert erase(data, gone).exit_code == 0
    with pytest.raises(AlreadyErased):
        check_not_erased(gone.evidence_id, chain_of(data))


def test_what_a_restored_backup_brought_back_goes_again(
    data: DataDir, site: Site, tmp_path: Path
) -> None:
    gone = keep(data, 1)
    shutil.copytree(data.evidence, tmp_path / "backup")
    assert erase(data, gone).exit_code == 0
    shutil.copytree(tmp_path / "backup", data.evidence, dirs_exist_ok=True)
    EvidenceTable.open(data.lancedb).put([gone.record])
    verified = run(data, "verify")
    assert verified.exit_code == 1 and "is there again" in verified.output
    done = retain(Keeper.open(data, data.keys), site, datetime.now(UTC))
    assert [each.evidence_id for each in done] == [gone.evidence_id]
    assert chain_of(data).about(gone.evidence_id)[-2]["details"]["reason"] == CAME_BACK
    assert remains(data, gone) == set()


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from domain.data_dir import DataDir
from evidence_store.erasure import Request
from forewarn.keeping import Keeper
data, wanted, left = DataDir(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
def beat(words):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
Keeper.open(data, data.keys).erase([Request(wanted, "request 4", "officer")], beat)
"""


def test_killed_anywhere_it_is_on_record_and_ended_later(data: DataDir) -> None:
    kept, stays = keep(data, 1), keep(data, 2)
    kills = 0
    for beats in (0, 1, 3, 12):
        child = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(data.root), kept.evidence_id, str(beats)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=False,
            timeout=120,
        )
        kills += child.returncode == -signal.SIGKILL
        assert run(data, "verify").exit_code == 0
        kinds = [each["kind"] for each in chain_of(data).about(kept.evidence_id)]
        assert kinds.count("erasing") == 1  # begun once, however often it was killed
    assert kills >= 3
    keeper = Keeper.open(data, data.keys)
    keeper.finish()
    assert chain_of(data).about(kept.evidence_id)[-1]["kind"] == "erased"
    assert remains(data, kept) == set()
    assert remains(data, stays) == EVERYTHING


def test_originals_that_are_encrypted_go_as_well(data: DataDir) -> None:
    from evidence_store.open_vault import open_vault

    created = run(data, "list")  # the folder is there
    assert created.exit_code == 0
    gone = keep(data, 1)
    assert open_vault(data, data.keys).read(gone.evidence_id) is not None
    keeper = Keeper.open(data, data.keys)
    (done,) = keeper.erase([Request(gone.evidence_id, "request 4", "officer")])
    assert done.entry is not None
    assert Vault(data.evidence).ids() == []


def verify_outside(zipped: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "docs" / "verify_evidence.py"), str(zipped)],
        capture_output=True,
        text=True,
        check=False,
        cwd=zipped.parent,
        timeout=60,
    )


def test_a_certificate_can_be_checked_by_an_outsider_and_not_be_changed(
    data: DataDir, tmp_path: Path
) -> None:
    gone = keep(data, 1)
    missing = run(data, "certificate", gone.evidence_id)
    assert isinstance(missing.exception, PutAside) and "was not erased" in str(missing.exception)
    assert erase(data, gone).exit_code == 0
    written = run(data, "certificate", gone.evidence_id, "--to", str(tmp_path / "c.zip"))
    assert written.exit_code == 0, written.output
    checked = verify_outside(tmp_path / "c.zip")
    assert checked.returncode == 0, checked.stdout
    assert "erased on" in checked.stdout and "删除" in checked.stdout
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        archive.extractall(tmp_path / "unpacked")
    (folder,) = (tmp_path / "unpacked").iterdir()
    assert (folder / "certificate.zh.pdf").read_bytes().startswith(b"%PDF")
    chain = folder / "custody.jsonl"
    lines = chain.read_bytes().splitlines(keepends=True)
    for changed in (b"".join(lines[:-1]), b"".join(lines).replace(b"request 4", b"request 5")):
        chain.write_bytes(changed)
        checked = verify_outside(folder)
        assert checked.returncode == 1 and "custody.jsonl" in checked.stdout


def test_a_backup_can_be_searched_for_what_was_erased(data: DataDir, tmp_path: Path) -> None:
    gone = keep(data, 1)
    shutil.copytree(data.evidence, tmp_path / "backup")
    assert erase(data, gone).exit_code == 0
    clean = run(data, "certificate", gone.evidence_id, "--search", str(data.root))
    assert clean.exit_code == 0 and "nothing of it found" in clean.output
    old = run(data, "certificate", gone.evidence_id, "--search", str(tmp_path / "backup"))
    assert old.exit_code == 1 and "clip.mp4" in old.output


def test_pictures_of_messages_go_with_the_record(data: DataDir) -> None:
    gone = keep(data, 1)
    example = next(
        each for each in one_of_each() if each.data.event_type == NotificationRequested.event_type
    )
    told = example.data.model_copy(update={"offence_id": gone.record.offence_id})
    asked = Event("evt-asked", example.source, gone.record.offence_id, example.time, told)
    with EventLog.open(data.events_db) as log:
        log.append([asked])
    picture = data.notifications / "pictures" / "evt-asked.jpg"
    picture.parent.mkdir(parents=True)
    content = noise("message", 9000)
    picture.write_bytes(content)
    assert raw_files_with(data, content[5000:5100]) == [picture]
    assert erase(data, gone).exit_code == 0
    assert raw_files_with(data, content[5000:5100]) == []


def test_a_restored_folder_learns_from_the_newer_chain_what_was_erased(
    data: DataDir, tmp_path: Path
) -> None:
    gone, stays = keep(data, 1), keep(data, 2)
    old = DataDir(tmp_path / "old")
    shutil.copytree(data.root, old.root)
    assert erase(data, gone).exit_code == 0
    words = ("retention", str(ROOT / "samples" / "site.yaml"), "--erased-in", str(data.custody))
    dry = run(old, *words)
    assert dry.exit_code == 0 and "1 records were erased before" in dry.output
    assert remains(old, gone) == EVERYTHING
    assert run(old, *words, "--apply").exit_code == 0
    assert remains(old, gone) == set()
    assert remains(old, stays) == EVERYTHING
    data.custody.write_bytes(data.custody.read_bytes().replace(b"request 4", b"request 5"))
    assert isinstance(run(old, *words, "--apply").exception, Stop)


def test_old_stories_go_once_their_evidence_has_gone(data: DataDir, site: Site) -> None:
    kept = keep(data, 1)
    example = next(each for each in one_of_each() if isinstance(each.data, OffenceOpened))
    told = example.data.model_copy(update={"offence_id": kept.record.offence_id})
    with EventLog.open(data.events_db) as log:
        log.append([Event("evt-kept", example.source, kept.record.offence_id, example.time, told)])
    keeper, later = Keeper.open(data, data.keys), datetime.now(UTC) + timedelta(days=3 * 366)
    assert keeper.forget_old_stories(site) == 0
    assert keeper.forget_old_stories(site, later) == len(one_of_each())
    assert data.events_db in raw_files_with(data, b"evt-kept")
    keeper.erase([Request(kept.evidence_id, "request 4", "officer")])
    keeper.forget_old_stories(site, later)
    assert raw_files_with(data, b"evt-kept") == []


def test_footage_that_is_still_being_written_goes_when_its_segment_is_closed(
    data: DataDir,
) -> None:
    gone = keep(data, 1)
    _, shows_it, _ = record_footage(data, gone)
    index = SegmentIndex(data.recordings / "gate")
    name = shows_it.name.replace(".mp4", "-open.mp4")
    (index.folder / name).write_bytes(noise("open", 500) + gone.clip)
    is_open = replace(shows_it, name=name, end_at=None, last_pts=None)
    index.note_open(is_open)
    early = erase(data, gone)
    assert early.exit_code == 1 and "still being recorded" in early.output
    assert "erased" not in {each["kind"] for each in chain_of(data).about(gone.evidence_id)}
    index.note_closed(replace(shows_it, name=name))
    again = run(data, "retention", str(ROOT / "samples" / "site.yaml"), "--apply")
    assert again.exit_code == 0, again.output
    assert remains(data, gone) == set()


def test_drafts_and_copies_set_aside_go_with_the_record(data: DataDir) -> None:
    gone = keep(data, 1)
    for name in (f".{gone.evidence_id}.killed", f"set-aside-{gone.evidence_id}-x"):
        (data.evidence / name / "deep").mkdir(parents=True)
        (data.evidence / name / "deep" / "clip.mp4").write_bytes(gone.clip)
    assert erase(data, gone).exit_code == 0
    assert [*data.evidence.iterdir()] == []


def test_the_live_picture_goes_if_it_shows_the_offence(data: DataDir) -> None:
    gone = keep(data, 1)
    for after_s, stays in ((5, False), (3600, True)):
        at = gone.record.first_seen_at + timedelta(seconds=after_s)
        LiveView(camera_id="gate", status="up", captured_at=at).write(data.live)
        (data.live / "gate.jpg").write_bytes(b"a picture")
        stretch = Stretch("gate", gone.record.first_seen_at, gone.record.ended_at)
        assert bool(erase_live(data.live, stretch)) is not stays
        assert (data.live / "gate.jpg").exists() is stays
