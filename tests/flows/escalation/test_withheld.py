"""A camera that is not fit to warn records offences, says nothing, and the record says why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

import pytest
from people import BEGAN, INSIDE, presence

from domain.events.catalog import Event, OffenceUnknown, OffenceWithheld
from domain.picture_digest import CLEAR, PictureTrust
from domain.site.compliance import Compliance, Review
from domain.site.ladders import Ladder
from domain.site.loading import load_site
from domain.site.rules import Rule
from domain.site.site import Site
from flows.camera_health.warn_gate import WarnGate
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter

Make = Callable[[], RuleLadder]
COVERED = PictureTrust(("picture-covered",), is_in_doubt=True)
DOUBT = PictureTrust((), is_in_doubt=True)
Who = Callable[[float], dict[int, bool]]


def climb(ladder: RuleLadder, who: Who, sight: Callable[[float], PictureTrust]) -> list[Event]:
    """20 s at 5 frames a second."""
    return [
        event
        for at_s in (n / 5 for n in range(101))
        for event in ladder.step(
            presence(at_s, who(at_s)).frame, presence(at_s, who(at_s)).holdings, sight(at_s)
        )
    ]


def told(events: Iterable[Event]) -> list[str]:
    return [
        f"{(event.time - BEGAN).total_seconds():g} {event.type.split('.')[2]}" for event in events
    ]


def test_rungs_are_withheld_once_each_while_the_picture_is_bad_and_due_when_it_is_good_again(
    make_ladder: Make,
) -> None:
    events = climb(make_ladder(), lambda t: {1: INSIDE}, lambda t: COVERED if t < 9 else CLEAR)
    assert told(events) == [
        "4 opened",
        "4 withheld",
        "9 warned",
        "12 warned",
        "15 warned",
        "17 escalated",
    ]
    withheld = events[1].data
    assert isinstance(withheld, OffenceWithheld)
    assert (withheld.what, withheld.rung_id, withheld.rung_number) == ("rung", "ask", 1)
    assert withheld.reasons == ("picture-covered",)
    assert withheld.explanation == "its picture is dark or uniform, as if covered"
    assert withheld.state == "opened"


def test_an_escalation_is_withheld_too(make_ladder: Make) -> None:
    events = climb(make_ladder(), lambda t: {1: INSIDE}, lambda t: CLEAR if t < 11 else COVERED)
    assert told(events) == ["4 opened", "4 warned", "7 warned", "10 warned", "12 withheld"]
    last = events[-1].data
    assert isinstance(last, OffenceWithheld)
    assert (last.what, last.rung_number, last.state) == ("escalation", 0, "warned")


def test_a_new_reason_is_told_and_every_event_has_its_own_id(make_ladder: Make) -> None:
    frozen = PictureTrust(("picture-frozen",), is_in_doubt=True)
    events = climb(
        make_ladder(), lambda t: {1: INSIDE}, lambda t: COVERED if int(t) % 2 else frozen
    )
    assert told(events) == ["4 opened", "4 withheld", "5 withheld"]
    assert len({event.id for event in events}) == 3


def test_who_vanishes_behind_a_covered_lens_did_not_comply(make_ladder: Make) -> None:
    events = climb(
        make_ladder(),
        lambda t: {1: INSIDE} if t < 5 else {},
        lambda t: COVERED if t >= 5 else CLEAR,
    )
    assert told(events) == ["4 opened", "4 warned", "4.8 unknown"]
    assert isinstance(events[-1].data, OffenceUnknown)
    assert "covered" in events[-1].data.reason


def test_a_doubt_holds_back_both_the_call_and_the_verdict_until_it_is_over(
    make_ladder: Make,
) -> None:
    """Nothing is recorded of a doubt; a moment later it is a fault, or nothing."""
    events = climb(make_ladder(), lambda t: {1: INSIDE}, lambda t: DOUBT if t < 5 else CLEAR)
    assert told(events)[:2] == ["4 opened", "5 warned"]
    events = climb(
        make_ladder(),
        lambda t: {1: INSIDE} if t < 5 else {},
        lambda t: DOUBT if 5 <= t < 9 else CLEAR,
    )
    assert told(events) == ["4 opened", "4 warned"]  # hidden, as far as anybody knows


@pytest.fixture
def site(sample_site_file: object) -> Site:
    return load_site(sample_site_file)  # type: ignore[arg-type]


def with_record(site: Site, record: Compliance | None, enforcement: str = "real") -> Site:
    camera = site.cameras[0].model_copy(update={"compliance": record})
    info = site.site.model_copy(update={"enforcement": enforcement, "timezone": "Asia/Shanghai"})
    return site.model_copy(update={"site": info, "cameras": (camera, *site.cameras[1:])})


def test_the_sample_site_may_warn(site: Site) -> None:
    assert WarnGate(site, "gate-early", "no-lingering").why_withheld(CLEAR, BEGAN) == ()


def test_a_camera_without_a_record_warns_in_a_demonstration_only(site: Site) -> None:
    for enforcement, reasons in (("real", ("no-compliance-record",)), ("demonstration", ())):
        gate = WarnGate(with_record(site, None, enforcement), "gate-early", "no-lingering")
        assert gate.why_withheld(CLEAR, BEGAN) == reasons
    # a record that is there counts in a demonstration as well
    gate = WarnGate(with_record(site, Compliance(), "demonstration"), "gate-early", None)
    assert "no-sign-in-place" in gate.why_withheld(CLEAR, BEGAN)


def test_a_review_lapses_at_midnight_of_the_site(site: Site, rule: Rule, ladder: Ladder) -> None:
    until = Review(date=date(2026, 1, 1), valid_until=date(2026, 3, 1))
    record = Compliance(
        location_published=date(2026, 1, 1),
        sign_in_place=date(2026, 1, 1),
        technical_review=until,
        legal_review=until,
    )
    gate = WarnGate(with_record(site, record), "gate-early", "no-lingering")
    midnight = datetime(2026, 3, 1, 16, tzinfo=UTC)  # in Shanghai
    assert gate.why_withheld(CLEAR, midnight - timedelta(seconds=1)) == ()
    assert gate.why_withheld(COVERED, midnight) == (
        "picture-covered",
        "technical-review-lapsed",
        "legal-review-lapsed",
    )
    lapsed = RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder), gate)
    events = climb(lapsed, lambda t: {1: INSIDE}, lambda t: CLEAR)
    assert told(events) == ["4 opened", "4 withheld"]
