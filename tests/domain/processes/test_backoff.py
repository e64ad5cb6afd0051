"""Pauses double from the first to the longest, and begin anew after a success."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.processes.backoff import Backoff

firsts = st.floats(0.001, 100)
growths = st.floats(1, 1000)


@given(first_s=firsts, growth=growths, failures=st.integers(1, 60))
def test_pauses_never_shrink_double_at_most_and_stay_within_the_bounds(
    first_s: float, growth: float, failures: int
) -> None:
    backoff = Backoff(first_s, first_s * growth)
    pauses = [backoff.next_s() for _ in range(failures)]
    assert pauses[0] == first_s
    assert max(pauses) <= first_s * growth
    for before, after in pairwise(pauses):
        assert after == min(2 * before, first_s * growth)


@given(first_s=firsts, failures=st.integers(0, 20))
def test_a_success_begins_anew(first_s: float, failures: int) -> None:
    backoff = Backoff(first_s, 8 * first_s)
    for _ in range(failures):
        backoff.next_s()
    backoff.reset()
    assert [backoff.next_s() for _ in range(5)] == [first_s * k for k in (1, 2, 4, 8, 8)]


def test_the_next_pause_can_be_seen_before_it_is_taken() -> None:
    backoff = Backoff(1.0, 30.0)
    for _ in range(7):
        expected_s = backoff.pause_s
        assert backoff.next_s() == expected_s
    assert backoff.pause_s == 30.0


def test_those_who_failed_together_do_not_come_back_together() -> None:
    shares = iter([0.0, 0.5, 1.0, 0.25])
    backoff = Backoff(1.0, 4.0, share=lambda: next(shares))
    assert [backoff.next_s() for _ in range(4)] == [0.0, 1.0, 4.0, 1.0]
