"""Sealed evidence gets its masked clip once, also through waits and restarts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import TryAgain
from domain.events.catalog import Event, EvidenceFile, EvidenceMasked, EvidenceSealed
from event_log.rows import LoggedEvent
from flows.mask import MaskLogic, Stopped

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CLIP = EvidenceFile(name="clip.mp4", role="clip", sha256="0" * 64, size_bytes=1)


def sealed() -> Event:
    data = EvidenceSealed(
        evidence_id="evd-0123456789abcdef",
        offence_id="ofc-0123456789abcdef",
        site_id="campus",
        camera_id="gate",
        rule_id="no-lingering",
        outcome="complied",
        complete=True,
        missing=(),
        files=(CLIP,),
    )
    return Event("evt-1", "forewarn/campus/preserve", data.evidence_id, START, data)


def logic(mask: Callable[[Event], Event], resume: Event | None = None) -> MaskLogic:
    return MaskLogic(mask, threading.Event(), lambda: None, resume)


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


def test_work_cut_short_by_a_stop_is_done_after_the_next_start() -> None:
    def stopped(event: Event) -> Event:
        raise Stopped("the program is asked to end")

    first = logic(stopped)
    assert first.on_batch([LoggedEvent(1, sealed(), START)]) == ([], MaskLogic.RETAIN)
    resumed = logic(lambda event: replace(event, id="evt-2"), first.snapshot())
    assert resumed.notify_at() is not None
    assert [each.id for each in resumed.on_notify()[0]] == ["evt-2"]


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
