"""`forewarn check` finds calls that cannot be heard, and tells of those in each other's way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.site.loading import load_site
from domain.site.site import Site
from flows.site_checks.calls import call_faults, try_calls

SHORT = {"zh": "请离开", "en": "Please leave"}
LONG = {
    "zh": "您好，前场请勿停留，谢谢您的配合。",
    "en": "Hello. Please do not stay here. Thank you.",
}
HORN = {"id": "horn", "kind": "http", "url": "http://10.0.3.17/play"}


def site_of(sample_site_file: Path, **changes: Any) -> Site:
    """Return the sample site with one loudspeaker, and with other settings."""
    raw = load_site(sample_site_file).model_dump(mode="json", exclude_none=True)
    raw["speakers"] = [HORN | changes.pop("horn", {})]
    for camera in raw["cameras"]:
        camera["speaker"] = "horn"
    ladder = changes.pop("ladder", {})
    raw["ladders"][0] |= ladder
    return Site.model_validate(raw | changes)


def rungs(*waits_s: float, text: dict[str, str] = SHORT) -> dict[str, Any]:
    return {
        "rungs": [
            {"id": f"call-{n}", "after_s": after_s, "text": text}
            for n, after_s in enumerate(waits_s)
        ]
    }


def test_a_cap_below_the_calls_of_one_offence_is_refused(sample_site_file: Path) -> None:
    site = site_of(sample_site_file, horn={"max_calls_per_hour": 2}, calls={"max_per_hour": 1})
    (horn, all_) = call_faults(site, Path())
    assert horn[0] == ("speakers", 0, "max_calls_per_hour")
    assert "needs at least 3, the calls that ladder 'three-calls' makes" in horn[1]
    assert all_[0] == ("calls", "max_per_hour")


def test_calls_more_than_an_hour_apart_need_no_larger_cap(sample_site_file: Path) -> None:
    calls = {"ladder": rungs(0, 3600, 3600), "horn": {"max_calls_per_hour": 1}}
    assert call_faults(site_of(sample_site_file, **calls), Path()) == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"horn": {"quiet_hours": "late"}}, ("speakers", 0, "quiet_hours")),
        ({"calls": {"quiet_hours": "late"}}, ("calls", "quiet_hours")),
    ],
)
def test_quiet_hours_that_cannot_be_read_are_refused(
    sample_site_file: Path, changes: dict[str, Any], place: tuple[str | int, ...]
) -> None:
    ((found, words),) = call_faults(site_of(sample_site_file, **changes), Path())
    assert found == place and "'late'" in words


def test_words_that_no_voice_can_say_are_refused(sample_site_file: Path) -> None:
    site = site_of(sample_site_file, ladder=rungs(0, 30, text={"zh": "…", "en": "..."}))
    faults, _ = try_calls(site, Path())
    assert [place for place, _ in faults] == [("ladders", 0, "rungs", n) for n in (0, 1)]
    assert "nothing in it can be spoken" in faults[0][1]


def test_an_operators_text_that_no_voice_can_say_is_refused(sample_site_file: Path) -> None:
    texts = [{"id": "dots", "text": {"zh": "…", "en": "..."}}]
    faults, _ = try_calls(site_of(sample_site_file, operators={"texts": texts}), Path())
    assert [place for place, _ in faults] == [("operators", "texts", 0, "text")]


def test_a_rung_due_while_the_one_before_is_still_said_is_noted(sample_site_file: Path) -> None:
    tight = rungs(0, 2, 60, text=LONG)
    faults, notes = try_calls(site_of(sample_site_file, ladder=tight), Path())
    assert (faults, notes) == ([], [])  # its pauses count from the end of each call
    tight |= {"next_rung_counts_from": "due"}
    faults, notes = try_calls(site_of(sample_site_file, ladder=tight), Path())
    assert faults == []
    ((place, words),) = notes
    assert place == ("ladders", 0, "rungs", 1, "after_s")
    assert "comes due 2 s after 'call-0', whose call takes" in words


def test_two_rules_that_call_for_the_same_people_at_once_are_noted(sample_site_file: Path) -> None:
    site = site_of(sample_site_file, ladder=rungs(0, 60, text=LONG))
    raw = site.model_dump(mode="json", exclude_none=True)
    raw["ladders"].append(raw["ladders"][0] | {"id": "others"})
    raw["rules"].append(raw["rules"][0] | {"id": "again", "ladder": "others", "threshold_s": 6})
    _, notes = try_calls(Site.model_validate(raw), Path())
    ((place, words),) = notes
    assert place == ("rules", 1, "ladder")
    assert "calls on 'horn' 1 s after rule 'no-lingering' does for the same place" in words
    raw["rules"][1] |= {"hours": "Mo-Fr 08:00-18:00"}
    assert try_calls(Site.model_validate(raw), Path())[1] == []


def test_a_site_without_loudspeakers_has_nothing_in_the_way(sample_site_file: Path) -> None:
    site = load_site(sample_site_file)
    assert call_faults(site, Path()) == []
    assert try_calls(site, Path()) == ([], [])
