"""A live stream's frames keep the stream's own spacing, whatever network and clocks do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flows.sources.camera_clock import LiveClock

START = datetime(2026, 11, 30, 8, tzinfo=UTC)
FRAME_S = 0.04


class Stream:
    """Frames that are taken at one time and arrive at another; both in seconds of the steady clock."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self.clock = LiveClock(lambda: START + timedelta(seconds=self._now_s))
        self.stamps: list[float] = []

    def frame(self, media_s: float, arrives_s: float) -> float:
        """Return when the clock says that the frame was taken."""
        self._now_s = arrives_s
        self.stamps.append((self.clock.at(media_s) - START).total_seconds())
        return self.stamps[-1]

    def gaps_s(self) -> list[float]:
        """Return the seconds between the frames."""
        return [b - a for a, b in pairwise(self.stamps)]


def held_up(taken_s: float, from_s: float, to_s: float) -> float:
    """Return when a frame arrives that a network holds up for a while, and then brings in a burst."""
    return to_s + (taken_s - from_s) / 100 if from_s <= taken_s < to_s else taken_s


def test_a_stall_of_the_network_and_a_burst_after_it_leave_every_frame_where_it_was() -> None:
    for stall_s in (0.5, 1.9, 3.0, 8.0, 35.0):
        stream = Stream()
        for n in range(2500):
            stream.frame(n * FRAME_S, held_up(n * FRAME_S, 10.0, 10.0 + stall_s))
        assert max(stream.gaps_s()) < FRAME_S + 0.02, stall_s
        assert min(stream.gaps_s()) > FRAME_S - 0.02, stall_s
        assert abs(stream.stamps[-1] - 2499 * FRAME_S) < 0.02, stall_s


def test_a_slow_burst_is_still_one() -> None:
    """The machine decodes what was held up at twice the stream's pace: that takes longer than a look."""
    stream, free_s = Stream(), 0.0
    for n in range(2500):
        taken_s = n * FRAME_S
        free_s = max(free_s + FRAME_S / 2, held_up(taken_s, 10.0, 30.0))
        stream.frame(taken_s, free_s)
    assert max(stream.gaps_s()) < FRAME_S + 0.02


def test_a_stream_that_stood_still_and_went_on_is_on_time_again_within_some_seconds() -> None:
    stream = Stream()
    for n in range(250):
        stream.frame(n * FRAME_S, n * FRAME_S)
    for n in range(250, 600):
        stream.frame(n * FRAME_S, n * FRAME_S + 60.0)
    assert abs(stream.stamps[-1] - 599 * FRAME_S - 60.0) < 0.1
    # the pause is one hole, which the ladder sees as silence
    assert sum(gap_s > 1.0 for gap_s in stream.gaps_s()) == 1


@given(
    delays_s=st.lists(st.floats(0.0, 0.4), min_size=50, max_size=200),
    fps=st.sampled_from([2.0, 10.0, 25.0]),
    drift=st.floats(-200e-6, 200e-6),
)
def test_jitter_and_a_drifting_camera_clock_cost_less_than_the_jitter(
    delays_s: list[float], fps: float, drift: float
) -> None:
    stream, arrived_s = Stream(), 0.0
    least_s = delays_s[0]
    for n, delay_s in enumerate(delays_s):
        taken_s = n / fps
        arrived_s = max(arrived_s, taken_s + delay_s)  # TCP keeps the order
        least_s = min(least_s, arrived_s - taken_s)
        at_s = stream.frame(taken_s * (1 + drift), arrived_s)
        # never before the frame was taken, and no later than it came
        assert taken_s - 0.03 <= at_s <= arrived_s + 0.002 * (n + 1)
    assert all(gap_s > 0 for gap_s in stream.gaps_s())


def test_a_camera_clock_that_drifts_for_an_hour_is_followed() -> None:
    for drift in (-200e-6, 200e-6):
        stream = Stream()
        for n in range(5 * 3600):
            taken_s = n / 5
            at_s = stream.frame(taken_s * (1 + drift), taken_s + (n * 7 % 10) / 100)
            assert abs(at_s - taken_s) < 0.15
        assert all(0.15 < gap_s < 0.25 for gap_s in stream.gaps_s()[1000:])


@given(
    # to an earlier time, or further ahead than a frame could be late
    jump_s=st.one_of(st.floats(-1e5, -21.0), st.floats(5.0, 1e5)),
    pause_s=st.floats(FRAME_S, 20.0),
    lag_s=st.floats(0.0, 1.0),
)
def test_timestamps_that_jump_wrap_or_start_over_cost_the_time_that_really_passed(
    jump_s: float, pause_s: float, lag_s: float
) -> None:
    stream = Stream()
    for n in range(50):
        stream.frame(100 + n * FRAME_S, n * FRAME_S + (lag_s if n else 0.0))
    last_s = stream.stamps[-1]
    after_s = 49 * FRAME_S + pause_s
    for n in range(50):
        stream.frame(100 + after_s + jump_s + n * FRAME_S, after_s + lag_s + n * FRAME_S)
    assert abs(stream.stamps[50] - last_s - pause_s) < 0.06
    assert all(abs(gap_s - FRAME_S) < 0.005 for gap_s in stream.gaps_s()[51:])


@given(
    times=st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(0.0, 50.0)), min_size=2, max_size=60)
)
def test_whatever_comes_time_goes_forward_and_never_ahead_of_now(
    times: list[tuple[float, float]],
) -> None:
    stream, now_s = Stream(), 0.0
    for n, (media_s, passed_s) in enumerate(times):
        now_s += passed_s
        assert stream.frame(media_s, now_s) <= now_s + 0.001 * n + 1e-5
    assert all(gap_s > 0 for gap_s in stream.gaps_s())


def test_a_stream_that_was_opened_again_is_on_time() -> None:
    stream = Stream()
    stream.frame(0.0, 0.0)
    stream.clock.begin_anew()
    assert stream.frame(FRAME_S, 30.0) == 30.0
