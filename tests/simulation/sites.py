"""Make the revisions of one simulated site file: rules of every kind, and what people edit in them."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from domain.site.site import Site

TITLE = {"zh": "广场", "en": "Square"}
LAWN = [[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]
KERB = [[0.0, 0.5], [1.0, 0.5]]
CONDITIONS: dict[str, dict[str, Any]] = {
    "keep-off": {"present": {"zones": ["lawn"]}},
    "crowd": {"at_least": {"zones": ["lawn"], "count": 2}},
    "desk": {"absent": {"zones": ["lawn"]}},
    "parked": {"stationary": {"zones": ["lawn"]}},
    "kerb": {"line_crossed": {"lines": ["kerb"]}},
}
HAND_BACK_AFTER_S = 15.0
REVISIONS = 8
MOST_CALLS, MOST_MESSAGES = 9, 12  # within an hour, where there is a limit: no life is longer


@cache
def revision_of(seed: int, number: int) -> Site:
    """Return a revision, counted from 0: each is the first one with other edits."""
    values = _first(random.Random(seed))
    if number:
        chance = random.Random(seed * 1000 + number)
        for edit in chance.sample(EDITS, k=chance.choice((1, 1, 2))):
            edit(values, chance)
    return Site.model_validate(values)


def _rung(name: str, after_s: float, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "after_s": after_s,
        "text": {"zh": f"请离开 {name}", "en": f"Please leave {name}"},
    } | more


def _first(chance: random.Random) -> dict[str, Any]:
    notifies = {"does": ["announce", "notify", "open_case"], "notifies": ["desk"]}
    rungs = [
        _rung("ask", 0),
        _rung("warn", chance.choice((3, 4)), **notifies),
        {"id": "tell", "after_s": 2, "does": ["notify"], "notifies": ["duty"]},
        _rung("announce", 3),
    ]
    kinds = ["keep-off", *chance.sample(list(CONDITIONS)[1:], k=chance.choice((0, 1, 1)))]
    counts_from = chance.choice(("said", "said", "due"))
    common = {
        "languages": ["en"],
        "next_rung_counts_from": counts_from,
        "waits_for_call_s": 12,
        "comply_after_s": 1,
        "escalate_after_s": 4,
    }
    calls = {
        "id": "calls",
        "rungs": rungs,
        "escalation_does": ["notify", "request_officer"],
        "repeat_window_s": chance.choice((0, 60, 60)),
        "cooldown_s": chance.choice((0, 0, 4)),
    }
    short = {
        "id": "short",
        "rungs": [_rung("ask-once", 0)],
        "repeat_window_s": 30,
        "repeat_starts_at": 1,
    }
    silent = {
        "id": "silent",
        "rungs": [{"id": "tell-only", "after_s": 2, "does": ["notify"]}],
        "escalation_does": ["open_case"],
    }
    caps = chance.random() < 0.2
    ladders = {"keep-off": "calls"}
    rules = [
        {
            "id": kind,
            "title": TITLE,
            "condition": CONDITIONS[kind],
            "threshold_s": chance.choice((1, 2, 3)),
            "gap_tolerance_s": 2,
            "restart_tolerance_s": chance.choice((0, 20)),
            "ladder": ladders.get(kind, chance.choice(("calls", "short", "silent"))),
            "first_time_exempt": chance.random() < 0.35,
            "severity": chance.choice(("slight", "ordinary", "serious")),
        }
        for kind in kinds
    ]
    return {
        "site": {"id": "square", "title": TITLE, "enforcement": "demonstration"},
        "cameras": [_camera(name) for name in ("north", "south")],
        "ladders": [common | each for each in (calls, short, silent)],
        "rules": rules,
        "speakers": [
            {"id": "horn", "kind": "http", "url": "http://horn.test/"}
            | ({"max_calls_per_hour": MOST_CALLS} if caps else {})
        ],
        "calls": {"useful_for_s": 5, "say_once_within_s": chance.choice((0, 3))},
        "recipients": [
            {
                "id": name,
                "url_env": "URL",
                "language": "en",
                "picture": False,
                "useful_s": 40,
                "max_per_hour": MOST_MESSAGES if caps else 1000,
            }
            for name in ("desk", "duty")
        ],
        "operators": {
            "hand_back_after_s": HAND_BACK_AFTER_S,
            "free_words": True,
            "texts": [{"id": "step", "text": {"zh": "当心台阶", "en": "Mind the step"}}],
        },
    }


def _camera(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "title": TITLE,
        "url": f"rtsp://{name}.test/live",
        "speaker": "horn",
        "zones": [{"id": "lawn", "title": TITLE, "polygon": LAWN}],
        "lines": [{"id": "kerb", "title": TITLE, "points": KERB}],
    }


def _other_pauses(values: dict[str, Any], chance: random.Random) -> None:
    for each in values["ladders"]:
        each["escalate_after_s"] = chance.choice((2, 6))
        each["comply_after_s"] = chance.choice((0, 2))


def _other_threshold(values: dict[str, Any], chance: random.Random) -> None:
    for each in values["rules"]:
        each["threshold_s"] = chance.choice((0, 1, 5))


def _fewer_rungs(values: dict[str, Any], chance: random.Random) -> None:
    del values["ladders"][0]["rungs"][-1]


def _more_rungs(values: dict[str, Any], chance: random.Random) -> None:
    values["ladders"][0]["rungs"].append(_rung("again", 2))


def _no_south(values: dict[str, Any], chance: random.Random) -> None:
    del values["cameras"][1]


def _no_second_rule(values: dict[str, Any], chance: random.Random) -> None:
    del values["rules"][1:]


def _another_zone(values: dict[str, Any], chance: random.Random) -> None:
    for camera in values["cameras"]:
        camera["zones"][0]["id"] = "grass"
    values["rules"] = [
        each | {"condition": {"present": {"zones": ["grass"]}}} for each in values["rules"][:1]
    ]


def _nobody_to_tell(values: dict[str, Any], chance: random.Random) -> None:
    del values["recipients"][1]
    for each in values["ladders"][0]["rungs"]:
        if each.get("notifies") == ["duty"]:
            each["notifies"] = ["desk"]


def _exempt(values: dict[str, Any], chance: random.Random) -> None:
    values["rules"][0]["first_time_exempt"] = True
    values["ladders"][0]["repeat_window_s"] = 60
    values["ladders"][0]["repeat_starts_at"] = 2


EDITS = (
    _other_pauses,
    _other_threshold,
    _fewer_rungs,
    _more_rungs,
    _no_south,
    _no_second_rule,
    _another_zone,
    _nobody_to_tell,
    _exempt,
)
