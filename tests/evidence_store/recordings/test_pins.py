from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
from hypothesis import given
from hypothesis import strategies as st

from evidence_store.recordings.pins import Pin, expired, least_unpinned, pinned, ring_use
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.recordings.ring_buffer import RingRetention
from evidence_store.recordings.segment_index import Segment, SegmentIndex

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def segment(number: int, size_bytes: int = 100) -> Segment:
    start = START + timedelta(seconds=4 * number)
    end = start + timedelta(seconds=4)
    return Segment(f"{number:04}.mp4", "run", start, 0, Fraction(1), end, 4, size_bytes, 40)


def pin(from_s: float, to_s: float) -> Pin:
    around = (START + timedelta(seconds=each) for each in (from_s, to_s))
    return Pin("gate", *around, "hold hld-1: appeal 17")


SIZES = st.lists(st.integers(0, 500), max_size=40)
PINS = st.lists(
    st.tuples(st.floats(-50, 250), st.floats(0, 60)).map(lambda at: pin(at[0], at[0] + at[1])),
    max_size=4,
)


@given(SIZES, PINS, st.integers(0, 60), st.integers(0, 9000))
def test_what_is_pinned_never_goes_and_the_rest_keeps_to_the_limits(
    sizes: list[int], pins: list[Pin], oldest: int, limit_bytes: int
) -> None:
    ring = [segment(number, size) for number, size in enumerate(sizes)]
    oldest_allowed = START + timedelta(seconds=4 * oldest)
    gone = expired(ring, pins, oldest_allowed, limit_bytes)
    assert not any(each.needs(lost) for each in pins for lost in gone)
    stays = [each for each in ring if each not in gone]
    assert stays[-1:] == ring[-1:]
    needed = pinned(ring, pins)
    assert needed == [each for each in ring if any(one.needs(each) for one in pins)]
    loose = [each for each in stays[:-1] if each not in needed]
    assert all(each.start_at >= oldest_allowed for each in loose)
    # what goes is older than what stays of the same kind
    assert not gone or not loose or gone[-1].start_at < loose[0].start_at
    room = max(limit_bytes - sum(each.size_bytes for each in needed), least_unpinned(limit_bytes))
    room = room if needed else limit_bytes
    last = [each for each in stays[-1:] if each not in needed]
    assert sum(each.size_bytes for each in loose) <= room or not last


def test_pins_that_outgrow_the_ring_are_told() -> None:
    ring = [segment(number) for number in range(10)]
    assert not ring_use(ring, [pin(0, 19)], 1000).is_over
    use = ring_use(ring, [pin(0, 60)], 1000)
    assert (use.size_bytes, use.pinned_bytes, use.is_over) == (1000, 1000, True)
    assert expired(ring, [pin(0, 31)], START, 500) == [ring[8]]  # a tenth is left for what comes


def record(clip: Path, recorder: SegmentRecorder) -> None:
    with av.open(str(clip)) as container:
        for packet in container.demux(container.streams.video[0]):
            if packet.pts is not None and packet.time_base is not None:
                recorder.write(
                    packet, START + timedelta(seconds=float(packet.pts * packet.time_base))
                )
    recorder.close()


def starts_s(folder: Path) -> list[float]:
    segments, _ = SegmentIndex(folder / "gate").read()
    assert {path.name for path in (folder / "gate").glob("*.mp4")} == {
        each.name for each in segments
    }
    return [(each.start_at - START).total_seconds() for each in segments]


def test_a_pinned_stretch_outlives_the_ring_and_goes_when_it_is_released(
    sample_clip: Path, tmp_path: Path
) -> None:
    pins: list[Pin] = [pin(8, 14)]
    retention = RingRetention(max_bytes=sample_clip.stat().st_size // 4)

    def of(camera_id: str) -> Sequence[Pin]:
        assert camera_id == "gate"
        return pins

    record(sample_clip, SegmentRecorder(tmp_path, "gate", retention=retention, pins=of))
    kept = starts_s(tmp_path)
    assert kept[0] <= 8 and any(8 < each <= 14 for each in kept)
    assert not any(16 < each < 50 for each in kept)
    pins.clear()
    record(sample_clip, SegmentRecorder(tmp_path, "gate", retention=retention, pins=of))
    segments, _ = SegmentIndex(tmp_path / "gate").read()
    assert sum(each.size_bytes for each in segments) <= retention.max_bytes


def test_while_nobody_knows_what_is_needed_nothing_is_dropped(
    sample_clip: Path, tmp_path: Path
) -> None:
    recorder = SegmentRecorder(
        tmp_path, "gate", retention=RingRetention(max_bytes=1), pins=lambda _: None
    )
    record(sample_clip, recorder)
    assert starts_s(tmp_path)[0] == 0.0 and len(starts_s(tmp_path)) > 10
