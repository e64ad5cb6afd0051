from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from bytewax.testing import TestingSink, TestingSource, run_main

from domain.errors import TryAgain
from domain.events import (
    Event,
    EvidenceSealed,
    OffenceComplied,
    OffenceOpened,
    OffenceWarned,
    Sighting,
)
from domain.evidence import APPEARANCE_SIZE, EMBEDDING_SIZE
from domain.ids import mint
from domain.site_file import load_site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from evidence_store.check_custody import check_chain
from evidence_store.custody import CustodyChain
from evidence_store.footage import SiteFootage
from evidence_store.keys import new_signer
from evidence_store.manifest import read_seal
from evidence_store.recorder import SegmentRecorder
from evidence_store.stills import decode_picture, grab_frame
from evidence_store.table import EvidenceTable
from evidence_store.vault import Vault
from evidence_store.verify import verify_record
from flows.preserve import WANTED_TYPES, PreserveLogic, build_preserve_flow
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from flows.steps.preserve_offence import PreserveModels, PreserveParts, preserve

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BOX = (300.0, 150.0, 360.0, 290.0)


@dataclass
class KnownFaces:
    """Says that there is one face, in the middle of the picture; may be away for a while."""

    failures: int = 0
    error: Exception = field(default_factory=lambda: TryAgain("triton: busy"))

    def find(self, image_rgb: np.ndarray, min_score: float) -> tuple[np.ndarray, np.ndarray]:
        if self.failures > 0:
            self.failures -= 1
            raise self.error
        height, width = image_rgb.shape[:2]
        middle = np.array([[width * 0.45, height * 0.45, width * 0.55, height * 0.55]], np.float32)
        return middle, np.array([0.9], np.float32)


class MeanColours:
    """Embeds crops by their colours: enough to tell one picture from another."""

    def embed(self, crops_rgb: Sequence[np.ndarray]) -> np.ndarray:
        return np.stack([colours(crop, EMBEDDING_SIZE) for crop in crops_rgb])


def colours(crop: np.ndarray, size: int) -> np.ndarray:
    counts = np.resize(np.bincount(crop.reshape(-1), minlength=256), size).astype(np.float32)
    return counts / np.linalg.norm(counts)


@pytest.fixture
def parts(tmp_path: Path, sample_site_file: Path) -> PreserveParts:
    site = load_site(sample_site_file)
    return PreserveParts(
        site=site,
        footage=SiteFootage(site, sample_site_file.parent, tmp_path / "recordings"),
        models=PreserveModels(
            embedder=MeanColours(),
            faces=KnownFaces(),
            describe=lambda crop: colours(crop, APPEARANCE_SIZE),
            versions="detector=aaaaaaaaaaaa",
        ),
        vault=Vault(tmp_path / "evidence"),
        table=EvidenceTable.open(tmp_path / "lancedb"),
        custody=CustodyChain(tmp_path / "custody.jsonl", new_signer()),
        software_version="0.1.0",
    )


def seen(media_s: float, at: datetime | None = None, score: float = 0.7) -> Sighting:
    """A sighting on the sample clip, whose time base is 1/10240."""
    return Sighting(
        at=at or START + timedelta(seconds=media_s),
        media_time_s=media_s,
        pts=round(media_s * 10240),
        time_base="1/10240",
        box_xyxy=BOX,
        score=score,
        frame_width_px=768,
        frame_height_px=576,
    )


def offence(name: str = "a", first: Sighting | None = None, last: Sighting | None = None) -> Event:
    first, last = first or seen(8.0), last or seen(16.4)
    data = OffenceComplied(
        offence_id=mint("ofc", name),
        site_id="campus",
        camera_id="gate-early",
        zone_id="forecourt-early",
        rule_id="no-lingering",
        subject_id="gate-early/3",
        state="complied",
        first_seen_at=first.at,
        dwell_s=(last.at - first.at).total_seconds(),
        sighting=last,
        first_sighting=first,
        rung_sightings=(seen(first.media_time_s + 4, first.at + timedelta(seconds=4), score=0.9),),
        last_sighting=last,
        basis="seen outside the zone",
    )
    return Event(
        mint("evt", name),
        "forewarn/campus/gate-early",
        data.offence_id,
        last.at + timedelta(seconds=1),
        data,
    )


