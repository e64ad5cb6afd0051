from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from domain.errors import TryAgain
from domain.events.catalog import (
    Event,
    EvidenceSealed,
    ItemPutAside,
    OffenceMerged,
    OutcomeData,
    Recognition,
    Sighting,
    expect_event,
)
from domain.ids import mint
from evidence_store.custody.chain_check import check_chain
from evidence_store.media.stills import decode_picture, grab_frame
from evidence_store.recordings.footage import SiteFootage
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.search.table import EvidenceTable
from evidence_store.vault.manifest import read_seal, write_seal
from evidence_store.vault.numbers_file import NUMBERS_NAME, read_numbers, spell_numbers
from evidence_store.vault.sealed_files import describe_file
from evidence_store.vault.verify_record import verify_record
from flows.preservation.draft_record import PreserveParts
from flows.preservation.seal import preserve
from flows.put_aside import Asides

PICTURES = ("snapshot", "masked snapshot", "drawn snapshot")
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def sealed_data(event: Event) -> EvidenceSealed:
    assert isinstance(event.data, EvidenceSealed)
    return event.data


def test_an_ended_offence_becomes_whole_evidence(
    parts: PreserveParts,
    sample_clip: Path,
    offence: Callable[..., Event],
    before: Callable[[Event], tuple[Event, ...]],
) -> None:
    ended = offence()
    sealed = sealed_data(preserve(ended, before(ended), parts))
    assert sealed.complete and sealed.missing == ()
    assert sealed.evidence_id == mint("evd", ended.subject)
    counted = Counter(file.role for file in sealed.files)
    assert counted == {"clip": 1, "numbers": 1, "search vectors": 1} | dict.fromkeys(PICTURES, 3)
    record = parts.table.get(sealed.evidence_id)
    assert (
        record is not None
        and verify_record(record, parts.vault, parts.custody.own_keys, must_be_signed=True) == []
    )
    assert record.outcome == "complied" and record.rungs_spoken == 1 and record.best_score == 0.9
    assert record.clip_from_at == START + timedelta(seconds=5)
    assert record.clip_duration_s == pytest.approx(14.5)
    assert float(np.linalg.norm(record.embedding)) == pytest.approx(1)
    story = parts.vault.story(sealed.evidence_id)
    assert [each["type"] for each in story["history"]] == [
        "forewarn.offence.opened.v1",
        "forewarn.offence.warned.v1",
        "forewarn.announcement.made.v1",
    ]
    rule = parts.site.rule("no-lingering")
    assert story["rule"]["threshold_s"] == rule.threshold_s
    assert len(story["ladder"]["rungs"]) == len(parts.site.ladder(rule.ladder).rungs)


