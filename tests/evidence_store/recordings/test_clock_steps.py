"""The wall's clock is set while a camera is recorded: each moment is still found where it lies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import pytest

from domain.events.catalog import Sighting
from evidence_store.recordings.footage import Footage, SiteFootage, find_footage
from evidence_store.recordings.footage_clips import cut_footage
from evidence_store.recordings.pins import Pin, pinned
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.recordings.ring_buffer import RingRetention
from evidence_store.recordings.segment_index import SegmentIndex
from flows.notices.still import AROUND

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
STEP_AT_S, CLIP_S = 40.0, 79.5


def record_with_step(
    sample_clip: Path,
    folder: Path,
    step_s: float,
    *,
    is_known: bool = True,
    retention: RingRetention | None = None,
) -> list[Sighting]:
    """Record the sample clip, and set the wall's clock at 40 s; return a sighting for each second.

    Where it is not known, only the wall's time is told, as older versions did.
    """
    recorder = SegmentRecorder(folder, "gate", segment_s=1.0, retention=retention)
    sightings = []
    with av.open(str(sample_clip)) as container:
        for packet in container.demux(video=0):
            if not packet.size:
                continue
            at_s = float(packet.pts * packet.time_base)
            steady_at = START + timedelta(seconds=at_s)
            step = timedelta(seconds=step_s if at_s >= STEP_AT_S else 0.0)
            recorder.write(packet, steady_at + step, steady_at if is_known else None)
            if at_s % 8 < 0.05:
                told = steady_at if is_known and step else None
                time_base = Fraction(packet.time_base)
                sightings.append(sighting(steady_at + step, told, at_s, packet.pts, time_base))
    recorder.close()
    return sightings


def sighting(
    at: datetime, steady_at: datetime | None, media_s: float, pts: int, time_base: Fraction
) -> Sighting:
    return Sighting(
        at=at,
        steady_at=steady_at,
        media_time_s=media_s,
        pts=pts,
        time_base=str(time_base),
        box_xyxy=(0, 0, 10, 10),
        score=0.9,
        frame_width_px=96,
        frame_height_px=64,
    )


def footage_around(folder: Path, seen: Sighting) -> Footage:
    at = seen.steady_at or seen.at
    return find_footage(folder, "gate", at - AROUND, at + AROUND)


@pytest.mark.parametrize("step_s", [-30.0, 3600.0])
def test_every_sighting_is_found_once_and_in_the_right_place(
    step_s: float, sample_clip: Path, tmp_path: Path
) -> None:
    for seen in record_with_step(sample_clip, tmp_path, step_s):
        found = footage_around(tmp_path, seen)
        assert found.gaps == (), found.gaps
        places = [place for piece in found.pieces if (place := piece.place_of(seen)) is not None]
        assert len(places) >= 1, (seen, found)
        for piece in found.pieces:
            assert piece.ends_at - piece.starts_at < timedelta(seconds=20)


@pytest.mark.parametrize("step_s", [-3600.0, -30.0])
def test_a_stretch_that_spans_a_step_is_one_clip_with_the_walls_time(
    step_s: float, sample_clip: Path, tmp_path: Path
) -> None:
    record_with_step(sample_clip, tmp_path, step_s)
    from_at, to_at = START + timedelta(seconds=20), START + timedelta(seconds=60)
    found = find_footage(tmp_path, "gate", from_at, to_at)
    assert found.gaps == ()
    (tmp_path / "cut").mkdir()
    (clip,) = cut_footage(found, tmp_path / "cut", "clip")
    assert 39 < clip.cut.duration_s < 61
    assert clip.from_at <= from_at
    late = find_footage(tmp_path, "gate", to_at, to_at + timedelta(seconds=5))
    (clip,) = cut_footage(late, tmp_path / "cut", "late")
    told = to_at + timedelta(seconds=step_s)
    assert abs((clip.from_at - told).total_seconds()) < 15


def test_where_two_recordings_carry_a_time_the_gap_says_so(
    sample_clip: Path, tmp_path: Path
) -> None:
    record_with_step(sample_clip, tmp_path, -30.0, is_known=False)
    from_at, to_at = START + timedelta(seconds=15), START + timedelta(seconds=25)
    (gap,) = find_footage(tmp_path, "gate", from_at, to_at).gaps
    assert "gate: two recordings carry this time: the clock was set back at 2026-03-02T08:00" in (
        str(gap)
    )
    # also after the index was written anew
    SegmentIndex(tmp_path / "gate").compact()
    assert find_footage(tmp_path, "gate", from_at, to_at).gaps == (gap,)


def test_what_is_pinned_is_pinned_by_the_steady_time_of_an_offence_that_spans_a_step(
    sample_clip: Path, tmp_path: Path
) -> None:
    record_with_step(sample_clip, tmp_path, -3600.0)
    segments = SegmentIndex(tmp_path / "gate").read()[0]
    from_at, to_at = START + timedelta(seconds=30), START + timedelta(seconds=50)
    wanted = [each for each in segments if each.steady_at <= to_at][-22:]
    steady = pinned(segments, [Pin("gate", from_at, to_at, "offence", is_steady=True)])
    assert {each.name for each in steady} <= {each.name for each in wanted}
    assert {each.start_at < START for each in steady} == {True, False}
    # a hold names the wall's time
    hold = pinned(segments, [Pin("gate", START, START + timedelta(minutes=2), "hold")])
    assert hold and all(each.steady_start_at is None for each in hold)


def test_a_clock_that_jumps_two_years_ahead_takes_no_footage(
    sample_clip: Path, tmp_path: Path
) -> None:
    step_s = 2 * 366 * 86400.0
    record_with_step(sample_clip, tmp_path, step_s, retention=RingRetention(hours=72))
    segments = SegmentIndex(tmp_path / "gate").read()[0]
    assert segments[0].start_at < START + timedelta(seconds=1)
    assert sum(each.packets for each in segments) == 795


def test_an_index_of_an_older_version_is_read(sample_clip: Path, tmp_path: Path) -> None:
    record_with_step(sample_clip, tmp_path, 0.0)
    path = tmp_path / "gate" / "index.jsonl"
    path.write_text(path.read_text().replace(', "steady_start_at": null', ""))
    assert "steady" not in path.read_text()
    segments = SegmentIndex(tmp_path / "gate").read()[0]
    assert sum(each.packets for each in segments) == 795
    assert all(each.steady_at == each.start_at for each in segments)


def test_the_finder_waits_by_the_steady_clock(sample_clip: Path, tmp_path: Path) -> None:
    seen = record_with_step(sample_clip, tmp_path, -3600.0)[-2]
    now = START + timedelta(days=1)
    found = SiteFootage(None, tmp_path, tmp_path, steady_now=lambda: now)  # type: ignore[arg-type]
    assert seen.steady_at is not None
    ends_at = seen.steady_at + timedelta(minutes=5)
    assert found.find("gate", seen.steady_at, ends_at, seen).pieces


def test_a_machine_that_comes_back_two_years_ahead_keeps_its_footage(
    sample_clip: Path, tmp_path: Path
) -> None:
    two_years = timedelta(days=731)
    for start, believed_at in ((START, None), (START + two_years, START + timedelta(minutes=2))):
        recorder = SegmentRecorder(
            tmp_path, "gate", segment_s=20, believed_at=lambda at=believed_at: at
        )
        with av.open(str(sample_clip)) as container:
            for packet in container.demux(video=0):
                if packet.size:
                    at_s = float(packet.pts * packet.time_base)
                    recorder.write(packet, start + timedelta(seconds=at_s))
        recorder.close()
    segments = SegmentIndex(tmp_path / "gate").read()[0]
    assert sum(each.packets for each in segments) == 2 * 795
