"""What is not known neither begins nor ends a stay, and nobody is warned on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from people import BEGAN, HERE, stamp

from domain.events.catalog import Event, OffenceUnknown
from domain.picture_digest import CLEAR, PictureTrust
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.tracks import Place, SubjectKey, SubjectLink, SubjectMatch, Track
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter

Make = Callable[[], RuleLadder]
Seen = Verdict | None
NO, UNKNOWN, YES = Verdict.DOES_NOT_HOLD, Verdict.NOT_KNOWN, Verdict.HOLDS


def play(
    ladder: RuleLadder,
    shown: Iterable[tuple[float, Seen]],
    who: SubjectKey = Track(1),  # noqa: B008
    sight: Callable[[float], PictureTrust] = lambda at_s: CLEAR,
    place_id: str = "lawn",
) -> list[Event]:
    events = []
    for at_s, verdict in shown:
        holdings = [] if verdict is None else [Holding(who, place_id, verdict, 0.8, HERE)]
        events += ladder.step(stamp(at_s), holdings, sight(at_s))
    return events


def spans(*parts: tuple[float, Seen]) -> list[tuple[float, Seen]]:
    """Five frames a second; each part ends at its time."""
    shown, n = [], 0
    for until_s, verdict in parts:
        while n / 5 < until_s:
            shown.append((n / 5, verdict))
            n += 1
    return shown


def told(events: Iterable[Event]) -> list[str]:
    return [
        f"{(event.time - BEGAN).total_seconds():g} {event.data.state}"  # type: ignore[attr-defined]
        for event in events
    ]


def test_it_begins_no_stay(make_ladder: Make) -> None:
    ladder = make_ladder()
    assert play(ladder, spans((30, UNKNOWN))) == []
    assert ladder.offences == {}


def test_nobody_is_warned_while_it_is_not_known(make_ladder: Make) -> None:
    events = play(make_ladder(), spans((5, YES), (12, UNKNOWN), (13, YES)))
    assert told(events) == ["4 opened", "4 warned", "12 warned"]


def test_it_ends_no_stay_however_long(make_ladder: Make) -> None:
    events = play(make_ladder(), spans((5, YES), (60, UNKNOWN)))
    assert told(events) == ["4 opened", "4 warned"]


def test_no_compliance_clock_runs(make_ladder: Make) -> None:
    """Seen outside for a second counts as having left, but not for two halves of it."""
    parts = [(5.0, YES), (5.6, NO), (8.0, UNKNOWN), (8.6, NO)]
    assert told(play(make_ladder(), spans(*parts))) == ["4 opened", "4 warned"]
    assert told(play(make_ladder(), spans(*parts, (10.0, NO))))[2:] == ["9 complied"]


def test_a_place_that_cannot_be_judged_for_long_is_unknown(make_ladder: Make) -> None:
    desk = Place("lawn")
    assert told(play(make_ladder(), spans((5, YES), (6.8, UNKNOWN), (7, YES)), desk)) == [
        *("4 opened", "4 warned"),
    ]
    # somebody of those who count may be hidden there
    hidden = spans((5, YES), (34, UNKNOWN))
    assert told(play(make_ladder(), [*hidden, (34, YES)], desk)) == [
        *("4 opened", "4 warned", "34 warned")
    ]
    *_, ended = play(make_ladder(), spans((5, YES), (36, UNKNOWN)), desk)
    assert isinstance(ended.data, OffenceUnknown)
    assert ended.data.reason == "the picture does not show whether it goes on there"
    covered = PictureTrust(unfit_areas={"lawn": "picture-covered"})
    *_, ended = play(make_ladder(), spans((5, YES), (8, UNKNOWN)), desk, lambda at_s: covered)
    assert isinstance(ended.data, OffenceUnknown) and "covered" in ended.data.reason


def test_a_place_is_unknown_from_where_it_began_to_be_hidden_though_that_is_known_later(
    make_ladder: Make,
) -> None:
    """It is seen as empty until 6.4; then it is certain that something has hidden it since 5.6."""
    since = BEGAN + timedelta(seconds=5.6)
    covered = PictureTrust(
        unfit_areas={"lawn": "picture-partly-covered"}, unfit_since={"lawn": since}
    )

    def sight(at_s: float) -> PictureTrust:
        return covered if at_s > 6.5 else CLEAR

    shown = spans((6.5, YES), (10, UNKNOWN))
    *_, ended = told(play(make_ladder(), shown, Place("lawn"), sight))
    assert ended == "5.6 unknown"
    # who was seen there, was there
    *_, ended = told(play(make_ladder(), spans((6.5, YES), (10, None)), sight=sight))
    assert ended == "6.4 unknown"
    # what was said meanwhile stands: nothing ends before it
    late = spans((7.1, YES), (11, UNKNOWN))
    events = play(make_ladder(), late, Place("lawn"), lambda t: covered if t > 7.1 else CLEAR)
    assert told(events)[-2:] == ["7 warned", "7 unknown"]


def test_a_rung_waits_while_its_zone_looks_hidden(make_ladder: Make) -> None:
    doubt = PictureTrust(doubted_areas=("lawn",))
    assert not doubt.can_judge("lawn") and doubt.can_judge("gate")
    assert doubt.is_doubtful("lawn") and not doubt.is_doubtful("gate")
    gone = play(
        make_ladder(), spans((5, YES), (9, None)), sight=lambda t: doubt if t > 5 else CLEAR
    )
    assert told(gone) == ["4 opened", "4 warned"]


def test_who_is_unseen_where_the_zone_cannot_be_judged_has_not_left(make_ladder: Make) -> None:
    def sight(at_s: float) -> PictureTrust:
        return PictureTrust(unfit_areas={"lawn": "picture-covered"}) if at_s > 5 else CLEAR

    *_, ended = play(make_ladder(), spans((5, YES), (8, None)), sight=sight)
    assert isinstance(ended.data, OffenceUnknown) and "covered" in ended.data.reason


def test_the_basis_says_what_was_seen(make_ladder: Make) -> None:
    ladder = make_ladder()
    play(ladder, spans((5, YES)))
    moved = Holding(Track(1), "lawn", NO, 0.8, HERE, "moved")
    events = [e for n in range(25, 35) for e in ladder.step(stamp(n / 5), [moved])]
    assert [event.data.basis for event in events] == ["moved"]  # type: ignore[attr-defined]


def test_recognising_a_person_leaves_a_place_of_that_number_alone(make_ladder: Make) -> None:
    ladder = make_ladder()
    desk, shown = Place("7"), spans((30, YES))
    events = play(ladder, shown[:30], desk, place_id="7")
    events += ladder.renumber(
        SubjectLink(3, 7, SubjectMatch(3, "return", 10.0, 0.99, 1.0, 0.005, True)), BEGAN
    )
    events += play(ladder, shown[30:], desk, place_id="7")
    assert told(events) == ["4 opened", "4 warned", "7 warned", "10 warned", "12 escalated"]
    assert list(ladder.offences) == [desk]


def outcome(make: Make, fps: int, gap_s: float) -> list[str]:
    """Return the states of who is inside for 10 s, unseen for a while, and inside again."""
    count = round((gap_s + 33) * fps)
    shown: list[tuple[float, Seen]] = [
        (n / fps, None if 10 < n / fps < 10 + gap_s else YES) for n in range(count)
    ]
    return [line.split()[1] for line in told(play(make(), shown))]


@pytest.mark.parametrize("fps", [25, 10, 5, 2, 1])
@pytest.mark.parametrize(("gap_s", "stays"), [(1.0, 1), (2.4, 1), (5.0, 1), (29.0, 1), (32.0, 2)])
def test_somebody_hidden_for_too_long_begins_a_second_stay_at_any_frame_rate(
    rule: Rule, ladder: Ladder, fps: int, gap_s: float, stays: int
) -> None:
    slow: dict[str, Any] = {"escalate_after_s": 5.0}
    rungs = [rung.model_copy(update={"after_s": 20.0 * n}) for n, rung in enumerate(ladder.rungs)]
    climbs = ladder.model_copy(update=slow | {"rungs": tuple(rungs[:2])})
    seen = outcome(
        lambda: RuleLadder(rule, climbs, OffenceWriter("square", "north", rule, climbs)), fps, gap_s
    )
    two = ["opened", "warned", "unknown", "opened", "warned"]
    assert seen == (two if stays == 2 else ["opened", "warned", "warned", "escalated"])


@pytest.mark.parametrize("fps", [25, 10, 5, 2])
@pytest.mark.parametrize(
    ("hidden_by", "ends"),
    [
        (PictureTrust(("picture-covered",), is_in_doubt=True), "unknown"),
        (PictureTrust(is_in_doubt=True), ""),
    ],
)
def test_a_gap_with_a_bad_picture_is_no_leaving_at_any_frame_rate(
    make_ladder: Make, fps: int, hidden_by: PictureTrust, ends: str
) -> None:
    shown: list[tuple[float, Seen]] = [
        (n / fps, None if 5 < n / fps < 8 else YES) for n in range(9 * fps)
    ]
    events = play(make_ladder(), shown, sight=lambda at_s: hidden_by if 5 < at_s < 8 else CLEAR)
    states = [line.split()[1] for line in told(events)]
    assert states[:2] == ["opened", "warned"]
    assert states[2] == (ends or "warned") and "complied" not in states
