"""Each consumer has a place of its own, which outlives it and never moves back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from log_consumers import Consumers

from event_log.consumers import Answerer, keep_place
from event_log.log import EventLog
from tests.support.example_events import one_of_each, warned_event


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


def test_a_place_is_behind_what_is_answered_and_not_behind_what_is_not(
    event_log: EventLog,
) -> None:
    answering = Answerer("mask", warned_event().type, lambda asked: f"answer-{asked.id}")
    other = next(each for each in one_of_each() if each.type != warned_event().type)

    def answer(number: int) -> int:
        event = replace(other, id=f"answer-{warned_event(number).id}")
        with event_log.writing("answer") as connection:
            event_log.append_within(connection, [event])
            answering.keep_place(event_log, connection)
        return answering.place(event_log)

    event_log.append([warned_event(number) for number in (1, 2, 3)])
    assert answering.place(event_log) == 0
    assert answer(2) == 0
    assert answer(1) == 2, "the third was asked and is not answered"
    assert answer(3) == event_log.last_seq() == 6
    event_log.append([warned_event(4)])
    assert answer(1) == 6, "written once"


def test_a_place_and_what_was_written_are_kept_together_or_not_at_all(event_log: EventLog) -> None:
    with pytest.raises(RuntimeError), event_log.writing("answer") as connection:
        event_log.append_within(connection, [warned_event()])
        keep_place(connection, "mask", 1)
        raise RuntimeError("killed")
    answering = Answerer("mask", warned_event().type, lambda asked: "")
    assert (event_log.last_seq(), answering.place(event_log)) == (0, 0)
