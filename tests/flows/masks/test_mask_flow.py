"""Sealed evidence gets its masked clip once, also through waits and restarts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bytewax.testing import cluster_main

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.events.catalog import Event, EvidenceFile, EvidenceMasked, EvidenceSealed
from domain.ids import mint
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.mask import MASKED, WANTED_TYPES, MaskLogic, Stopped, build_mask_flow
from flows.masks.record import _masked_event
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from forewarn.programs.mask import _forget_old_store, unless_masked

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CLIP = EvidenceFile(name="clip.mp4", role="clip", sha256="0" * 64, size_bytes=1)


def sealed(evidence_id: str = "evd-0123456789abcdef") -> Event:
    data = EvidenceSealed(
        evidence_id=evidence_id,
        offence_id="ofc-0123456789abcdef",
        site_id="campus",
        camera_id="gate",
        rule_id="no-lingering",
        outcome="complied",
        complete=True,
        missing=(),
        files=(CLIP,),
    )
    id_ = mint("evt", evidence_id)
    return Event(id_, "forewarn/campus/preserve", data.evidence_id, START, data)


def logic(mask: Callable[[Event], Event]) -> MaskLogic:
    return MaskLogic(mask, threading.Event(), lambda: None)


def test_it_tries_again_when_something_is_away_and_forgets_what_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flows.mask.FIRST_PAUSE_S", 0.0)
    answers: list[Exception | None] = [TryAgain("triton: away"), None]

    def mask(event: Event) -> Event:
        trouble = answers.pop(0)
        if trouble is not None:
            raise trouble
        return replace(event, id="evt-2")

    waiting = logic(mask)
    assert waiting.on_batch([LoggedEvent(1, sealed(), START)]) == ([], MaskLogic.RETAIN)
    (done,), is_over = waiting.on_notify()
    assert done.id == "evt-2" and is_over == MaskLogic.DISCARD


class Masking:
    """Masks records of a log, in flows that end where the log does; notes which were asked for."""

    def __init__(self, log_path: Path) -> None:
        self.log_path = log_path
        self.stop, self.drain = threading.Event(), threading.Event()
        self.drain.set()
        self.asked: list[str] = []
        self.raise_at = ""  # and while this one is, something breaks
        self.stop_at = ""  # the program is asked to end while this one is masked

    def seal(self, *numbers: int) -> None:
        with EventLog.open(self.log_path) as log:
            log.append([sealed(f"evd-{number:016x}") for number in numbers])

    def mask(self, event: Event) -> Event:
        self.asked.append(event.subject[-1])
        if event.subject.endswith(self.stop_at or "never"):
            self.stop.set()
            raise Stopped("the program is asked to end")
        if event.subject.endswith(self.raise_at or "never"):
            raise ValueError("an odd record")
        data = event.data
        assert isinstance(data, EvidenceSealed)
        return _masked_event(event, data, (), "")

    def run(self, stop_at: str = "") -> list[str]:
        """Return which were asked for."""
        self.asked, self.stop_at = [], stop_at
        self.stop.clear()
        source = EventLogSource(
            *(self.log_path, WANTED_TYPES, self.stop, self.drain, 1), begin=MASKED.place
        )
        sink = EventLogSink(self.log_path, along=MASKED.keep_place)
        mask = unless_masked(self.log_path, self.mask)
        cluster_main(build_mask_flow(mask, source, sink, self.stop), [], 0)
        return self.asked

    def place(self) -> int:
        with EventLog.open(self.log_path) as log:
            return MASKED.place(log)


def test_a_restart_goes_on_behind_what_the_log_has_the_masks_of(tmp_path: Path) -> None:
    masking = Masking(tmp_path / "events.sqlite")
    masking.seal(1, 2, 3)
    assert masking.run(stop_at="2") == ["1", "2"], "cut short by a stop"
    assert masking.run() == ["2", "3"]
    masking.seal(4)
    assert masking.run() == ["4"] and masking.run() == []


def test_one_that_cannot_be_masked_does_not_let_the_others_be_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.mask.FIRST_PAUSE_S", 0.0)
    masking = Masking(tmp_path / "events.sqlite")
    masking.seal(1, 2, 3)
    masking.raise_at = "1"
    assert {*masking.run()} == {"1", "2", "3"} and masking.place() == 0
    masking.raise_at = ""
    assert masking.run() == ["1"] and masking.place() > 3


def test_an_older_copy_of_the_log_brings_its_place_with_it(tmp_path: Path) -> None:
    masking = Masking(tmp_path / "events.sqlite")
    masking.seal(1)
    masking.run()
    shutil.copyfile(masking.log_path, tmp_path / "backup")
    masking.seal(2, 3)
    masking.run()
    masking.log_path.unlink()
    shutil.copyfile(tmp_path / "backup", masking.log_path)
    masking.seal(4, 5)
    assert masking.run() == ["4", "5"]


def test_the_place_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    data = DataDir(tmp_path)
    masking = Masking(data.events_db)
    masking.seal(1, 2)
    masking.run(stop_at="2")
    with EventLog.open(data.events_db) as log, log.writing("begin as it did") as connection:
        connection.exec_driver_sql("DELETE FROM consumers")
    (data.recovery / "mask").mkdir(parents=True)
    _forget_old_store(data)
    assert not (data.recovery / "mask").exists()
    assert masking.run() == ["2"]


@pytest.mark.triton
def test_a_sealed_record_gets_its_masked_clip_once(
    tmp_path: Path, sample_clip: Path, triton_address: str
) -> None:
    from footage_files import cut_clip
    from sealed_record import a_record

    from evidence_store.custody.chain import CustodyChain
    from evidence_store.keys.signing_keys import new_signer
    from evidence_store.vault.vault import Vault
    from flows.masks.clip import MaskTools
    from flows.masks.record import mask_record
    from models.serving.client import Detector, FaceDetector, connect

    vault, record = Vault(tmp_path / "evidence"), a_record()
    chain = CustodyChain(tmp_path / "custody.jsonl", new_signer())
    with vault.draft(record.evidence_id) as draft:
        cut_clip(sample_clip, 10, 11, draft / "clip.mp4")
        vault.seal(draft, record, {"clip.mp4": "clip"}, story(), None)
    event = sealed()
    assert isinstance(event.data, EvidenceSealed)
    data = event.data.model_copy(update={"evidence_id": record.evidence_id})
    event = replace(event, data=data)
    with connect(triton_address) as connection:
        tools = MaskTools(Detector(connection), FaceDetector(connection))
        first = mask_record(event, vault, chain, tools, "detector=aaaaaaaaaaaa")
        assert mask_record(event, vault, chain, tools) == first
    assert isinstance(first.data, EvidenceMasked) and first.data.reason == ""
    (file,) = first.data.files
    assert (file.name, file.role) == ("added/clip.masked.mp4", "masked clip")
    (entry,) = [each for each in chain.about(record.evidence_id) if each["kind"] == "added"]
    told = entry["details"]["how"]["clips"]["clip.masked.mp4"]
    assert told["from"] == "clip.mp4" and told["pictures"] >= 10


def test_a_clip_that_cannot_be_decoded_is_named_and_holds_up_nobody(tmp_path: Path) -> None:
    from sealed_record import a_record

    from evidence_store.custody.chain import CustodyChain
    from evidence_store.vault.vault import Vault
    from flows.masks.clip import MaskTools
    from flows.masks.record import mask_record

    vault, record = Vault(tmp_path / "evidence"), a_record()
    chain = CustodyChain(tmp_path / "custody.jsonl")
    with vault.draft(record.evidence_id) as draft:
        (draft / "clip.mp4").write_bytes(b"no video at all" * 99)
        vault.seal(draft, record, {"clip.mp4": "clip"}, story(), None)
    event = sealed()
    assert isinstance(event.data, EvidenceSealed)
    data = event.data.model_copy(update={"evidence_id": record.evidence_id})
    tools = MaskTools(None, None)  # type: ignore[arg-type]  # nobody is asked
    masked = mask_record(replace(event, data=data), vault, chain, tools).data
    assert isinstance(masked, EvidenceMasked) and masked.files == ()
    assert "clip.mp4" in masked.reason
    assert list(vault.folder.glob(".*")) == [] and chain.about(record.evidence_id) == []


def story() -> dict[str, object]:
    from tests.support.example_events import one_of_each

    outcome = next(each for each in one_of_each() if each.type == "forewarn.offence.escalated.v1")
    ended = {"type": outcome.type, "data": outcome.data.model_dump(mode="json")}
    clip = {
        "name": "clip.mp4",
        "from_at": START.isoformat(),
        "to_at": START.isoformat(),
        "stream_s": "0",
    }
    return {"outcome": ended, "clips": [clip]}
