"""The video wall as a Panel component; wall.js does the work."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import panel as pn
import param
from panel.custom import JSComponent

from dashboards.names import Names, wall_cameras
from dashboards.texts import section
from dashboards.theme import STATE_COLOURS

_HERE = Path(__file__).parent


class Wall(JSComponent):
    """All cameras; pictures and boxes come by a websocket of their own."""

    cameras: list[dict[str, object]] = param.List(default=[])  # type: ignore[assignment]
    texts: dict[str, str] = param.Dict(default={})  # type: ignore[assignment]
    colours: dict[str, str] = param.Dict(default={})  # type: ignore[assignment]
    timezone: str = param.String(default="UTC")  # type: ignore[assignment]
    lang: str = param.String(default="en")  # type: ignore[assignment]

    _esm = _HERE / "wall.js"
    _stylesheets: ClassVar[list[str]] = [(_HERE / "wall.css").read_text(encoding="utf-8")]


def wall(names: Names) -> pn.viewable.Viewable:
    """The wall of a site, in the reader's language."""
    return Wall(
        cameras=wall_cameras(names),
        texts=section("wall", names.lang),
        colours=STATE_COLOURS,
        timezone=names.timezone.key,
        lang=names.lang,
        sizing_mode="stretch_width",
        margin=0,
    )
