"""One batch ahead: everything comes out, in order, and counts as read only then."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import BEGAN
from plain_frames import detections, sampled

from domain.cameras.status import CameraNotice, ReadCounts
from domain.detections import Detections
from flows.sources.prefetch import FLUSH, FrameItem, Prefetch, SeenItem
from flows.sources.read_positions import POSITIONS_FORMAT, ReaderPosition, ReadPositions
from flows.sources.sample_queue import ReaderItem, Sample


def look(items: list[FrameItem]) -> list[SeenItem]:
    return [
        item if isinstance(item, CameraNotice) else detections(item.stamp.media_time_s, [])
        for item in items
    ]


def sample(number: int) -> Sample:
    return Sample(sampled(number / 5), ReadCounts(number + 1, 0))


def times(seen: list[SeenItem]) -> list[float]:
    return [each.frame.media_time_s for each in seen if isinstance(each, Detections)]


def test_a_batch_comes_out_when_the_next_one_is_under_way() -> None:
    ahead = Prefetch(look, lambda items: None)
    assert ahead([sample(0), sample(1)]) == []
    assert ahead.is_waiting
    assert times(ahead([sample(2)])) == [0, 0.2]
    assert times(ahead([FLUSH])) == [0.4]
    assert not ahead.is_waiting


def test_only_what_came_out_counts_as_read() -> None:
    positions = ReadPositions(frozenset({"north"}))
    ahead = Prefetch(look, positions.done)
    ahead([sample(0)])
    assert POSITIONS_FORMAT.restore(positions.save()) == {}
    ahead([sample(1)])
    saved = POSITIONS_FORMAT.restore(positions.save())
    assert saved == {"north": ReaderPosition(0.0, ReadCounts(1, 0))}
    ended = CameraNotice("north", "ended", None, BEGAN, ReadCounts(2, 0), 0.2)
    ahead([ended, FLUSH])
    assert positions.of("north") == ReaderPosition(0.2, ReadCounts(2, 0), ended=True)


def test_a_live_camera_that_failed_is_not_at_its_end() -> None:
    positions = ReadPositions(frozenset())
    positions.done([CameraNotice("north", "failed", None, BEGAN, ReadCounts(), 0.0)])
    assert not positions.of("north").ended


def test_what_goes_wrong_in_the_step_is_raised_where_its_answers_are_taken() -> None:
    def fails(items: list[FrameItem]) -> list[SeenItem]:
        raise ValueError("broken")

    done: list[list[ReaderItem]] = []
    ahead = Prefetch(fails, done.append)
    ahead([sample(0)])
    with pytest.raises(ValueError, match="broken"):
        ahead([FLUSH])
    assert done == []


@given(st.lists(st.one_of(st.integers(0, 4), st.none()), max_size=30))
@settings(max_examples=60)
def test_nothing_is_lost_doubled_or_out_of_order(sizes: list[int | None]) -> None:
    """Batches of any size with flushes (None) anywhere between."""
    ahead = Prefetch(look, lambda items: None)
    seen: list[SeenItem] = []
    number = 0
    for size in sizes:
        batch: list[ReaderItem] = [sample(number + n) for n in range(size or 0)]
        number += len(batch)
        seen += ahead([FLUSH] if size is None else [*batch])
    seen += ahead([FLUSH])
    assert times(seen) == [n / 5 for n in range(number)]
