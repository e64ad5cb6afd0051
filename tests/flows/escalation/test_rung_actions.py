"""A rung does what its `does` lists: speak, tell people, open a case, ask for an officer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from people import BEGAN, stamp
from pydantic import ValidationError

from domain.coco_classes import COCO_IDS
from domain.events.catalog import Event, NotificationRequested
from domain.events.requests import CaseRequested, RequestData
from domain.ids import mint
from domain.rule_key import RuleKey
from domain.site.site import Site
from domain.tracks import TrackedFrame
from flows.escalation.watched_rule import watch_of

ACCUSING = (
    "offender",
    "violat",
    "guilty",
    "culprit",
    "perpetrator",
    "违法",
    "违规",
    "犯",
    "嫌疑人",
)

KEY = RuleKey("north", "keep-off")


def site_of(rungs: list[dict[str, Any]], **ladder: Any) -> Site:
    title = {"zh": "名", "en": "Name"}
    zone = {"id": "lawn", "title": {"zh": "草坪", "en": "Lawn"}}
    polygon = [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
    return Site.model_validate(
        {
            "site": {"id": "square", "title": title, "enforcement": "demonstration"},
            "cameras": [
                {
                    "id": "north",
                    "title": title,
                    "url": "a.mp4",
                    "zones": [zone | {"polygon": polygon}],
                }
            ],
            "rules": [
                {
                    "id": "keep-off",
                    "title": {"zh": "勿踏草坪", "en": "Keep off the lawn"},
                    "category": "green/lawn",
                    "condition": {"present": {"zones": ["lawn"]}},
                    "threshold_s": 1,
                    "ladder": "calls",
                }
            ],
            "ladders": [{"id": "calls", "rungs": rungs, **ladder}],
            "recipients": [{"id": "desk", "url_env": "DESK"}, {"id": "chief", "url_env": "CHIEF"}],
        }
    )


def rung(number: int, *does: str, **more: Any) -> dict[str, Any]:
    text = {"text": {"zh": "请离开", "en": "Please go"}} if "announce" in does else {}
    return {"id": f"r{number}", "after_s": 2 if number > 1 else 0, "does": does, **text, **more}


def frame(at_s: float, *, inside: bool) -> TrackedFrame:
    left = 100 if inside else 600
    return TrackedFrame(
        frame=stamp(at_s),
        boxes_xyxy=np.array([[left, 100, left + 30, 180]], np.float32),
        scores=np.array([0.8], np.float32),
        class_ids=np.array([COCO_IDS["person"]], np.int64),
        track_ids=np.array([1]),
    )


def events(site: Site, leaves_s: float = 99) -> list[Event]:
    """Twelve seconds at 2 frames a second."""
    watch = watch_of(site, KEY)
    return [e for n in range(25) for e in watch.step(frame(n / 2, inside=n / 2 < leaves_s))]


def told(found: list[Event]) -> list[str]:
    return [
        f"{(e.time - BEGAN).total_seconds():g} {e.type.removeprefix('forewarn.')[:-3]}"
        for e in found
    ]


def test_each_thing_that_a_rung_does_is_an_event_after_the_move() -> None:
    rungs = [rung(1, "announce"), rung(2, "announce", "notify", "open_case", "request_officer")]
    found = events(site_of(rungs, escalate_after_s=2))
    assert told(found) == [
        "1 offence.opened",
        "1 offence.warned",
        "3 offence.warned",
        "3 notification.requested",
        "3 case.requested",
        "3 officer.requested",
        "5 offence.escalated",
    ]
    asked = found[3].data
    assert isinstance(asked, NotificationRequested)
    assert asked.recipients == ("desk", "chief")
    assert (asked.asked_by, asked.rung_id, asked.rung_number, asked.rung_count) == (
        "rung",
        "r2",
        2,
        2,
    )
    assert asked.evidence_id == mint("evd", asked.offence_id)
    assert (asked.rule_title.en, asked.category) == ("Keep off the lawn", "green/lawn")
    assert (asked.place_title.en, asked.camera_title.en) == ("Lawn", "Name")
    assert found[3].subject == asked.offence_id


def test_a_rung_without_announce_says_nothing_and_who_leaves_then_was_not_warned() -> None:
    rungs = [rung(1, "notify", notifies=["desk"]), rung(2, "announce")]
    found = events(site_of(rungs, comply_after_s=0), leaves_s=2)
    assert told(found) == [
        "1 offence.opened",
        "1 offence.climbed",
        "1 notification.requested",
        "2 offence.lapsed",
    ]
    assert found[2].data.recipients == ("desk",)  # type: ignore[attr-defined]


def test_a_silent_ladder_still_ends_with_a_person_asked_for() -> None:
    site = site_of(
        [rung(1, "request_officer"), rung(2, "notify")],
        escalate_after_s=1,
        escalation_does=["open_case", "notify"],
        escalation_notifies=["chief"],
    )
    found = events(site)
    assert told(found) == [
        "1 offence.opened",
        "1 offence.climbed",
        "1 officer.requested",
        "3 offence.climbed",
        "3 notification.requested",
        "4 offence.escalated",
        "4 case.requested",
        "4 notification.requested",
    ]
    assert {e.data.state for e in found[:5]} == {"opened"}  # type: ignore[attr-defined]
    assert found[-1].data.recipients == ("chief",)  # type: ignore[attr-defined]


def test_replayed_frames_make_the_same_requests_and_a_case_is_named_once() -> None:
    rungs = [rung(1, "announce", "open_case"), rung(2, "open_case", "notify")]
    site = site_of(rungs, escalate_after_s=1, escalation_does=["open_case"])
    first, second = events(site), events(site)
    assert [e.id for e in first] == [e.id for e in second]
    assert len({e.id for e in first}) == len(first)
    cases = [e.data.case_id for e in first if isinstance(e.data, CaseRequested)]
    assert len(cases) == 3 and len(set(cases)) == 1


def test_no_wording_accuses_anybody() -> None:
    found = events(site_of([rung(1, "announce", "notify", "open_case", "request_officer")]))
    requests = [e.data for e in found if isinstance(e.data, RequestData)]
    assert len(requests) == 3
    for request in requests:
        said = (request.wording.zh + request.wording.en).lower()
        assert not [word for word in ACCUSING if word in said], said
        assert "suspected" in said and "疑似" in said


@pytest.mark.parametrize(
    ("does", "more", "words"),
    [
        (["announce", "announce"], {}, "each thing once"),
        (["open_case"], {"notifies": ["desk"]}, "has no notify"),
        (["notify"], {"notifies": ["nobody"]}, "which is not defined; recipients: chief, desk"),
        (["shout"], {}, "Input should be"),
        ([], {}, "at least 1"),
    ],
)
def test_what_a_rung_cannot_do_is_refused(
    does: list[str], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValidationError, match=words):
        site_of([rung(1, *does) | more])


def test_a_rung_that_announces_needs_its_text() -> None:
    with pytest.raises(ValidationError, match="needs a text"):
        site_of([{"id": "ask", "after_s": 0}])


def test_requests_that_a_crash_kept_out_of_the_log_are_made_when_the_camera_is_taken_up_again() -> (
    None
):
    rungs = [rung(1, "announce"), rung(2, "announce", "notify", "open_case")]
    site = site_of(rungs, escalate_after_s=2)
    watch, found = watch_of(site, KEY), list[Event]()
    for n in range(6):  # up to 2.5 s: the second rung is still to come
        found += watch.step(frame(n / 2, inside=True))
    saved = watch.save()
    found += watch.step(frame(3, inside=True))
    assert told(found)[-2:] == ["3 notification.requested", "3 case.requested"]
    again = watch_of(site, KEY)
    again.restore(saved)
    made = again.adopt({found[0].subject: found[:-2]})
    assert made == found[-2:]
    again = watch_of(site, KEY)
    again.restore(saved)
    assert again.adopt({found[0].subject: found}) == []


def test_a_rung_that_the_site_file_has_no_more_asks_for_nothing_again() -> None:
    site = site_of([rung(1, "announce"), rung(2, "announce", "notify")], escalate_after_s=2)
    found = events(site)
    shorter = watch_of(site_of([rung(1, "announce")]), KEY)
    shorter.step(frame(0, inside=False))
    assert shorter.adopt({found[0].subject: found[:3]}) == []