def test_a_record_is_signed_and_the_custody_chain_tells_of_it(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    sealed = sealed_data(preserve(offence(), (), parts))
    folder = parts.vault.folder_of(sealed.evidence_id)
    signer = parts.custody.signer
    assert signer is not None and sealed.signed_by == signer.key_id
    seal, keys = read_seal(folder), {signer.key_id: signer.private.public_key()}
    assert seal is not None and sealed.manifest_sha256 == seal.manifest_sha256
    record = parts.table.get(sealed.evidence_id)
    assert (
        record is not None and verify_record(record, parts.vault, keys, must_be_signed=True) == []
    )
    assert check_chain(parts.custody, keys).sealed == {sealed.evidence_id: seal.manifest_sha256}
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["camera"]["id"] == "gate-early"
    assert not {"url", "user", "password_env", "redirects_to"} & set(manifest["camera"])
    assert manifest["record"]["model_versions"] == "detector=aaaaaaaaaaaa"


def test_a_crash_between_sealing_and_the_chain_is_made_good(
    parts: PreserveParts, tmp_path: Path, offence: Callable[..., Event]
) -> None:
    first = preserve(offence(), (), parts)
    parts.custody.path.unlink()
    for _ in range(2):
        assert preserve(offence(), (), parts) == first
    assert [each["kind"] for each in parts.custody.about(first.subject)] == ["sealed"]


def test_each_sealing_signs_the_head_of_the_event_log_once(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    rows = itertools.count(7)
    parts = replace(parts, log_head=lambda: {"log_id": "a", "row": next(rows), "link": "00"})
    first = preserve(offence(), (), parts)
    preserve(offence(), (), parts)  # the log has grown meanwhile
    (entry,) = parts.custody.about(first.subject)
    report = check_chain(parts.custody, parts.custody.own_keys)
    assert report.log_heads == {entry["number"]: {"log_id": "a", "row": 7, "link": "00"}}


def test_doing_it_again_changes_nothing_and_says_the_same(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    first = preserve(offence(), (), parts)
    folder = parts.vault.folder_of(first.subject)
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert preserve(offence(), (), parts) == first
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps
    assert parts.table.count() == 1


def test_a_row_lost_after_sealing_is_made_again_from_the_vault(
    parts: PreserveParts, tmp_path: Path, offence: Callable[..., Event]
) -> None:
    first = preserve(offence(), (), parts)
    again = replace(parts, table=EvidenceTable.open(tmp_path / "new"))
    assert preserve(offence(), (), again) == first
    record = again.table.get(first.subject)
    assert (
        record is not None
        and verify_record(record, parts.vault, parts.custody.own_keys, must_be_signed=True) == []
    )


def test_a_record_is_sealed_also_while_the_table_is_damaged_and_that_is_told(
    parts: PreserveParts, tmp_path: Path, offence: Callable[..., Event]
) -> None:
    told: list[Event] = []
    gone = EvidenceTable.open(tmp_path / "gone", create=False)
    asides = Asides("campus", "preserve", told.append)
    sealed = preserve(offence(), (), replace(parts, table=gone, row_aside=asides.step("row")))
    assert parts.vault.read(sealed.subject) is not None
    assert [each["kind"] for each in parts.custody.about(sealed.subject)] == ["sealed"]
    assert [expect_event(each, ItemPutAside).data.step for each in told] == ["row"]
    assert "evidence rebuild-table" in expect_event(told[0], ItemPutAside).data.reason


def test_a_forged_record_is_set_aside_and_not_attested(
    parts: PreserveParts, tmp_path: Path, offence: Callable[..., Event]
) -> None:
    """Whoever writes the folder has no key, and no row or chain has to be there that knows better."""
    sealed = preserve(offence(), (), parts)
    for knows_chain in (True, False):
        _forge(parts, sealed.subject)
        if not knows_chain:
            parts.custody.path.unlink()
        new = replace(parts, table=EvidenceTable.open(tmp_path / f"new {knows_chain}"))
        preserve(offence(), (), new)
        row = new.table.get(sealed.subject)
        assert row is not None and row.outcome == "complied" and row.dwell_s != 4711.0
        keys = parts.custody.own_keys
        assert verify_record(row, parts.vault, keys, must_be_signed=True) == []
        assert check_chain(parts.custody, keys).sealed_twice == {}


def _forge(parts: PreserveParts, evidence_id: str) -> None:
    """Change facts and pictures, and write a manifest without a signature that fits."""
    folder = parts.vault.folder_of(evidence_id)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    old, story = parts.vault.read(evidence_id), parts.vault.story(evidence_id)
    assert old is not None
    (folder / "first.jpg").write_bytes((folder / "last.jpg").read_bytes())
    files = tuple(
        describe_file(folder / f.name, f.role) for f in old.files if f.name != NUMBERS_NAME
    )
    forged = replace(old, outcome="escalated", dwell_s=4711.0, files=files)
    (folder / NUMBERS_NAME).write_bytes(spell_numbers(forged, story))
    forged = replace(forged, files=(*files, describe_file(folder / NUMBERS_NAME, "numbers")))
    (folder / "manifest.sig").unlink(missing_ok=True)
    told = read_numbers((folder / NUMBERS_NAME).read_bytes())[1]
    write_seal(folder, forged, forged.files, told, None)


def test_damaged_evidence_is_kept_aside_and_sealed_anew(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    first = preserve(offence(), (), parts)
    clip = parts.vault.folder_of(first.subject) / "clip.mp4"
    clip.chmod(0o644)
    clip.write_bytes(b"tampered")
    preserve(offence(), (), parts)
    record = parts.vault.read(first.subject)
    assert (
        record is not None
        and verify_record(record, parts.vault, parts.custody.own_keys, must_be_signed=True) == []
    )
    kept = list(parts.vault.folder.glob("set-aside-*/*/clip.mp4"))
    assert [path.read_bytes() for path in kept] == [b"tampered"]
    told = [each["kind"] for each in parts.custody.about(first.subject)]
    assert told == ["sealed", "set aside", "sealed"]


def test_a_merged_offence_is_sealed_as_what_it_is_and_names_the_one_that_goes_on(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    ended = offence()
    facts = {name: getattr(ended.data, name) for name in OutcomeData.model_fields}
    recognition = Recognition(how="occlusion", gap_s=2.0, similarity=0.95, margin=0.3)
    merged = OffenceMerged(
        **facts | {"state": "merged"}, goes_on_as="ofc-older", recognition=recognition
    )
    sealed = sealed_data(preserve(replace(ended, data=merged), (), parts))
    assert sealed.complete
    record = parts.table.get(sealed.evidence_id)
    assert record is not None and record.outcome == "merged"
    told = parts.vault.story(sealed.evidence_id)["outcome"]["data"]
    assert (told["goes_on_as"], told["recognition"]["similarity"]) == ("ofc-older", 0.95)


def test_without_footage_the_record_is_sealed_incomplete_with_the_reason(
    parts: PreserveParts, tmp_path: Path, offence: Callable[..., Event]
) -> None:
    elsewhere = replace(parts, footage=SiteFootage(parts.site, tmp_path / "gone", tmp_path))
    sealed = sealed_data(preserve(offence(), (), elsewhere))
    assert not sealed.complete
    assert any("crossing.mp4" in reason for reason in sealed.missing)
    assert [file.role for file in sealed.files] == ["search vectors", "numbers"]
    record = parts.table.get(sealed.evidence_id)
    assert record is not None and record.clip_duration_s == 0 and not record.embedding.any()


def test_footage_that_ends_early_is_told(
    parts: PreserveParts,
    tmp_path: Path,
    seen: Callable[..., Sighting],
    offence: Callable[..., Event],
) -> None:
    short = offence("late", seen(78.0), seen(90.0))
    sealed = sealed_data(preserve(short, (), parts))
    assert not sealed.complete
    assert any("last sighting" in reason for reason in sealed.missing)
    assert {"clip", "snapshot"} <= {file.role for file in sealed.files}


def test_an_offence_on_recorded_footage_is_cut_from_the_segments(
    parts: PreserveParts,
    tmp_path: Path,
    sample_clip: Path,
    seen: Callable[..., Sighting],
    offence: Callable[..., Event],
) -> None:
    recorder = SegmentRecorder(tmp_path / "recordings", "gate-early")
    live = START + timedelta(days=30)
    with av.open(str(sample_clip)) as container:
        for packet in container.demux(video=0):
            if packet.size:
                seconds = float(packet.pts * packet.time_base)
                recorder.write(packet, live + timedelta(seconds=seconds))
    recorder.close()
    ended = offence(
        "live",
        seen(20.0, live + timedelta(seconds=20.2)),
        seen(31.0, live + timedelta(seconds=31.1)),
    )
    sealed = sealed_data(preserve(ended, (), parts))
    assert sealed.complete, sealed.missing
    first = decode_picture(
        (parts.vault.folder_of(sealed.evidence_id) / "first.jpg").read_bytes(), "first"
    )
    assert np.abs(first.astype(int) - grab_frame(sample_clip, 20.0)).mean() < 3


def test_a_server_that_is_away_leaves_nothing_half_done(
    parts: PreserveParts, offence: Callable[..., Event], known_faces: Callable[..., Any]
) -> None:
    away = replace(parts, models=replace(parts.models, faces=known_faces(failures=1)))
    with pytest.raises(TryAgain):
        preserve(offence(), (), away)
    assert list(parts.vault.folder.iterdir()) == [] and parts.table.count() == 0


def test_a_full_disk_asks_to_try_again(
    parts: PreserveParts, offence: Callable[..., Event], known_faces: Callable[..., Any]
) -> None:
    full = known_faces(1, OSError(28, "No space left on device"))
    with pytest.raises(TryAgain, match="No space left"):
        preserve(offence(), (), replace(parts, models=replace(parts.models, faces=full)))
    assert list(parts.vault.folder.iterdir()) == []


def test_a_record_in_the_making_shows_signs_of_life(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    """Before: one at its beginning; on a slow machine it was killed as hanging, and made anew, and killed."""
    beats: list[int] = []
    preserve(offence(), (), replace(parts, beat=lambda: beats.append(1)))
    assert len(beats) > 10
