"""Wrong passwords slow down whoever gives them, and nobody for good."""

from __future__ import annotations

import pytest

from dashboards.attempts import FOR_NAME, FOR_NAME_FROM_ADDRESS, MOST_KEYS, Attempts


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_after_five_wrong_ones_a_name_has_to_wait_a_minute_for_each_more(clock):
    attempts = Attempts(clock)
    for _ in range(FOR_NAME_FROM_ADDRESS.tries):
        assert attempts.wait_s("li", "a") == 0
        attempts.count_wrong("li", "a")
    assert attempts.wait_s("li", "a") == 60
    assert attempts.wait_s("wang", "a") == 0
    assert attempts.wait_s("li", "b") == 0
    clock.now_s = 60
    assert attempts.wait_s("li", "a") == 0
    attempts.count_wrong("li", "a")
    assert attempts.wait_s("li", "a") == 60


def test_guesses_at_one_name_from_many_machines_are_slowed_down_together(clock):
    attempts = Attempts(clock)
    for number in range(FOR_NAME.tries):
        attempts.count_wrong("li", f"machine {number}")
    assert attempts.wait_s("li", "another") == 30


def test_one_machine_that_tries_many_names_is_slowed_down(clock):
    attempts = Attempts(clock)
    for number in range(40):
        attempts.count_wrong(f"person {number}", "a")
    assert attempts.wait_s("somebody else", "a") == 5


def test_the_right_password_forgives_what_was_mistyped(clock):
    attempts = Attempts(clock)
    for _ in range(4):
        attempts.count_wrong("li", "a")
    attempts.forgive("li", "a")
    for _ in range(4):
        attempts.count_wrong("li", "a")
    assert attempts.wait_s("li", "a") == 0


def test_made_up_names_do_not_fill_the_memory(clock):
    attempts = Attempts(clock)
    for number in range(MOST_KEYS):
        attempts.count_wrong(f"person {number}", f"{number}")
    assert len(attempts._left) == MOST_KEYS
