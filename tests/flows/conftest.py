"""A rule and a ladder of three calls."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.site.ladders import Ladder
from domain.site.rules import Rule
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter


@pytest.fixture
def rule() -> Rule:
    return Rule.model_validate(
        {
            "id": "keep-off",
            "title": {"zh": "勿踏草坪", "en": "Keep off"},
            "condition": {"present": {"zones": ["lawn"]}},
            "threshold_s": 4,
            "gap_tolerance_s": 2,
            "ladder": "calls",
        }
    )


@pytest.fixture
def ladder() -> Ladder:
    text = {"zh": "请离开", "en": "Please leave"}
    return Ladder.model_validate(
        {
            "id": "calls",
            "rungs": [
                {"id": "ask", "after_s": 0, "text": text},
                {"id": "warn", "after_s": 3, "text": text},
                {"id": "announce", "after_s": 3, "text": text},
            ],
            "escalate_after_s": 2,
            "comply_after_s": 1,
        }
    )


@pytest.fixture
def make_ladder(rule: Rule, ladder: Ladder) -> Callable[[], RuleLadder]:
    return lambda: RuleLadder(rule, ladder, OffenceWriter("square", "north", rule, ladder))
