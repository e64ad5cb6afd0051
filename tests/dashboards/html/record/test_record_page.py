"""The page of one record: its player, its calls, its facts, and what is offered to whom."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboards.access.file_tokens import FileTokens
from dashboards.data.offence_projection import OffenceProjection
from dashboards.data.record_lookup import StoredRecord, events_of_story
from dashboards.display_names import DisplayNames
from dashboards.html.record.clips import clip_players
from dashboards.html.record.facts import call_lines, verification_line
from dashboards.html.record.page import bar_of, record_page
from dashboards.texts import Lang
from domain.access.permissions import Permission
from domain.events.catalog import AnnouncementMade, EvidenceFile, EvidenceMasked, OutcomeData
from tests.support.example_events import one_of_each
from tests.support.sealed_record import EVIDENCE_ID, a_record

EVERYTHING = frozenset(Permission)
ACTS = ("verify", "unmasked", "export", "hold", "release")


def file_of(name: str, role: str) -> EvidenceFile:
    return EvidenceFile(name=name, role=role, sha256="ab" * 32, size_bytes=2048)


MASKED = file_of("added/clip.masked.mp4", "masked clip")
FILES = (
    file_of("clip.mp4", "clip"),
    file_of("first.jpg", "snapshot"),
    file_of("first.masked.jpg", "masked snapshot"),
    file_of("call-1.wav", "announcement"),
)


def told() -> dict[str, Any]:
    """Tell one offence's story: opened, warned, called, escalated, and a clip of 20 s at 10 pictures a second."""
    events = [event for event in one_of_each() if event.type in WANTED]
    offence_id = "ofc-1"
    plain = [
        {
            "id": event.id,
            "type": event.type,
            "time": event.time.isoformat(),
            "data": event.data.model_dump(mode="json") | {"offence_id": offence_id},
        }
        for event in events
    ]
    outcome = next(event.data for event in events if isinstance(event.data, OutcomeData))
    begins = outcome.first_sighting.at - timedelta(seconds=3)
    call = next(event for event in events if isinstance(event.data, AnnouncementMade))
    return {
        "history": plain,
        "outcome": next(each for each in plain if each["type"] == outcome.event_type),
        "calls": [{"event_id": call.id, "file": "call-1.wav"}],
        "clips": [
            {
                "name": "clip.mp4",
                "from_at": begins.isoformat(),
                "to_at": (begins + timedelta(seconds=20)).isoformat(),
                "packets": 200,
                "stream_s": str(outcome.first_sighting.media_time_s - 3.0),
            }
        ],
    }


WANTED = {
    "forewarn.offence.opened.v1",
    "forewarn.offence.warned.v1",
    "forewarn.announcement.made.v1",
    "forewarn.offence.escalated.v1",
}


def stored_of(**changes: Any) -> StoredRecord:
    story = told()
    record = replace(a_record(), files=FILES)
    projection = OffenceProjection(ZoneInfo("UTC"))
    projection.take(events_of_story(story))
    made = StoredRecord(
        record, story, projection.offences[record.offence_id], (), (), (MASKED,), ()
    )
    return replace(made, **changes)


def draw(stored: StoredRecord, may: Collection[Permission] = EVERYTHING, lang: Lang = "en") -> str:
    names = DisplayNames(None, lang)
    bar = bar_of(names, EVIDENCE_ID, ["live"], "Wang", "forewarn people add")
    return record_page(stored, names, FileTokens(), may, bar)


def entry(number: int, kind: str, evidence_id: str = EVIDENCE_ID, **details: Any) -> dict[str, Any]:
    at = f"2026-03-02T09:00:{number:02}.000+00:00"
    about = {"number": number, "kind": kind, "evidence_id": evidence_id}
    return {**about, "at": at, "who": "Wang", "details": details}


def test_each_rung_is_a_mark_at_its_second_of_the_clip() -> None:
    stored = stored_of()
    [player] = clip_players(stored, DisplayNames(None, "en"), lambda name: name)
    outcome = next(e.data for e in stored.offence.history if isinstance(e.data, OutcomeData))
    seen = [outcome.first_sighting, *outcome.rung_sightings, outcome.last_sighting]
    starts_s = outcome.first_sighting.media_time_s - 3.0
    wanted = [s.media_time_s - starts_s for s in seen if 0 <= s.media_time_s - starts_s <= 20]
    assert [mark.at_s for mark in player.marks] == pytest.approx(wanted, abs=0.01)
    assert [mark.place for mark in player.marks] == pytest.approx(
        [5 * at for at in wanted], abs=0.1
    )
    assert player.fps == 10.0
    assert player.address == MASKED.name


def test_boxes_are_fractions_of_the_picture_in_order_of_time() -> None:
    [player] = clip_players(stored_of(), DisplayNames(None, "en"), lambda name: name)
    boxes = json.loads(player.boxes)
    assert boxes
    assert [box[0] for box in boxes] == sorted(box[0] for box in boxes)
    assert all(0 <= value <= 1 for box in boxes for value in box[1:])


