"""A site is impossible to build wrong, and finds its parts by their ids."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from site_values import camera, ladder, rule, site

from domain.site.loading import shipped_taxonomy


def test_parts_are_found_by_their_ids() -> None:
    recipient = {"id": "desk", "url_env": "DESK"}
    whole = site(recipients=[recipient])
    assert whole.camera("north") is whole.cameras[0]
    assert whole.rule("keep-off") is whole.rules[0]
    assert whole.ladder("calls") is whole.ladders[0]
    assert whole.recipient("desk") is whole.recipients[0]


@pytest.mark.parametrize("part", ["camera", "rule", "ladder", "recipient", "speaker_of"])
def test_an_id_that_nothing_has_is_named(part: str) -> None:
    with pytest.raises(KeyError, match="nowhere"):
        getattr(site(), part)("nowhere")


def test_a_camera_has_its_own_speaker_or_none() -> None:
    horns = [{"id": name, "kind": "file"} for name in ("horn", "bell")]
    both = site(cameras=[camera("north", speaker="bell"), camera("south")], speakers=horns)
    assert both.speaker_of("north") is both.speakers[1]
    assert both.speaker_of("south") is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cameras": []}, "at least 1 item"),
        ({"cameras": [camera(), camera()]}, "'north' came before"),
        ({"rules": [rule(ladder="shouts")]}, "ladder 'shouts'"),
        ({"ladders": [ladder(languages=["yue"])]}, "needs a recording in 'yue'"),
        ({"retention": {"categories": [{"category": "a"}, {"category": "a"}]}}, "'a' came before"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_parts_that_do_not_fit_make_no_site(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        site(**changes)


def test_the_faults_of_all_checks_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        site(rules=[rule(ladder="shouts")], ladders=[ladder(languages=["yue"])])
    (error,) = caught.value.errors()
    places = [place for place, _ in error["ctx"]["faults"]]
    assert places == [("rules", 0, "ladder"), ("ladders", 0, "rungs", 0)]
    assert error["msg"].count("; ") >= 1


def test_categories_have_titles_only_once_a_taxonomy_was_read() -> None:
    plain = site()
    knowing = plain.with_taxonomy(shipped_taxonomy())
    title = knowing.category_title("street/loitering")
    assert title == shipped_taxonomy().categories()["street/loitering"]
    assert knowing.category_title("moon") is None and knowing.category_title(None) is None
    assert plain.category_title("street/loitering") is None, "the site before is not changed"
    assert knowing.cameras is plain.cameras
