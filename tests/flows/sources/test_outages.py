"""A camera that comes and goes gives an event a minute, and what was told last is true in the end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from plain_frames import sampled

from domain.cameras.messages import trouble
from domain.cameras.status import WATCHED, CameraNotice, CameraStatus, ReadCounts
from flows.sources.outages import AT_ONCE, Outages
from flows.sources.sample_queue import Sample

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class Clock:
    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.now_s)


class Camera:
    """Gives news by a clock of its own; `told` are those that become events."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.outages = Outages(now_s=self.clock)
        self.told: list[CameraNotice] = []

    def gives(self, status: CameraStatus, words: str = "") -> None:
        said = trouble("broke", camera="gate", frames=0, media_time_s=0.0, words=words)
        news = CameraNotice(
            "gate", status, said if words else None, self.clock.at, ReadCounts(), 0.0
        )
        item = self.outages.judge(news)
        assert isinstance(item, CameraNotice)
        assert item.status == status  # whatever becomes an event, the flow learns what is true
        if item.is_news:
            self.told.append(item)

    def shows(self) -> None:
        frame = sampled(0.0)
        stamp = replace(frame.stamp, captured_at=self.clock.at)
        self.outages.judge(Sample(replace(frame, stamp=stamp), ReadCounts()))

    def passes(self, seconds: float) -> None:
        self.clock.now_s += seconds
        if news := self.outages.look():
            self.told.append(news)


def test_one_outage_is_told_at_once_with_its_begin_and_its_end() -> None:
    camera = Camera()
    camera.gives("up")
    camera.shows()
    last_shown_at = camera.clock.at
    camera.passes(5)
    camera.gives("failed", "timed out")
    for _ in range(5):
        camera.passes(2)
        camera.gives("failed", "refused")
    camera.gives("up")
    camera.shows()
    camera.passes(3600)
    assert [(each.status, each.blind_since) for each in camera.told] == [
        ("up", None),
        ("failed", last_shown_at),
        ("up", last_shown_at),
    ]
    assert camera.told[-1].at == last_shown_at + timedelta(seconds=15)
    assert camera.told[-1].reason == ""


def test_a_flapping_camera_gives_one_event_a_minute_that_says_how_often_it_failed() -> None:
    camera = Camera()
    for _ in range(300):  # 3 s of video, then closed, for 20 minutes
        camera.gives("up")
        camera.shows()
        camera.passes(3)
        camera.gives("failed", "closed")
        camera.passes(1)
    assert len(camera.told) <= AT_ONCE + 20
    assert sum(each.failures for each in camera.told) >= 280
    late = camera.told[-1]
    assert late.failures >= 14
    assert "comes and goes, it failed 15 times in 60 s" in late.reason
    assert late.reason_zh


def test_a_camera_that_stays_away_is_told_of_now_and_then() -> None:
    camera = Camera()
    camera.gives("up")
    for _ in range(24 * 3600 // 2):
        camera.gives("failed", "refused")
        camera.passes(2)
    assert 24 <= len(camera.told) <= 35
    assert {each.status for each in camera.told[1:]} == {"failed"}


def test_another_reason_is_told_after_a_minute() -> None:
    camera = Camera()
    for minute in range(300):
        camera.gives("failed", "refused" if minute < 250 else "wrong password")
        camera.passes(60)
    (first,) = [each for each in camera.told if "wrong password" in each.reason][:1]
    assert first.at <= START + timedelta(seconds=1000 + 252 * 60)


def test_coming_without_having_been_away_is_no_news() -> None:
    camera = Camera()
    for _ in range(5):
        camera.gives("up")
        camera.passes(100)
    camera.gives("slow", "late")
    camera.passes(100)
    camera.gives("up")
    assert [each.status for each in camera.told] == ["up", "slow", "up"]


steps = st.tuples(
    st.sampled_from(["up", "slow", "failed", "stalled", "ended"]), st.floats(0, 200), st.booleans()
)


@given(st.lists(steps, max_size=60))
def test_what_was_told_last_is_true_after_a_minute_and_events_are_few(
    given_steps: list[tuple[CameraStatus, float, bool]],
) -> None:
    camera = Camera()
    for status, pause_s, is_seen in given_steps:
        camera.gives(status)
        if is_seen:
            camera.shows()
        camera.passes(pause_s)
    assert len(camera.told) <= AT_ONCE + 1 + (camera.clock.now_s - 1000) / 60 * 2
    camera.passes(61)
    if given_steps:
        is_up = given_steps[-1][0] in WATCHED
        assert (camera.told[-1].status in WATCHED) == is_up
        if is_up:
            assert camera.told[-1].status == given_steps[-1][0]


def test_reminders_of_the_next_outage_begin_with_a_minute_again() -> None:
    camera = Camera()
    camera.gives("up")
    camera.gives("failed", "timed out")
    for _ in range(20):
        camera.passes(60)
        camera.gives("failed", "timed out")
    camera.gives("up")
    camera.passes(600)
    camera.gives("failed", "timed out")
    told = len(camera.told)
    camera.passes(61)
    camera.gives("failed", "timed out")
    assert [notice.status for notice in camera.told[told:]] == ["failed"]


def test_how_long_it_was_blind_does_not_depend_on_what_was_done_to_the_machines_clock() -> None:
    for ahead_s in (-3600.0, 0.0, 60.0, 3600.0):
        camera = Camera()
        frame = sampled(0.0)
        steady_at = camera.clock.at - timedelta(seconds=ahead_s)
        stamp = replace(frame.stamp, captured_at=steady_at, wall_ahead_s=ahead_s)
        camera.outages.judge(Sample(replace(frame, stamp=stamp), ReadCounts()))
        blind_since = camera.clock.at
        camera.passes(3.0)
        camera.gives("ended", "it broke")
        camera.passes(4.0)
        camera.gives("up")
        assert [each.blind_since for each in camera.told] == [blind_since, blind_since]