def before(ended: Event) -> tuple[Event, Event]:
    """What was logged before an offence ended."""
    assert isinstance(ended.data, OffenceComplied)
    facts = ended.data.model_dump(
        exclude={"first_sighting", "rung_sightings", "last_sighting", "basis"}
    )
    opened = OffenceOpened.model_validate(
        {**facts, "state": "opened", "threshold_s": 4, "first_sighting": ended.data.first_sighting}
    )
    warned = OffenceWarned.model_validate(
        {
            **facts,
            "state": "warned",
            "rung_id": "persuade",
            "rung_number": 1,
            "rung_count": 3,
            "text": {"zh": "请离开", "en": "Please leave"},
        }
    )
    return tuple(  # type: ignore[return-value]
        Event(mint("evt", ended.id, data.event_type), ended.source, ended.subject, ended.time, data)
        for data in (opened, warned)
    )


def sealed_data(event: Event) -> EvidenceSealed:
    assert isinstance(event.data, EvidenceSealed)
    return event.data


def test_an_ended_offence_becomes_whole_evidence(parts: PreserveParts, sample_clip: Path) -> None:
    ended = offence()
    sealed = sealed_data(preserve(ended, before(ended), parts))
    assert sealed.complete and sealed.missing == ()
    assert sealed.evidence_id == mint("evd", ended.subject)
    roles = sorted(file.role for file in sealed.files)
    assert roles == [
        "clip",
        "masked snapshot",
        "masked snapshot",
        "numbers",
        "snapshot",
        "snapshot",
    ]
    record = parts.table.get(sealed.evidence_id)
    assert record is not None and verify_record(record, parts.vault) == []
    assert record.outcome == "complied" and record.rungs_spoken == 1 and record.best_score == 0.9
    assert record.clip_from_at == START + timedelta(seconds=5)
    assert record.clip_duration_s == pytest.approx(14.5)
    assert float(np.linalg.norm(record.embedding)) == pytest.approx(1)
    story = parts.vault.story(sealed.evidence_id)
    assert [each["type"] for each in story["history"]] == [
        "forewarn.offence.opened.v1",
        "forewarn.offence.warned.v1",
    ]
    rule = parts.site.rule("no-lingering")
    assert story["rule"]["threshold_s"] == rule.threshold_s
    assert len(story["ladder"]["rungs"]) == len(parts.site.ladder(rule.ladder).rungs)


def test_the_snapshots_are_the_frames_of_the_sightings_and_their_faces_are_gone(
    parts: PreserveParts, sample_clip: Path
) -> None:
    sealed = sealed_data(preserve(offence(), (), parts))
    folder = parts.vault.folder_of(sealed.evidence_id)
    for name, media_s in (("first", 8.0), ("last", 16.4)):
        frame = grab_frame(sample_clip, media_s)
        original = decode_picture((folder / f"{name}.jpg").read_bytes(), name)
        masked = decode_picture((folder / f"{name}.masked.jpg").read_bytes(), name)
        assert np.abs(original.astype(int) - frame).mean() < 3
        face = (slice(270, 305), slice(355, 410))
        assert np.abs(masked[face].astype(int) - frame[face]).mean() > 4
        assert np.abs(masked[400:].astype(int) - frame[400:]).mean() < 3


def test_a_record_is_signed_and_the_custody_chain_tells_of_it(parts: PreserveParts) -> None:
    sealed = sealed_data(preserve(offence(), (), parts))
    folder = parts.vault.folder_of(sealed.evidence_id)
    signer = parts.custody.signer
    assert signer is not None and sealed.signed_by == signer.key_id
    seal, keys = read_seal(folder), {signer.key_id: signer.private.public_key()}
    assert seal is not None and sealed.manifest_sha256 == seal.manifest_sha256
    record = parts.table.get(sealed.evidence_id)
    assert record is not None and verify_record(record, parts.vault, keys) == []
    assert check_chain(parts.custody, keys).sealed == {sealed.evidence_id: seal.manifest_sha256}
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["camera"]["id"] == "gate-early" and "url" not in manifest["camera"]
    assert manifest["record"]["model_versions"] == "detector=aaaaaaaaaaaa"


