"""The video wall as a Panel component; wall.js draws it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import panel as pn
import param
from panel.custom import JSComponent

from dashboards.display_names import DisplayNames, wall_cameras
from dashboards.texts import section
from dashboards.theme import STATE_COLOURS

_HERE = Path(__file__).parent


class Wall(JSComponent):
    """All cameras; pictures and boxes come by a websocket of their own."""

    cameras = param.List(default=[])  # as display_names.wall_cameras describes them
    texts = param.Dict(default={})  # of the page, by name
    colours = param.Dict(default={})  # CSS colour by state
    timezone = param.String(default="UTC")
    lang = param.String(default="en")

    _esm = _HERE / "wall.js"
    _stylesheets: ClassVar[list[str]] = [(_HERE / "wall.css").read_text(encoding="utf-8")]


def wall(names: DisplayNames) -> pn.viewable.Viewable:
    """Build the wall of a site, in the reader's language."""
    return Wall(
        cameras=wall_cameras(names),
        texts=section("wall", names.lang),
        colours=STATE_COLOURS,
        timezone=names.timezone.key,
        lang=names.lang,
        sizing_mode="stretch_width",
        margin=0,
    )
