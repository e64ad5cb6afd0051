"""Erasing in the recordings and on the live page, beside others who need the same footage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from domain.cameras.live_view import LiveView
from domain.data_dir import DataDir
from domain.ids import mint
from evidence_store.erasure.erase_footage import erase_live
from evidence_store.erasure.erasure_request import ErasedStretch
from evidence_store.recordings.segment_index import SegmentIndex
from evidence_store.vault.vault import Vault
from tests.support.evidence_commands import (
    SITE_FILE,
    erase,
    run,
)
from tests.support.kept_evidence import (
    chain_of,
    keep,
    noise,
    record_footage,
    remains,
)


def test_footage_of_the_offence_goes_and_the_rest_stays(data: DataDir) -> None:
    gone = keep(data, 1)
    before, shows_it, after = record_footage(data, gone)
    assert erase(data, gone).exit_code == 0
    there = {path.name for path in (data.recordings / "gate").glob("*.mp4")}
    assert there == {before.name, after.name}
    assert shows_it.name not in there


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
    again = run(data, "retention", SITE_FILE, "--apply")
    assert again.exit_code == 0, again.output
    assert remains(data, gone) == set()


def test_the_live_picture_goes_if_it_shows_the_offence(data: DataDir) -> None:
    gone = keep(data, 1)
    for after_s, stays in ((5, False), (3600, True)):
        at = gone.record.first_seen_at + timedelta(seconds=after_s)
        LiveView(camera_id="gate", status="up", captured_at=at).write(data.live)
        (data.live / "gate.jpg").write_bytes(b"a picture")
        stretch = ErasedStretch("gate", gone.record.first_seen_at, gone.record.ended_at)
        assert bool(erase_live(data.live, stretch)) is not stays
        assert (data.live / "gate.jpg").exists() is stays
