"""Nobody is said to have left who was not seen leaving: walkers through the real tracker, rule and ladder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_operators import pending
from people import BEGAN
from plain_frames import detections

from domain.detections import Detections
from domain.events.catalog import (
    Event,
    OffenceComplied,
    OffenceDismissed,
    OffenceUnknown,
    OutcomeData,
)
from domain.events.commands import CommandKind
from domain.rule_key import RuleKey
from domain.site.loading import load_site
from domain.site.site import Site
from domain.tracks import Track
from flows.escalation.logic import SubjectStanding, standings_of
from flows.escalation.watched_rule import RuleWatch, watch_of
from flows.tracking.colours import SIZE
from flows.tracking.track import CameraTracker

Box = tuple[float, float, float, float]
Where = Callable[[float], Box | None]
Person = tuple[str, Where]  # clothes, where at a time

KEY = RuleKey("gate-early", "no-lingering")
FORECOURT = [[0.1, 0.2], [0.9, 0.2], [0.9, 1.0], [0.1, 1.0]]  # of a picture of 768 x 576
ALL = range(256)
WORN = {"red": ALL[3:9], "blue": ALL[100:106], "sign": ALL[50:56], "black": ALL[20:24]}
CLOTHES = {
    name: np.isin(np.arange(SIZE), [*bins, *(bin_ + 1 for bin_ in bins)]).astype(np.float32)
    for name, bins in WORN.items()
}
CLOTHES = {name: worn / np.linalg.norm(worn) for name, worn in CLOTHES.items()}


def at(x: float, y: float = 300, height: float = 100) -> Box:
    """Return the box of somebody whose head is there."""
    return (x - height / 5, y, x + height / 5, y + height)


def stands(x: float, from_s: float = 0.0, to_s: float = 1e9) -> Where:
    return lambda t: at(x) if from_s <= t < to_s else None


def unseen(where: Where, *gaps: tuple[float, float]) -> Where:
    return lambda t: None if any(a <= t < b for a, b in gaps) else where(t)


def seen(t: float, people: Sequence[Person], looked_at: Box | None) -> Detections:
    """Return what the detector sees, described by clothes."""
    there = [(worn, box) for worn, where in people if (box := where(t)) is not None]
    looks = np.array([CLOTHES[worn] for worn, _ in there], np.float16).reshape(-1, SIZE)
    found = replace(detections(t, [box for _, box in there], "gate-early"), appearances=looks)
    return found if looked_at is None else replace(found, looked_at_xyxy=np.array([looked_at]))


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    return site_with(sample_site_file)


def site_with(sample_site_file: Path, **rule: Any) -> Site:
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["cameras"][0]["zones"][0]["polygon"] = FORECOURT
    raw["rules"][0] |= rule
    raw["ladders"][0]["rungs"][1]["after_s"] = 10
    raw["ladders"][0]["rungs"][2]["after_s"] = 10
    return Site.model_validate(raw)


def watched(
    site: Site,
    people: Sequence[Person],
    until_s: float,
    fps: float = 5,
    looked_at: Box | None = None,
    saved_at_s: float | None = None,
    score: Callable[[float], float] = lambda t: 0.8,
) -> list[Event]:
    """Return what comes of it; the state is saved and restored once."""
    tracker, watch = CameraTracker(fps, 0.3), watch_of(site, KEY)
    events: list[Event] = []
    for n in range(round(until_s * fps)):
        t = n / fps
        if saved_at_s is not None and t >= saved_at_s:
            tracker, watch = _restored(tracker, watch, CameraTracker(fps, 0.3), watch_of(site, KEY))
            saved_at_s = None
        found = seen(t, people, looked_at)
        found.scores[:] = score(t)
        tracked = tracker.update(found)
        assert tracked is not None
        events += watch.step(tracked)
    return events


def _restored(
    tracker: CameraTracker, watch: RuleWatch, to: CameraTracker, to_watch: RuleWatch
) -> tuple[CameraTracker, RuleWatch]:
    to.restore(tracker.save())
    to_watch.restore(watch.save())
    return to, to_watch


def told(events: Sequence[Event]) -> list[str]:
    return [event.data.state for event in events if "offence" in event.type]  # type: ignore[attr-defined]


def outcomes(events: Sequence[Event]) -> list[OutcomeData]:
    return [event.data for event in events if isinstance(event.data, OutcomeData)]


@pytest.mark.parametrize("fps", [10, 5, 2.5])
@pytest.mark.parametrize("gap_s", [2.4, 3, 7, 25])
def test_behind_a_sign_nobody_complies_and_nobody_is_called_again(
    site: Site, fps: float, gap_s: float
) -> None:
    people = [("red", unseen(stands(384), (8, 8 + gap_s)))]
    events = watched(site, people, 35 + gap_s, fps)
    assert told(events) == ["opened", "warned", "warned", "warned", "escalated"]
    (end,) = outcomes(events)
    assert end.unseen_s == pytest.approx(gap_s, abs=3 / fps)
    assert end.dwell_s == pytest.approx((events[-1].time - BEGAN).total_seconds(), abs=1)


def test_the_rung_that_comes_due_meanwhile_waits_until_they_are_seen(site: Site) -> None:
    events = watched(site, [("red", unseen(stands(384), (12, 22)))], 25)
    calls = [(event.time - BEGAN).total_seconds() for event in events if "warned" in event.type]
    assert calls[0] == pytest.approx(5, abs=0.5)
    assert 22 <= calls[1] <= 23.2  # and not ten seconds after the first


def walks(x: float, speed: float, y: float = 300, *, to_s: float = 1e9) -> Where:
    return lambda t: at(x + speed * t, y) if t < to_s else None


@pytest.mark.parametrize("fps", [10, 5, 2.5])
def test_who_walks_out_of_the_zone_and_is_lost_there_has_complied(site: Site, fps: float) -> None:
    """The zone ends at 691 px; they are lost a step before, 60 px a second."""
    events = watched(site, [("red", walks(140, 60, to_s=8.8))], 20, fps)
    assert told(events) == ["opened", "warned", "complied"]
    (end,) = outcomes(events)
    assert isinstance(end, OffenceComplied) and end.basis == "last seen on the way out"
    assert (events[-1].time - BEGAN).total_seconds() < 12


@pytest.mark.parametrize("fps", [10, 5, 2.5])
def test_who_leaves_by_the_pictures_edge_has_complied(site: Site, fps: float) -> None:
    def goes_down(t: float) -> Box | None:
        x1, y1, x2, y2 = at(384, 300 + 20 * t)
        return (x1, y1, x2, min(y2, 576.0)) if t < 11.6 else None

    events = watched(site, [("red", goes_down)], 20, fps)
    assert told(events) == ["opened", "warned", "complied"]
    assert outcomes(events)[0].basis == "last seen on the way out"  # type: ignore[attr-defined]


def test_who_leaves_by_the_border_of_a_view_has_complied(site: Site) -> None:
    """Nobody looks beyond 560 px, where the zone goes on."""
    people = [("red", walks(140, 60, to_s=6.8))]
    assert told(watched(site, people, 20, looked_at=(0, 0, 560, 576))) == [
        "opened",
        "warned",
        "complied",
    ]
    assert told(watched(site, people, 50)) == ["opened", "warned", "unknown"]


def test_who_is_still_followed_by_weak_boxes_has_not_left(site: Site) -> None:
    """Before: they complied when their last good box was too old, if they walked just then."""

    def paces(t: float) -> Box:
        return at(585 + 35 * min(max(t - 17.4, 0), 2.6))  # inside: the zone ends at 691

    def weak(t: float) -> float:
        return 0.22 if 8 <= t < 24 else 0.8

    events = watched(site, [("red", paces)], 28, score=weak)
    assert told(events) == ["opened", "warned", "warned", "warned", "escalated"]


def test_who_walks_out_in_weak_boxes_has_complied(site: Site) -> None:
    def goes(t: float) -> Box | None:
        x = 585 + 60 * max(t - 21, 0)  # already hidden to the rule
        return at(x) if x < 690 else None

    events = watched(site, [("red", goes)], 28, score=lambda t: 0.22 if t >= 8 else 0.8)
    assert told(events) == ["opened", "warned", "warned", "complied"]


def test_who_vanishes_in_the_middle_ends_unknown_with_the_reason(site: Site) -> None:
    """As through a door inside the zone: nobody knows of it."""
    events = watched(site, [("red", stands(384, to_s=8))], 45)
    assert told(events) == ["opened", "warned", "unknown"]
    (end,) = outcomes(events)
    assert isinstance(end, OffenceUnknown)
    assert "not on the way out" in end.reason and "无法判断" in end.reason_zh


def test_who_vanishes_in_a_group_ends_unknown_and_says_so(site: Site) -> None:
    def beside(t: float) -> Box:
        return at(400 if t < 8 else 390)

    events = watched(site, [("red", stands(370, to_s=8)), ("blue", beside)], 42)
    end = next(each for each in outcomes(events) if isinstance(each, OffenceUnknown))
    assert "in a group" in end.reason and "与他人在一起" in end.reason_zh


def test_somebody_else_who_comes_out_of_a_door_has_an_offence_of_their_own(site: Site) -> None:
    people = [("red", stands(384, to_s=8)), ("blue", stands(384, from_s=16))]
    events = watched(site, people, 30)
    assert told(events)[:4] == ["opened", "warned", "opened", "warned"]
    assert len({event.subject for event in events if "opened" in event.type}) == 2


@pytest.mark.parametrize("fps", [10, 5, 2.5])
def test_who_comes_out_under_a_new_number_is_not_called_for_the_first_time_again(
    site: Site, fps: float
) -> None:
    """Half hidden, they look like the sign, and the tracker does not know them again."""
    people = [
        ("red", stands(384, to_s=8)),
        ("sign", lambda t: at(400) if 9.2 <= t < 14 else None),
        ("sign", lambda t: at(400 + 60 * (t - 14)) if t >= 14 else None),
    ]
    events = watched(site, people, 24, fps)
    assert told(events) == ["opened", "warned", "warned", "complied"]
    (end,) = outcomes(events)
    (same,) = end.came_out
    assert same.gap_s == pytest.approx(1.2, abs=0.6)
    assert same.away < 0.5
    assert end.dwell_s > 15


def test_what_they_did_counts_under_each_number_that_they_went_by(site: Site) -> None:
    """Before: the tracker knew them again by the first one, and they began with the first call as if new."""
    raw = site.model_dump(mode="json", exclude_none=True)
    raw["ladders"][0]["repeat_window_s"] = 600
    tracker, watch = CameraTracker(5, 0.3), watch_of(Site.model_validate(raw), KEY)
    people: list[Person] = [
        ("red", stands(384, to_s=8)),
        ("sign", lambda t: at(400 + 60 * max(t - 14, 0)) if 9.2 <= t < 20 else None),
    ]
    for n in range(24 * 5):
        tracked = tracker.update(seen(n / 5, people, None))
        assert tracked is not None
        watch.step(tracked)
    repeats = watch.ladder.repeats
    assert {who: past.offences for who, past in repeats.past.items()} == {Track(1): 1, Track(2): 1}
    # nor does it count twice where it turns out that both are one
    repeats.renumber(Track(1), Track(2))
    assert [past.offences for past in repeats.past.values()] == [1]


def test_nobody_is_taken_for_somebody_hidden_who_came_in_over_the_edge(site: Site) -> None:
    def comes_in(t: float) -> Box | None:
        if t < 8.2:
            return None
        x1, y1, x2, y2 = at(384, max(540 - 60 * (t - 8.2), 300))
        return (x1, y1, x2, min(y2, 576.0))

    people: list[Person] = [("red", lambda t: at(384, 430) if t < 8 else None), ("blue", comes_in)]
    events = watched(site, people, 24)
    assert told(events)[:4] == ["opened", "warned", "opened", "warned"]


def test_a_uniform_seen_outside_is_not_the_one_who_is_hidden(site: Site) -> None:
    """Before: they complied, "seen outside the zone", and were called for the first time again."""
    people = [
        ("red", unseen(stands(600), (8, 18))),
        ("red", stands(715, from_s=12)),  # the zone ends at 691
        *(("red", lambda t, x=x: at(x, 10)) for x in (100, 300, 500)),  # above the zone
    ]
    events = watched(site, people, 20)
    assert told(events) == ["opened", "warned", "warned"]
    assert len({event.subject for event in events}) == 1


def joins_and_goes(t: float) -> Box | None:
    """Come up to somebody from the right, stand before them from 9.7 s on, and walk out to the right at 13 s."""
    x = max(620 - 60 * max(t - 6, 0), 396) + 60 * max(t - 13, 0)
    return at(x) if x < 760 else None


@pytest.mark.parametrize(
    ("worn", "ends"), [("red", ["unknown"]), ("blue", ["complied"])], ids=["uniform", "own clothes"]
)
def test_who_walks_out_while_somebody_in_the_same_clothes_is_hidden_may_be_either(
    site: Site, worn: str, ends: list[str]
) -> None:
    """Before: the tracker took the one for the other, and of who stood there hidden it was said that they complied."""
    people: list[Person] = [("red", stands(384, to_s=9.6)), (worn, joins_and_goes)]
    events = watched(site, people, 20)
    assert [each.state for each in outcomes(events)] == ends
    if worn == "red":
        (end,) = outcomes(events)
        assert isinstance(end, OffenceUnknown)
        assert "which of them" in end.reason and "哪一位" in end.reason_zh


def test_who_comes_out_among_colleagues_and_walks_out_may_be_another_of_them(site: Site) -> None:
    """Before: complied; the place alone said that it was who had been hidden there."""
    came = lambda t: None if t < 11 else at(400 + 60 * max(t - 14, 0))  # noqa: E731
    hidden: list[Person] = [("red", stands(384, to_s=8)), ("red", came)]
    colleague: Person = ("red", lambda t: at(100, 10))
    assert told(watched(site, hidden, 23))[-1] == "complied"
    assert told(watched(site, [*hidden, colleague], 23))[-1] == "unknown"


def test_it_is_undone_when_the_number_before_is_seen_again(site: Site) -> None:
    """Two stood there; the second was found only while the first was hidden for a moment."""
    people = [
        ("red", unseen(stands(384), (8, 9.8))),
        ("blue", stands(404, from_s=8.4)),
    ]
    events = watched(site, people, 18)
    assert told(events) == ["opened", "warned", "opened", "warned", "warned"]
    opened = [event for event in events if "opened" in event.type]
    assert (opened[1].data.first_seen_at - BEGAN).total_seconds() == pytest.approx(8.6, abs=0.3)  # type: ignore[attr-defined]
    calls = [event for event in events if "warned" in event.type]
    assert [call.subject for call in calls] == [
        opened[0].subject,
        opened[1].subject,
        opened[0].subject,
    ]


def test_what_came_after_the_stay_is_not_counted_as_unseen(site: Site) -> None:
    """Before: a stay of 7.6 s of which 12.8 were not seen."""
    events = watched(site, [("red", unseen(walks(300, 20), (8, 20.5)))], 25)
    (end,) = outcomes(events)
    assert isinstance(end, OffenceComplied)
    assert (end.dwell_s, end.unseen_s) == (pytest.approx(7.6), 0)


def test_who_is_dismissed_while_hidden_was_not_seen_all_the_time(site: Site) -> None:
    """Before: a stay of twelve seconds, none of them unseen."""
    tracker, watch = CameraTracker(5, 0.3), watch_of(site, KEY)
    for n in range(60):
        tracked = tracker.update(seen(n / 5, [("red", stands(384, to_s=8))], None))
        assert tracked is not None
        watch.step(tracked)
    (offence,) = watch.ladder.offences.values()
    command = pending(CommandKind.DISMISS, watch.ladder.id_of(offence), reason="ours")
    (dismissed,) = watch.command(command)
    assert isinstance(dismissed.data, OffenceDismissed)
    assert dismissed.data.dwell_s == pytest.approx(11.6)
    assert dismissed.data.unseen_s == pytest.approx(4.0)


def test_two_boxes_around_nobody_half_a_minute_apart_are_no_offence(site: Site) -> None:
    people = [("sign", stands(384, to_s=0.5)), ("sign", stands(384, from_s=15, to_s=15.5))]
    assert told(watched(site, people, 40)) == []


def test_a_suspected_stay_that_is_hidden_for_too_long_is_dropped_without_a_word(site: Site) -> None:
    assert watched(site, [("red", stands(384, to_s=4))], 60) == []


def test_a_restart_while_somebody_is_hidden_changes_nothing(site: Site) -> None:
    people = [
        ("red", stands(384, to_s=8)),
        ("sign", stands(400, from_s=9.2)),
    ]
    whole = watched(site, people, 40)
    assert "escalated" in told(whole)
    for saved_at_s in (8.6, 9.8, 10.6, 14):
        assert watched(site, people, 40, saved_at_s=saved_at_s) == whole


def test_a_car_hidden_by_a_bus_is_the_same_offence(sample_site_file: Path) -> None:
    """Also where a condition remembers since when something stands."""
    condition = {"stationary": {"zones": ["forecourt-early"], "classes": ["person"]}}
    site = site_with(sample_site_file, condition=condition)
    people = [("red", stands(384, to_s=10)), ("sign", stands(388, from_s=11.2))]
    events = watched(site, people, 30)
    assert told(events)[:3] == ["opened", "warned", "warned"]
    assert len({event.subject for event in events if "offence" in event.type}) == 1


def test_somebody_cut_off_by_the_pictures_edge_is_in_a_zone_that_goes_up_to_it(site: Site) -> None:
    events = watched(site, [("red", lambda t: (360, 450, 400, 576.4))], 8)
    assert told(events) == ["opened", "warned"]


def standing_at(site: Site, people: Sequence[Person], until_s: float) -> SubjectStanding:
    """Return where the one person stands after some seconds, of a machine whose clock is an hour ahead."""
    tracker, watch = CameraTracker(5, 0.3), watch_of(site, KEY)
    watch.wall = lambda moment: moment + timedelta(hours=1)
    for n in range(round(until_s * 5)):
        tracked = tracker.update(seen(n / 5, people, None))
        assert tracked is not None
        watch.step(tracked)
    (standing,) = standings_of(KEY, watch).standings
    return standing


def test_of_somebody_hidden_is_told_since_when_and_where_and_their_clock_goes_on(
    site: Site,
) -> None:
    people = [("red", unseen(stands(384), (8, 20)))]
    unseen_for_a_moment, hidden = (standing_at(site, people, until_s) for until_s in (9, 14))
    assert unseen_for_a_moment.hidden_since is None
    assert hidden.hidden_since == BEGAN + timedelta(hours=1, seconds=7.8)
    assert hidden.box_xyxy == pytest.approx(at(384), abs=1)
    assert hidden.dwell_s == pytest.approx(13.8, abs=0.5)
    assert (hidden.state, hidden.rung_number) == ("warned", 1)
    assert hidden.offence_id == unseen_for_a_moment.offence_id
    assert standing_at(site, people, 22).hidden_since is None
    new = standing_at(site, people, 2)
    assert (new.state, new.rung_number) == ("suspected", 0)