def test_a_crash_between_sealing_and_the_chain_is_made_good(
    parts: PreserveParts, tmp_path: Path
) -> None:
    first = preserve(offence(), (), parts)
    parts.custody.path.unlink()
    for _ in range(2):
        assert preserve(offence(), (), parts) == first
    assert [each["kind"] for each in parts.custody.about(first.subject)] == ["sealed"]


def test_doing_it_again_changes_nothing_and_says_the_same(parts: PreserveParts) -> None:
    first = preserve(offence(), (), parts)
    folder = parts.vault.folder_of(first.subject)
    stamps = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert preserve(offence(), (), parts) == first
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps
    assert parts.table.count() == 1


def test_a_row_lost_after_sealing_is_made_again_from_the_vault(
    parts: PreserveParts, tmp_path: Path
) -> None:
    first = preserve(offence(), (), parts)
    again = replace(parts, table=EvidenceTable.open(tmp_path / "new"))
    assert preserve(offence(), (), again) == first
    record = again.table.get(first.subject)
    assert record is not None and verify_record(record, parts.vault) == []


def test_damaged_evidence_is_kept_aside_and_sealed_anew(parts: PreserveParts) -> None:
    first = preserve(offence(), (), parts)
    clip = parts.vault.folder_of(first.subject) / "clip.mp4"
    clip.chmod(0o644)
    clip.write_bytes(b"tampered")
    preserve(offence(), (), parts)
    assert verify_record(parts.vault.read(first.subject), parts.vault) == []  # type: ignore[arg-type]
    kept = list(parts.vault.folder.glob("set-aside-*/*/clip.mp4"))
    assert [path.read_bytes() for path in kept] == [b"tampered"]
    told = [each["kind"] for each in parts.custody.about(first.subject)]
    assert told == ["sealed", "set aside", "sealed"]


def test_without_footage_the_record_is_sealed_incomplete_with_the_reason(
    parts: PreserveParts, tmp_path: Path
) -> None:
    elsewhere = replace(parts, footage=SiteFootage(parts.site, tmp_path / "gone", tmp_path))
    sealed = sealed_data(preserve(offence(), (), elsewhere))
    assert not sealed.complete
    assert any("crossing.mp4" in reason for reason in sealed.missing)
    assert [file.role for file in sealed.files] == ["numbers"]
    record = parts.table.get(sealed.evidence_id)
    assert record is not None and record.clip_duration_s == 0 and not record.embedding.any()


def test_footage_that_ends_early_is_told(parts: PreserveParts, tmp_path: Path) -> None:
    short = offence("late", seen(78.0), seen(90.0))
    sealed = sealed_data(preserve(short, (), parts))
    assert not sealed.complete
    assert any("last sighting" in reason for reason in sealed.missing)
    assert {"clip", "snapshot"} <= {file.role for file in sealed.files}


