"""One rule on one camera: hours, condition and ladder together."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_operators import pending
from ladder_and_log import Log
from people import BEGAN, at, stamp

from domain.cameras.status import CameraNotice, ReadCounts
from domain.coco_classes import COCO_IDS
from domain.events.catalog import (
    CommandRefused,
    Mark,
    OffenceData,
    OffenceOpened,
    OffenceWarned,
)
from domain.events.commands import CommandKind, Refusal
from domain.rule_key import RuleKey
from domain.site.loading import load_site
from domain.site.site import Site
from domain.tracks import SubjectLink, SubjectMatch, TrackedFrame
from flows.escalation.watched_rule import RuleWatch, watch_keys, watch_of
from flows.speech.voice.wording import words_known_beforehand
from tests.support.plain_state import plain_of

KEY = RuleKey("gate-early", "no-lingering")


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
    assert watch_keys(site) == {"gate-early": [KEY], "gate-late": []}


def test_an_empty_desk_is_an_offence_of_the_place(sample_site_file: Path) -> None:
    site = site_with(sample_site_file, condition={"absent": {"zones": ["forecourt-early"]}})
    watch = watch_of(site, KEY)
    frames = [frame(n / 2, () if n < 24 else ("person",)) for n in range(40)]
    lines = told(watch, frames)
    assert lines[:2] == [
        "5 opened gate-early/forecourt-early",
        "5 warned gate-early/forecourt-early",
    ]
    assert lines[-1].split()[1] == "complied"


def test_a_rule_outside_its_hours_sees_nobody(sample_site_file: Path) -> None:
    site = site_with(sample_site_file, hours="20:00-22:00")
    watch = watch_of(site, KEY)
    assert told(watch, [frame(n / 2, ("person",)) for n in range(40)]) == []


def test_weak_detections_do_not_count(sample_site_file: Path) -> None:
    watch = watch_of(load_site(sample_site_file), KEY)
    assert told(watch, [frame(n / 2, ("person",), score=0.2) for n in range(40)]) == []


def test_a_restart_in_the_middle_changes_nothing(sample_site_file: Path) -> None:
    """Also what a condition remembers survives: here, since when a car stands."""
    condition = {"stationary": {"zones": ["forecourt-early"], "classes": ["car"]}}
    site = site_with(sample_site_file, condition=condition)
    frames = [frame(n / 2, ("car", "person")) for n in range(60)]
    whole = told(watch_of(site, KEY), frames)
    assert whole[0] == "7 opened gate-early/1"  # stands after 2 s, offence 5 s later
    for cut in (1, 5, 13, 20):
        first, second = (watch_of(site, KEY) for _ in range(2))
        lines = told(first, frames[:cut])
        second.restore(pickle.loads(pickle.dumps(first.save())))
        assert lines + told(second, frames[cut - 1 :]) == whole


def test_news_that_the_camera_failed_is_told_of_who_was_there(sample_site_file: Path) -> None:
    watch = watch_of(site_with(sample_site_file), KEY)
    told(watch, [frame(n / 2, ("person",)) for n in range(20)])
    failed = CameraNotice(KEY.camera_id, "failed", None, at(10), ReadCounts(), 0.0)
    assert [each.data.state for each in watch.notice(failed)] == ["unknown"]  # type: ignore[attr-defined]


def test_what_is_marked_on_a_camera_that_is_away_is_refused_at_once(sample_site_file: Path) -> None:
    watch = watch_of(site_with(sample_site_file), KEY)
    told(watch, [frame(0, ())])
    watch.notice(CameraNotice(KEY.camera_id, "failed", None, at(10), ReadCounts(), 0.0))
    mark = Mark(x=0.5, y=0.5)
    (refused,) = watch.command(pending(CommandKind.START, "ofc-0123456789abcdef", mark=mark))
    assert isinstance(refused.data, CommandRefused) and refused.data.why is Refusal.NOT_FIT
    assert told(watch, [frame(20, ())]) == []  # nor when it is back
    later = pending(CommandKind.START, "ofc-fedcba9876543210", mark=mark)
    assert watch.command(later) == []
    assert told(watch, [frame(20.5, ())])[0].startswith("20.5 opened")


def test_a_command_that_waits_for_its_moment_outlasts_a_restart(sample_site_file: Path) -> None:
    site = site_with(sample_site_file)
    first, second = (watch_of(site, KEY) for _ in range(2))
    opened, *_ = [e for n in range(20) for e in first.step(frame(n / 2, ("person",)))]
    later = replace(pending(CommandKind.DISMISS, opened.subject), not_before=at(12))
    assert first.command(later) == []
    second.restore(first.save())
    frames = [frame(at_s, ("person",)) for at_s in (10, 11, 12, 13)]
    assert told(second, frames)[-1] == "12 dismissed gate-early/1"


PARKED = {"stationary": {"zones": ["forecourt-early"], "classes": ["car"]}}


def car(at_s: float, number: int, box: tuple[float, ...] = (380, 150, 480, 230)) -> TrackedFrame:
    return replace(
        frame(at_s, ("car",)),
        boxes_xyxy=np.array([box], np.float32),
        track_ids=np.array([number]),
    )


@pytest.mark.parametrize("spacing_s", [0.19, 0.2, 0.21, 1 / 3])
def test_what_stands_is_found_again_after_a_restart_under_a_new_number(
    sample_site_file: Path, spacing_s: float
) -> None:
    site = site_with(sample_site_file, condition=PARKED)
    before, log = watch_of(site, KEY), Log()
    for n in range(int(12 / spacing_s)):
        log.append(before.step(car(n * spacing_s, 1)))
    assert [event.data.state for event in log.story()] == ["opened", "warned", "warned"]  # type: ignore[attr-defined]
    again = watch_of(site, KEY)
    again.restore(before.save())
    known = [again.ladder.id_of(each) for each in again.ladder.offences.values()]
    again.adopt(log.stories(known, again.ladder.last_at))
    after = [e for n in range(int(20 / spacing_s)) for e in again.step(car(16 + n * spacing_s, 8))]
    assert {event.subject for event in after} == {log.story()[0].subject}
    assert [event.data.state for event in after][-1] == "escalated"  # type: ignore[attr-defined]


@pytest.mark.parametrize("hidden_s", [0.2, 0.4, 5.0])
def test_a_parked_car_is_not_said_to_have_left_because_a_lorry_hid_half_of_it(
    sample_site_file: Path, hidden_s: float
) -> None:
    site = site_with(sample_site_file, condition=PARKED)
    half = (380, 150, 415, 230)
    frames = [
        car(n / 5, 1, half) if 9 <= n / 5 < 9 + hidden_s else car(n / 5, 1) for n in range(150)
    ]
    states = [line.split()[1] for line in told(watch_of(site, KEY), frames)]
    assert states == ["opened", "warned", "warned", "warned", "escalated"]


def test_who_is_recognised_after_crossing_a_line_is_still_beyond_it(
    sample_site_file: Path,
) -> None:
    points = [[0.5, 0.1], [0.5, 0.9]]
    line = {"points": points, "id": "across", "title": {"zh": "线", "en": "Line"}}
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["cameras"][0]["lines"] = [line]
    raw["rules"][0]["condition"] = {"line_crossed": {"lines": ["across"]}}
    watch = watch_of(Site.model_validate(raw), KEY)

    def walker(at_s: float, number: int, x: float, *links: SubjectLink) -> TrackedFrame:
        box = np.array([[x - 15, 150, x + 15, 230]], np.float32)
        return replace(
            frame(at_s, ("person",)), boxes_xyxy=box, track_ids=np.array([number]), links=links
        )

    link = SubjectLink(1, 2, SubjectMatch(1, "return", 38.0, 0.9, 1.0, 0.005, True))
    frames = [walker(n / 5, 1, 200) for n in range(10)]
    frames += [replace(frame(n / 5, ()), links=()) for n in range(10, 200)]
    frames += [walker(40 + n / 5, 2, 200 + 30 * n) for n in range(15)]
    frames += [walker(43, 1, 620, link)]
    frames += [walker(43 + n / 5, 1, 620) for n in range(1, 100)]
    lines = told(watch, frames)
    assert {line.split()[1] for line in lines} == {"opened", "warned", "escalated"}


def test_a_condition_that_was_changed_begins_without_the_memory_of_the_one_before(
    sample_site_file: Path,
) -> None:
    points = [[0.1, 0.5], [0.9, 0.5]]
    line = {"points": points, "id": "across", "title": {"zh": "线", "en": "Line"}}
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["cameras"][0]["lines"] = [line]
    raw["rules"][0]["condition"] = {"line_crossed": {"lines": ["across"]}}
    crossing = watch_of(Site.model_validate(raw), KEY)
    told(crossing, [frame(n / 2, ("person",)) for n in range(4)])
    saved = crossing.save()
    assert plain_of(saved)["memory"], "positions beside the line"
    places = {"zones": ["forecourt-early"]}
    standing = watch_of(site_with(sample_site_file, condition={"stationary": places}), KEY)
    standing.restore(saved)
    lines = told(standing, [frame(n / 2, ("person",)) for n in range(4, 40)])
    assert [line.split()[1] for line in lines[:2]] == ["opened", "warned"]


def test_an_offence_that_is_open_when_the_hours_end_becomes_unknown(sample_site_file: Path) -> None:
    site = site_with(sample_site_file, hours="07:00-08:01")
    watch = watch_of(site, KEY)
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
    watch = watch_of(Site.model_validate(raw), KEY)
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


def test_what_is_started_by_hand_climbs_beside_what_the_rule_finds_also_after_a_restart(
    sample_site_file: Path,
) -> None:
    site, mark = load_site(sample_site_file), Mark(x=0.1, y=0.9)
    names = {"camera_id": "gate-early", "rule_id": "no-lingering"}
    start = pending(CommandKind.START, "ofc-0123456789abcdef", mark=mark, **names)
    frames = [frame(n / 2, ("person",)) for n in range(60)]

    def watched(cut: int | None) -> list[tuple[str, str]]:
        watch, log = watch_of(site, KEY), Log()
        for n, each in enumerate(frames):
            if n == 12:
                log.append(watch.command(start))
            if n == cut:
                saved, known = watch.save(), [*watch.marked.ids]
                watch = watch_of(site, KEY, lambda event_id: log.events.get(event_id))
                watch.restore(saved)
                known += [watch.ladder.id_of(o) for o in watch.ladder.offences.values()]
                log.append(watch.adopt(log.stories(known, watch.ladder.last_at)))
            log.append(watch.step(each))
        moves = [e for e in log.story() if isinstance(e.data, OffenceData)]
        return [(e.subject, e.data.state) for e in moves]

    whole = watched(None)
    by_hand = [state for subject, state in whole if subject == start.given.offence_id]
    assert by_hand[:2] == ["opened", "warned"] and by_hand[-1] == "escalated"
    assert len({subject for subject, _ in whole}) == 2
    for cut in (12, 13, 20, 30):
        assert watched(cut) == whole


def test_a_mark_lies_in_the_rules_zone_and_outside_its_hours_starts_nothing(
    sample_site_file: Path,
) -> None:
    names = {"camera_id": "gate-early", "rule_id": "no-lingering", "mark": Mark(x=0.5, y=0.9)}
    start = pending(CommandKind.START, "ofc-0123456789abcdef", **names)
    watch = watch_of(load_site(sample_site_file), KEY)
    watch.command(start)
    opened = watch.step(frame(1, ()))[0].data
    assert isinstance(opened, OffenceOpened) and opened.zone_id == "forecourt-early"
    closed = watch_of(site_with(sample_site_file, hours="20:00-22:00"), KEY)
    assert closed.command(start) == []
    (refused,) = closed.step(frame(1, ()))
    assert isinstance(refused.data, CommandRefused)
    assert refused.data.why is Refusal.OUT_OF_HOURS