def test_a_clip_without_numbers_plays_without_marks() -> None:
    [player] = clip_players(stored_of(story={}), DisplayNames(None, "en"), lambda name: name)
    assert (player.marks, player.boxes) == ([], "[]")
    assert player.fps > 0


@pytest.mark.parametrize(
    ("result", "wanted"), [("played", "was spoken"), ("written", "written as a file")]
)
def test_spoken_is_said_only_where_somebody_could_hear_it(result: str, wanted: str) -> None:
    stored = stored_of()
    history = tuple(
        replace(event, data=event.data.model_copy(update={"result": result}))
        if isinstance(event.data, AnnouncementMade)
        else event
        for event in stored.offence.history
    )
    stored = replace(stored, offence=replace(stored.offence, history=history))
    [call] = call_lines(stored, DisplayNames(None, "en"), lambda name: name)
    assert wanted in call.results[0].text
    assert ("spoken" in call.results[0].text) == (result == "played")
    assert call.sound == "call-1.wav"
    assert call.zh and call.en


@pytest.mark.parametrize(
    ("own", "of_all", "wanted"),
    [
        ((), (), "Not verified"),
        ((entry(5, "verified", records=1, problems=0),), (), "as it was sealed"),
        ((entry(5, "verified", records=1, problems=2),), (), "2 faults"),
        ((), (entry(6, "verified", "", records=9, problems=0),), "as it was sealed"),
        ((), (entry(6, "verified", "", records=9, problems=1),), "verify this one"),
        # before this record was there
        ((), (entry(2, "verified", "", records=9, problems=0),), "Not verified"),
    ],
)
def test_the_last_verification_since_the_sealing_counts(own, of_all, wanted) -> None:
    stored = stored_of(entries=(entry(3, "sealed"), *own), checks=of_all)
    assert wanted in verification_line(stored, DisplayNames(None, "en")).text


@pytest.mark.parametrize(
    ("may", "wanted"),
    [
        ({Permission.SEE_MASKED}, {"verify"}),
        ({Permission.SEE_MASKED, Permission.EXPORT_MASKED}, {"verify", "export"}),
        ({Permission.SEE_MASKED, Permission.HOLD}, {"verify", "hold"}),
        ({Permission.SEE_MASKED, Permission.RELEASE}, {"verify"}),  # nothing is held
        ({Permission.SEE_MASKED, Permission.SEE_UNMASKED}, {"verify", "unmasked"}),
    ],
)
def test_nobody_is_offered_what_they_may_not_do(may, wanted) -> None:
    drawn = draw(stored_of(), may)
    assert set(re.findall(r'data-act="(\w+)"', drawn)) == wanted
    assert ('name="unmasked"' in drawn) == (Permission.EXPORT_UNMASKED in may)


def test_no_address_of_an_original_is_in_the_page() -> None:
    drawn = draw(stored_of())
    assert "/first.masked.jpg?" in drawn
    assert "/added/clip.masked.mp4?" in drawn
    assert "/first.jpg?" not in drawn
    assert "/clip.mp4?" not in drawn


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_ids_hashes_and_custody_stand_there_to_be_copied(lang: Lang) -> None:
    stored = stored_of(entries=(entry(3, "sealed"),), manifest_sha256="cd" * 32, key_id="ef" * 32)
    drawn = draw(stored, lang=lang)
    for copied in (EVIDENCE_ID, "ofc-1", "cd" * 32, "ef" * 32, "ab" * 32):
        assert f'data-copy="{copied}"' in drawn
    assert ("封存" if lang == "zh" else "sealed") in drawn


def test_a_clip_that_is_not_masked_yet_or_cannot_be_is_said_so() -> None:
    stored = stored_of(masked_clips=())
    assert "still being made" in draw(stored)
    failed = next(e for e in one_of_each() if isinstance(e.data, EvidenceMasked))
    why = replace(failed, data=failed.data.model_copy(update={"files": (), "reason": "no picture"}))
    history = (*stored.offence.history, why)
    drawn = draw(replace(stored, offence=replace(stored.offence, history=history)))
    assert "could not be masked, so it is not shown: no picture" in drawn
    assert "<video" not in drawn


@pytest.mark.parametrize(("lang", "instead"), [("en", "in the access log"), ("zh", "见访问记录")])
def test_who_looked_and_why_is_for_those_who_may_read_the_access_log(
    lang: Lang, instead: str
) -> None:
    looked = {
        "number": 7,
        "at": "2026-03-02T09:00:00.000+00:00",
        "who": "olga",
        "kind": "viewed",
        "evidence_id": EVIDENCE_ID,
        "details": {"reason": "appeal of 3 March", "files": []},
    }
    stored = stored_of(entries=(looked,))
    assert "olga" in draw(stored, lang=lang) and "appeal of 3 March" in draw(stored, lang=lang)
    told = draw(stored, EVERYTHING - {Permission.READ_ACCESS_LOG}, lang)
    assert "olga" not in told and "appeal" not in told
    assert instead in told
