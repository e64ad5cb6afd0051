from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.events.catalog import Event, EvidenceSealed, OutcomeData, Sighting
from domain.events.wall_time import in_wall_time
from evidence_store.media.stills import decode_picture, grab_frame
from flows.preservation.captions import drawing_of
from flows.preservation.clips import moments_of
from flows.preservation.draft_record import PreserveModels, PreserveParts
from flows.preservation.seal import preserve

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def sealed_data(event: Event) -> EvidenceSealed:
    assert isinstance(event.data, EvidenceSealed)
    return event.data


def picture(parts: PreserveParts, evidence_id: str, name: str) -> np.ndarray:
    path = parts.vault.folder_of(evidence_id) / name
    return decode_picture(path.read_bytes(), name).astype(int)


def test_each_moment_has_its_own_frame_with_the_faces_gone(
    parts: PreserveParts,
    sample_clip: Path,
    offence: Callable[..., Event],
) -> None:
    sealed = sealed_data(preserve(offence(), (), parts))
    for name, media_s in (("first", 8.0), ("rung-1", 12.0), ("last", 16.4)):
        frame = grab_frame(sample_clip, media_s).astype(int)
        assert np.abs(picture(parts, sealed.evidence_id, f"{name}.jpg") - frame).mean() < 3
        masked = picture(parts, sealed.evidence_id, f"{name}.masked.jpg")
        face = (slice(270, 305), slice(355, 410))
        assert np.abs(masked[face] - frame[face]).mean() > 4
        assert np.abs(masked[400:] - frame[400:]).mean() < 3


def test_everybody_but_the_subject_is_masked_from_head_to_foot(
    parts: PreserveParts,
    sample_clip: Path,
    offence: Callable[..., Event],
    known_people: Callable[..., Any],
) -> None:
    subject, other = (300.0, 150.0, 360.0, 290.0), (420.0, 160.0, 470.0, 280.0)
    models = replace(parts.models, people=known_people((subject, other)))
    sealed = sealed_data(preserve(offence(), (), replace(parts, models=models)))
    masked = picture(parts, sealed.evidence_id, "first.masked.jpg")
    original = picture(parts, sealed.evidence_id, "first.jpg")
    body = masked[160:280, 420:470].reshape(-1, 3)
    # JPEG rounds; sixteen flat blocks are left of a body
    assert len(np.unique(body // 16, axis=0)) <= 80
    legs = (slice(200, 288), slice(304, 350))
    assert np.median(np.abs(masked[legs] - original[legs])) < 3, "the subject's body stays"


def test_a_drawn_picture_shows_place_box_and_a_caption_on_the_masked_one(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    sealed = sealed_data(preserve(offence(), (), parts))
    masked = picture(parts, sealed.evidence_id, "last.masked.jpg")
    drawn = picture(parts, sealed.evidence_id, "last.drawn.jpg")
    height, width = masked.shape[:2]
    assert drawn.shape[1] == width and drawn.shape[0] > height + 80
    assert np.abs(drawn[440:height] - masked[440:]).mean() < 3, "nothing else is changed"
    box_edge, zone_corner = drawn[200:280, 300], drawn[int(0.28 * height) + 1, 330:590]
    assert (box_edge[:, 2] > 150).mean() > 0.9 and (box_edge[:, 0] < 110).mean() > 0.9
    assert (zone_corner[:, 0] > 180).mean() > 0.8 and (zone_corner[:, 2] < 110).mean() > 0.8
    assert (drawn[height:] > 200).any(), "there is something written below"


def test_what_is_written_says_what_was_measured_and_accuses_nobody(
    parts: PreserveParts, offence: Callable[..., Event]
) -> None:
    data = offence().data
    assert isinstance(data, OutcomeData)
    for moment in moments_of(data):
        said = " ".join(drawing_of(moment, data, parts.site).caption)
        assert "2026-03-02 08:00" in said and "GMT" in said
        assert "路口前场" in said and "Forecourt" in said
        assert "疑似" in said and "Suspected" in said
        for word in ("offender", "guilty", "violat", "illegal", "违法", "嫌疑人"):
            assert word not in said


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)])
def test_how_long_somebody_was_there_is_said_whatever_was_done_to_the_clock_meanwhile(
    parts: PreserveParts, offence: Callable[..., Event], step: timedelta
) -> None:
    """Before: a picture of sealed evidence said that somebody was there for 3,605 s, or for -3,595 s."""

    def stays(event: Event) -> list[str]:
        assert isinstance(event.data, OutcomeData)
        drawn = drawing_of(moments_of(event.data)[-1], event.data, parts.site)
        caption = " ".join(drawn.caption)
        return [*re.findall(r"there for \S+ s|已停留 \S+ 秒", caption), drawn.label]

    event = offence()
    assert isinstance(event.data, OutcomeData)
    last = event.data.last_sighting.at
    set_meanwhile = in_wall_time(event, lambda at: at + step if at >= last else at)
    assert set_meanwhile != event and len(stays(event)) == 3
    assert stays(set_meanwhile) == stays(event)


@pytest.mark.triton
def test_with_the_real_models_faces_are_masked_and_the_subject_found_again(
    parts: PreserveParts,
    triton_address: str,
    seen: Callable[..., Sighting],
    offence: Callable[..., Event],
) -> None:
    from models.appearance import describe
    from models.serving.client import Detector, Embedder, FaceDetector, connect

    with connect(triton_address) as connection:
        models = PreserveModels(
            Embedder(connection),
            FaceDetector(connection),
            Detector(connection),
            describe,
            "real",
        )
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
        assert 0.01 < changed.mean() < 0.25, "people, not the scene"
    record = parts.table.get(sealed[0].evidence_id)
    assert record is not None
    found = parts.table.search(record.embedding, k=2)
    assert found[0][0].evidence_id == record.evidence_id
    assert found[1][1] < found[0][1]
