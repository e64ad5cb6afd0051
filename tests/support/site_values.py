"""Parts of a small site, as the values that a site file gives; each test changes what it is about."""

from __future__ import annotations

from typing import Any

from domain.site.cameras import Camera
from domain.site.ladders import Ladder
from domain.site.rules import Rule
from domain.site.site import Site

TITLE = {"zh": "广场", "en": "Square"}
LAWN = {"id": "lawn", "title": TITLE, "polygon": [[0.1, 0.5], [0.9, 0.5], [0.9, 0.9]]}
KERB = {"id": "kerb", "title": TITLE, "points": [[0.1, 0.4], [0.9, 0.4]]}


def camera(camera_id: str = "north", **changes: Any) -> Camera:
    """Make a camera that shows the lawn and the kerb."""
    values = {"id": camera_id, "title": TITLE, "url": "a.mp4", "zones": [LAWN], "lines": [KERB]}
    return Camera.model_validate(values | changes)


def rung(rung_id: str = "ask", **changes: Any) -> dict[str, Any]:
    """Give the values of a rung that speaks at once."""
    values = {"id": rung_id, "after_s": 0, "text": {"zh": "请离开", "en": "Please leave"}}
    return values | changes


def ladder(ladder_id: str = "calls", *rungs: dict[str, Any], **changes: Any) -> Ladder:
    """Make a ladder of these rungs, else of one that speaks."""
    return Ladder.model_validate({"id": ladder_id, "rungs": rungs or [rung()]} | changes)


def rule(rule_id: str = "keep-off", **changes: Any) -> Rule:
    """Make a rule about people on the lawn, which climbs the ladder `calls`."""
    values = {
        "id": rule_id,
        "title": TITLE,
        "condition": {"present": {"zones": ["lawn"]}},
        "threshold_s": 5,
        "ladder": "calls",
    }
    return Rule.model_validate(values | changes)


def site(**changes: Any) -> Site:
    """Make a site of one camera, one ladder and one rule."""
    values = {
        "site": {"id": "square", "title": TITLE},
        "cameras": [camera()],
        "ladders": [ladder()],
        "rules": [rule()],
    }
    return Site.model_validate(values | changes)
