"""Who may have changed places with somebody hidden: each limit by plain boxes on both of its sides."""

from __future__ import annotations

import numpy as np
import pytest

from flows.tracking.colours import SIZE
from flows.tracking.doubles import note_doubles
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject

WANTED = SubjectSettings()
PARTS = np.array([[0, 0, 768, 576]], np.float32)
GONE_S = 10.0


def somebody(
    number: int, x: float, last_s: float, alike: float = 1.0, speed_x: float = 0.0
) -> Subject:
    one = Subject.begin(last_s, np.array([x - 20, 200, x + 20, 300]), 0.8, 1, WANTED)
    one.number, one.speed_x = number, speed_x
    one.looks = np.zeros(SIZE, np.float16)
    one.looks[[3, 200]] = alike, (1 - alike**2) ** 0.5  # of one light colour, and another
    return one


def doubles_of(front: Subject, *hidden: Subject, at_s: float = GONE_S + 0.2) -> dict[int, float]:
    note_doubles([front], hidden, at_s, PARTS, WANTED)
    return front.doubles


@pytest.mark.parametrize(("away_px", "is_double"), [(32, True), (33, False)])
def test_they_have_to_overlap(away_px: float, is_double: bool) -> None:
    told = doubles_of(somebody(1, 400, 10.2), somebody(2, 400 + away_px, GONE_S))
    assert told == ({2: GONE_S} if is_double else {})


@pytest.mark.parametrize(("alike", "is_double"), [(0.89, True), (0.87, False)])
def test_they_have_to_be_dressed_alike(alike: float, is_double: bool) -> None:
    front, hidden = somebody(1, 400, 10.2), somebody(2, 410, GONE_S, alike)
    assert bool(doubles_of(front, hidden)) == is_double
    hidden.looks = None
    assert not doubles_of(somebody(3, 400, 10.2), hidden)


def test_who_was_walking_out_is_not_hidden() -> None:
    assert not doubles_of(somebody(1, 740, 10.2), somebody(2, 742, GONE_S, speed_x=80))


def test_it_is_over_when_the_other_one_is_seen_or_hidden_for_too_long() -> None:
    front, hidden = somebody(1, 400, 10.2), somebody(2, 410, GONE_S)
    assert doubles_of(front, hidden)
    assert doubles_of(front, at_s=GONE_S + 29.9) == {2: GONE_S}
    assert doubles_of(front, at_s=GONE_S + 30.1) == {}
    assert doubles_of(front, hidden)
    note_doubles([front, hidden], [], GONE_S + 1, PARTS, WANTED)
    assert front.doubles == {}
