"""Offences whose camera or rule was taken out of the site file end once, with what they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from people import INSIDE, presence

from domain.cameras.status import CameraNotice, ReadCounts
from domain.events.catalog import Event, OffenceUnknown
from domain.site.ladders import Ladder
from domain.site.loading import load_site
from domain.site.rules import Rule
from domain.site.site import Site
from event_log.log import EventLog
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.orphaned_offences import ends_of_unwatched
from flows.escalation.restart.logged_offences import LoggedOffences


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as log:
        yield log


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    return load_site(sample_site_file)


def climbing(site_id: str, camera_id: str, rule: Rule, ladder: Ladder) -> RuleLadder:
    return RuleLadder(rule, ladder, OffenceWriter(site_id, camera_id, rule, ladder))


def warned_twice(ladder: RuleLadder, zone_id: str = "forecourt-early") -> list[Event]:
    shown = [presence(n / 2, {1: INSIDE}) for n in range(16)]
    return [
        event
        for each in shown
        for event in ladder.step(
            each.frame, [replace(holding, place_id=zone_id) for holding in each.holdings]
        )
    ]


def test_it_ends_as_the_ladder_would_have_ended_it(
    log: EventLog, site: Site, rule: Rule, ladder: Ladder
) -> None:
    climbs = climbing(site.site.id, "gate-sold", rule, ladder)
    log.append(warned_twice(climbs))
    (end,) = ends_of_unwatched(LoggedOffences(log, []), site)
    gone = CameraNotice("gate-sold", "ended", None, end.time, ReadCounts(16, 0), 8.0)
    (as_ever,) = climbs.notice(gone)
    assert (end.id, end.source, end.subject) == (as_ever.id, as_ever.source, as_ever.subject)
    assert isinstance(end.data, OffenceUnknown) and isinstance(as_ever.data, OffenceUnknown)
    assert end.data.rung_sightings == as_ever.data.rung_sightings
    assert len(end.data.rung_sightings) == 2
    assert end.data.first_sighting == as_ever.data.first_sighting
    assert "site file" in end.data.reason and "站点文件" in end.data.reason_zh
    log.append([end])
    assert ends_of_unwatched(LoggedOffences(log, []), site) == []


@pytest.mark.parametrize(
    ("site_id", "more"),
    [("elsewhere", {}), (None, {"camera_id": "gate-early"})],
    ids=["of another site", "watched"],
)
def test_others_are_left_alone(
    log: EventLog,
    site: Site,
    rule: Rule,
    ladder: Ladder,
    site_id: str | None,
    more: dict[str, Any],
) -> None:
    if "camera_id" in more:
        rule = rule.model_copy(update={"id": site.rules[0].id})
    camera_id = more.get("camera_id", "gate-sold")
    log.append(warned_twice(climbing(site_id or site.site.id, camera_id, rule, ladder)))
    assert ends_of_unwatched(LoggedOffences(log, []), site) == []


def test_one_whose_zone_was_taken_out_ends_as_unknown_and_not_as_complied(
    log: EventLog, site: Site, rule: Rule, ladder: Ladder
) -> None:
    rule = rule.model_copy(update={"id": site.rules[0].id})
    log.append(warned_twice(climbing(site.site.id, "gate-early", rule, ladder), "closed-in-winter"))
    (end,) = ends_of_unwatched(LoggedOffences(log, []), site)
    assert isinstance(end.data, OffenceUnknown)
    assert "zone was taken out of the site file" in end.data.reason
