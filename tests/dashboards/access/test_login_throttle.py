"""Wrong passwords slow down whoever gives them, and nobody for good."""

from __future__ import annotations

import pytest

from dashboards.access.login_throttle import (
    FOR_NAME,
    FOR_NAME_FROM_ADDRESS,
    MOST_KEYS,
    LoginThrottle,
)


class _Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


def test_after_five_wrong_ones_a_name_has_to_wait_a_minute_for_each_more(clock):
    throttle = LoginThrottle(clock)
    for _ in range(FOR_NAME_FROM_ADDRESS.tries):
        assert throttle.wait_s("li", "a") == 0
        throttle.count_wrong("li", "a")
    assert throttle.wait_s("li", "a") == 60
    assert throttle.wait_s("wang", "a") == 0
    assert throttle.wait_s("li", "b") == 0
    clock.now_s = 60
    assert throttle.wait_s("li", "a") == 0
    throttle.count_wrong("li", "a")
    assert throttle.wait_s("li", "a") == 60


def test_guesses_at_one_name_from_many_machines_are_slowed_down_together(clock):
    throttle = LoginThrottle(clock)
    for number in range(FOR_NAME.tries):
        throttle.count_wrong("li", f"machine {number}")
    assert throttle.wait_s("li", "another") == 30


def test_one_machine_that_tries_many_names_is_slowed_down(clock):
    throttle = LoginThrottle(clock)
    for number in range(40):
        throttle.count_wrong(f"person {number}", "a")
    assert throttle.wait_s("somebody else", "a") == 5


def test_the_right_password_forgives_what_was_mistyped(clock):
    throttle = LoginThrottle(clock)
    for _ in range(4):
        throttle.count_wrong("li", "a")
    throttle.forgive("li", "a")
    for _ in range(4):
        throttle.count_wrong("li", "a")
    assert throttle.wait_s("li", "a") == 0


def test_made_up_names_do_not_fill_the_memory(clock):
    throttle = LoginThrottle(clock)
    for number in range(MOST_KEYS):
        throttle.count_wrong(f"person {number}", f"{number}")
    assert len(throttle._left) == MOST_KEYS
