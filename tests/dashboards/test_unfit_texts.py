"""Every reason for which a camera may not warn can be read in both languages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dashboards.data.tiles import Tile
from dashboards.display_names import DisplayNames
from dashboards.texts import Lang, catalogue
from dashboards.wall_socket import _describe
from domain.cameras.live_view import LiveHidden, LiveView
from domain.fitness import Unfit


def test_every_code_has_its_text() -> None:
    assert {f"wall.unfit_{code}" for code in Unfit} <= set(catalogue())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_code_that_is_not_known_stands_for_itself(lang: Lang) -> None:
    assert DisplayNames(None, lang).unfit("new-code") == "new-code"
    assert DisplayNames(None, lang).unfit("picture-frozen") not in ("", "picture-frozen")


def test_the_wall_is_told_why_a_camera_may_not_warn() -> None:
    view = LiveView(camera_id="gate", status="up", unfit=("picture-covered",))
    tile = Tile("gate", 1, view, b"", 0.0, "up", "")
    assert _describe(tile)["unfit"] == ["picture-covered"]


def test_the_wall_is_told_who_is_hidden_and_which_zones_are_covered_while_somebody_looks() -> None:
    since = datetime(2026, 3, 2, 8, tzinfo=UTC)
    hidden = LiveHidden(
        offence_id="ofc-1", track_id=7, box_xyxy=(1, 2, 3, 4), since=since, state="warned"
    )
    view = LiveView(camera_id="gate", status="up", hidden=(hidden,), unfit_places=("lawn",))
    told = _describe(Tile("gate", 1, view, b"", 0.0, "up", ""))
    assert told["hidden"][0]["since"] == "2026-03-02T08:00:00Z"
    assert told["unfit_places"] == ["lawn"]
    stale = _describe(Tile("gate", 1, view, b"", 9.0, "stale", ""))
    assert (stale["hidden"], stale["unfit_places"]) == ([], [])