def test_an_offence_on_recorded_footage_is_cut_from_the_segments(
    parts: PreserveParts, tmp_path: Path, sample_clip: Path
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


def test_a_server_that_is_away_leaves_nothing_half_done(parts: PreserveParts) -> None:
    away = replace(parts, models=replace(parts.models, faces=KnownFaces(failures=1)))
    with pytest.raises(TryAgain):
        preserve(offence(), (), away)
    assert list(parts.vault.folder.iterdir()) == [] and parts.table.count() == 0


def test_a_full_disk_asks_to_try_again(parts: PreserveParts) -> None:
    full = KnownFaces(1, OSError(28, "No space left on device"))
    with pytest.raises(TryAgain, match="No space left"):
        preserve(offence(), (), replace(parts, models=replace(parts.models, faces=full)))
    assert list(parts.vault.folder.iterdir()) == []


def flow_over(
    parts: PreserveParts, events: list[Event], stop: threading.Event | None = None
) -> list[str]:
    """Run the flow over events to their end; the ids of the evidence that it reports."""
    stored: list[tuple[str, Event]] = []
    logged = [LoggedEvent(n, each, START) for n, each in enumerate(events, 1)]
    run_main(  # type: ignore[no-untyped-call]
        build_preserve_flow(
            parts, TestingSource(logged), TestingSink(stored), stop or threading.Event()
        )
    )
    return [event.subject for _, event in stored]


def test_the_flow_waits_for_a_server_that_is_away_and_others_go_on(
    parts: PreserveParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.preserve.FIRST_PAUSE_S", 0.05)
    faces = KnownFaces(failures=1)
    away = replace(parts, models=replace(parts.models, faces=faces))
    a, b = offence("a"), offence("b", seen(30.0), seen(36.0))
    assert flow_over(away, [a, b]) == [mint("evd", each.subject) for each in (b, a)]
    assert faces.failures == 0 and parts.table.count() == 2


def test_a_stop_while_waiting_keeps_the_offence_for_the_next_start(
    parts: PreserveParts,
) -> None:
    faces = KnownFaces(failures=1_000_000)
    away = replace(parts, models=replace(parts.models, faces=faces))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert flow_over(away, [*before(offence()), offence()], stop) == []
    stopped = PreserveLogic(away, stop, lambda: None, None)
    stopped.on_batch([LoggedEvent(1, each, START) for each in (*before(offence()), offence())])
    assert stopped.on_eof() == ([], stopped.RETAIN)
    resumed = PreserveLogic(parts, threading.Event(), lambda: None, stopped.snapshot())
    assert resumed.notify_at() is not None
    done, is_over = resumed.on_notify()
    assert is_over and sealed_data(done[0]).complete
    assert len(parts.vault.story(done[0].subject)["history"]) == 2


def test_late_news_of_an_ended_offence_is_not_kept(parts: PreserveParts) -> None:
    _, warned = before(offence())
    logic = PreserveLogic(parts, threading.Event(), lambda: None, None)
    assert logic.on_batch([LoggedEvent(1, warned, START)]) == ([], logic.DISCARD)


def test_the_flow_seals_every_ended_offence_once(parts: PreserveParts) -> None:
    ended = [offence("a"), offence("b", seen(30.0), seen(40.0))]
    reported = flow_over(parts, [*before(ended[0]), *before(ended[1]), *ended, ended[0]])
    assert set(reported) == {mint("evd", each.subject) for each in ended}
    assert parts.table.count() == 2


def test_the_flow_reads_the_event_log_and_writes_its_news_into_it(
    parts: PreserveParts, tmp_path: Path
) -> None:
    path = tmp_path / "events.sqlite"
    with EventLog.open(path) as log:
        log.append([*before(offence()), offence()])
    drain = threading.Event()
    drain.set()
    for _ in range(2):
        stop = threading.Event()
        run_main(
            build_preserve_flow(
                parts, EventLogSource(path, WANTED_TYPES, stop, drain, 4), EventLogSink(path), stop
            )
        )
    with EventLog.open(path) as log:
        sealed = log.read(types=[EvidenceSealed.event_type])
    assert [each.event.subject for each in sealed] == [mint("evd", offence().subject)]
    folder = parts.vault.folder_of(sealed[0].event.subject)
    assert json.loads((folder / "numbers.json").read_bytes())["story"]["history"]
    shutil.rmtree(folder)


@pytest.mark.triton
def test_with_the_real_models_faces_are_masked_and_the_subject_found_again(
    parts: PreserveParts, triton_address: str
) -> None:
    from models.appearance import describe
    from models.serving.client import Embedder, FaceDetector, connect

    with connect(triton_address) as connection:
        models = PreserveModels(Embedder(connection), FaceDetector(connection), describe, "real")
        real = replace(parts, models=models)
        sealed = [
            sealed_data(preserve(offence(name, seen(start), seen(start + 6)), (), real))
            for name, start in (("a", 12.0), ("b", 30.0))
        ]
    assert all(each.complete for each in sealed)
    for each in sealed:
        folder = parts.vault.folder_of(each.evidence_id)
        original = decode_picture((folder / "first.jpg").read_bytes(), "first").astype(int)
        masked = decode_picture((folder / "first.masked.jpg").read_bytes(), "masked")
        changed = np.abs(original - masked).max(axis=2) > 25
        assert changed.any() and changed.mean() < 0.05, "heads only, not the scene"
    record = parts.table.get(sealed[0].evidence_id)
    assert record is not None
    found = parts.table.search(record.embedding, k=2)
    assert found[0][0].evidence_id == record.evidence_id
    assert found[1][1] < found[0][1]
