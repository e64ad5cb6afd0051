"""Each consumer has a place of its own, which outlives it and never moves back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_consumers import Consumers

from event_log.log import EventLog


@given(st.lists(st.integers(0, 50), max_size=12))
def test_a_place_is_the_largest_that_was_committed(
    tmp_path_factory: pytest.TempPathFactory, seqs: list[int]
) -> None:
    with EventLog.open(tmp_path_factory.mktemp("log") / "events.sqlite") as log:
        consumers = Consumers(log)
        for seq in seqs:
            consumers.commit("mailer", seq)
        assert consumers.offset("mailer") == max(seqs, default=0)


def test_consumers_do_not_move_each_other(event_log: EventLog) -> None:
    consumers = Consumers(event_log)
    consumers.commit("mailer", 7)
    consumers.commit("preserve", 3)
    assert consumers.all() == {"mailer": 7, "preserve": 3}
    assert consumers.offset("nobody") == 0


def test_a_place_outlives_the_program(log_path: Path) -> None:
    with EventLog.open(log_path) as log:
        Consumers(log).commit("mailer", 7)
    with EventLog.open(log_path) as log:
        assert Consumers(log).offset("mailer") == 7
