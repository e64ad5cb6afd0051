"""One rule on one camera: hours, condition and ladder together."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
from people import BEGAN, stamp

from domain.classes import COCO_IDS
from domain.events import OffenceWarned
from domain.site import Site
from domain.site_file import load_site
from domain.tracks import TrackedFrame
from flows.steps.call_words import words_known_beforehand
from flows.steps.rule_watch import RuleWatch, watch_keys, watch_of


def site_with(sample_site_file: Path, **rule: Any) -> Site:
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["rules"][0] |= rule
    return Site.model_validate(raw)


def frame(at_s: float, names: tuple[str, ...], score: float = 0.8) -> TrackedFrame:
    """Things that stand in the middle of the zone, numbered from 1."""
    n = len(names)
    return TrackedFrame(
        frame=stamp(at_s, "gate-early"),
        boxes_xyxy=np.tile(np.array([400, 150, 430, 230], np.float32), (n, 1)).reshape(n, 4),
        scores=np.full(n, score, np.float32),
        class_ids=np.array([COCO_IDS[name] for name in names], np.int64),
        track_ids=np.arange(1, n + 1),
    )


def told(watch: RuleWatch, frames: list[TrackedFrame]) -> list[str]:
    return [
        f"{(event.time - BEGAN).total_seconds():g} {event.data.state} {event.data.subject_id}"  # type: ignore[attr-defined]
        for each in frames
        for event in watch.step(each)
    ]


def test_a_rule_watches_only_cameras_that_see_its_places(sample_site_file: Path) -> None:
    site = site_with(sample_site_file, condition={"present": {"zones": ["forecourt-early"]}})
    assert watch_keys(site) == {"gate-early": ["gate-early|no-lingering"], "gate-late": []}


def test_an_empty_desk_is_an_offence_of_the_place(sample_site_file: Path) -> None:
    site = site_with(sample_site_file, condition={"absent": {"zones": ["forecourt-early"]}})
    watch = watch_of(site, "gate-early|no-lingering")
    frames = [frame(n / 2, () if n < 24 else ("person",)) for n in range(40)]
    lines = told(watch, frames)
    assert lines[:2] == [
        "5 opened gate-early/forecourt-early",
        "5 warned gate-early/forecourt-early",
    ]
    assert lines[-1].split()[1] == "complied"


def test_a_rule_outside_its_hours_sees_nobody(sample_site_file: Path) -> None:
    site = site_with(sample_site_file, hours="20:00-22:00")
    watch = watch_of(site, "gate-early|no-lingering")
    assert told(watch, [frame(n / 2, ("person",)) for n in range(40)]) == []


def test_weak_detections_do_not_count(sample_site_file: Path) -> None:
    watch = watch_of(load_site(sample_site_file), "gate-early|no-lingering")
    assert told(watch, [frame(n / 2, ("person",), score=0.2) for n in range(40)]) == []


def test_a_restart_in_the_middle_changes_nothing(sample_site_file: Path) -> None:
    """Also what a condition remembers survives: here, since when a car stands."""
    condition = {"stationary": {"zones": ["forecourt-early"], "classes": ["car"]}}
    site = site_with(sample_site_file, condition=condition)
    frames = [frame(n / 2, ("car", "person")) for n in range(60)]
    whole = told(watch_of(site, "gate-early|no-lingering"), frames)
    assert whole[0] == "7 opened gate-early/1"  # stands after 2 s, offence 5 s later
    for cut in (1, 5, 13, 20):
        first, second = (watch_of(site, "gate-early|no-lingering") for _ in range(2))
        lines = told(first, frames[:cut])
        second.restore(pickle.loads(pickle.dumps(first.save())))
        assert lines + told(second, frames[cut - 1 :]) == whole


def test_an_offence_that_is_open_when_the_hours_end_becomes_unknown(sample_site_file: Path) -> None:
    site = site_with(sample_site_file, hours="07:00-08:01")
    watch = watch_of(site, "gate-early|no-lingering")
    lines = told(watch, [frame(50 + n / 2, ("person",)) for n in range(40)])
    assert [line.split()[1] for line in lines] == ["opened", "warned", "warned", "unknown"]
    assert lines[-1].startswith("59.5 ")


def test_a_warning_holds_the_words_that_are_spoken_not_the_template(sample_site_file: Path) -> None:
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["site"]["timezone"] = "Asia/Shanghai"
    for rung in raw["ladders"][0]["rungs"]:
        rung["text"] = {
            "zh": "{time}，您已在{zone}停留{dwell}，第{rung}次。",
            "en": "It is {time}. {dwell} on the {zone}: call {rung} of {of_rungs}.",
        }
    watch = watch_of(Site.model_validate(raw), "gate-early|no-lingering")
    frames = [frame(n / 2, ("person",)) for n in range(18)]
    texts = [
        event.data.text
        for each in frames
        for event in watch.step(each)
        if isinstance(event.data, OffenceWarned)
    ]
    assert [text.en for text in texts] == [
        "It is 4 p.m. 5 seconds on the Forecourt: call 1 of 3.",
        "It is 4 p.m. 8 seconds on the Forecourt: call 2 of 3.",
    ]
    assert texts[1].zh == "下午四点，您已在路口前场停留八秒，第二次。"


def test_calls_that_say_nothing_of_the_moment_are_known_beforehand(sample_site_file: Path) -> None:
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    rungs = raw["ladders"][0]["rungs"]
    rungs[0]["text"] = {"zh": "{zone}", "en": "{zone} {rung}"}
    rungs[1]["text"] = {"zh": "{zone}", "en": "{dwell}"}
    raw["operators"] = {
        "texts": [
            {"id": "dog", "text": {"zh": "狗", "en": "Dogs off the {zone}"}},
            {"id": "now", "text": {"zh": "狗", "en": "It is {time}"}},
        ]
    }
    known = words_known_beforehand(Site.model_validate(raw))
    assert {each.text.en for each in known} == {
        "Forecourt 1",
        rungs[2]["text"]["en"],
        "Dogs off the Forecourt",
    }
