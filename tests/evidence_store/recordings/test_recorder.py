from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from domain.events.catalog import Sighting
from domain.site.storage import KeptFree
from evidence_store.media.packets import StoredPacket, open_video, read_packets
from evidence_store.recordings import recorder as recorder_module
from evidence_store.recordings.footage import find_footage
from evidence_store.recordings.footage_clips import cut_footage, grab_sighting
from evidence_store.recordings.recorder import SegmentRecorder
from evidence_store.recordings.ring_buffer import RingRetention
from evidence_store.recordings.segment_index import SegmentIndex
from tests.support.small_disk import SmallDisk

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def record(
    source: Path,
    recorder: SegmentRecorder,
    start: datetime = START,
    decode: bool = False,
    reason: str = "",
) -> list[bytes]:
    """Feed a file as a camera's reader does; return the payloads fed."""
    fed = []
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        zero = stream.start_time or 0
        for packet in container.demux(stream):
            if packet.dts is None and packet.size == 0:
                continue
            if decode:
                packet.decode()
            ticks = packet.pts if packet.pts is not None else packet.dts
            fed.append(bytes(packet))
            recorder.write(
                packet, start + timedelta(seconds=float((ticks - zero) * stream.time_base))
            )
    recorder.cut(reason)
    return fed


def payloads(path: Path) -> list[bytes]:
    return [each.payload for each in packets(path)]


def packets(path: Path) -> list[StoredPacket]:
    container, stream = open_video(path)
    with container:
        return list(read_packets(container, stream))


def sighting(pts: int, time_base: Fraction, at: datetime) -> Sighting:
    return Sighting(
        at=at,
        media_time_s=0.0,
        pts=pts,
        time_base=str(time_base),
        box_xyxy=(0, 0, 10, 10),
        score=0.9,
        frame_width_px=96,
        frame_height_px=64,
    )


def test_segments_hold_every_packet_unchanged_and_start_with_key_frames(
    footage_file: Path, tmp_path: Path
) -> None:
    recorder = SegmentRecorder(tmp_path / "rec", "gate", segment_s=1.5)
    fed = record(footage_file, recorder)
    assert recorder.problem is None and recorder.packets_not_recorded == 0
    segments, lost = SegmentIndex(tmp_path / "rec" / "gate").read()
    assert len(segments) >= 2 and lost == []
    kept = [payloads(tmp_path / "rec" / "gate" / each.name) for each in segments]
    assert [len(each) for each in kept] == [each.packets for each in segments]
    flat = [payload for each in kept for payload in each]
    if footage_file.suffix == ".ts":  # start codes become lengths; the coded pictures stay
        assert [each[-40:] for each in flat] == [each[-40:] for each in fed]
    else:
        assert flat == fed
    times = [
        segment.origin_pts * segment.time_base + packet.pts * packet.time_base
        for segment in segments
        for packet in packets(tmp_path / "rec" / "gate" / segment.name)
    ]
    came = [packet.pts * packet.time_base for packet in packets(footage_file)]
    assert sorted(map(float, times)) == pytest.approx(sorted(map(float, came)), abs=2e-3)


def test_a_clip_joined_across_segments_is_the_cameras_own_stream(
    footage_file: Path, tmp_path: Path
) -> None:
    recorder = SegmentRecorder(tmp_path / "rec", "gate", segment_s=1.5)
    fed = record(footage_file, recorder)
    footage = find_footage(
        tmp_path / "rec", "gate", START + timedelta(seconds=1), START + timedelta(seconds=4)
    )
    assert len(footage.pieces) >= 2 and footage.gaps == ()
    clips = cut_footage(footage, tmp_path, "clip")
    assert len(clips) == 1
    kept = packets(clips[0].cut.path)
    if footage_file.suffix != ".ts":
        joined = [each.payload for each in kept]
        start = fed.index(joined[0])
        assert joined == fed[start : start + len(joined)]
    assert clips[0].from_at <= START + timedelta(seconds=1.001)
    assert clips[0].to_at >= START + timedelta(seconds=3.9)
    stamps = sorted(each.pts for each in kept)
    assert len(set(stamps)) == len(stamps)


def test_a_sightings_own_frame_is_found_in_the_segments(
    footage_file: Path, tmp_path: Path, all_frames: list[tuple[int, np.ndarray]]
) -> None:
    record(footage_file, SegmentRecorder(tmp_path / "rec", "gate", segment_s=1.5))
    container, stream = open_video(footage_file)
    container.close()
    time_base = stream.time_base or Fraction(1)
    for number in (2, 21, 47):
        pts, wanted = all_frames[number]
        seconds = float((pts - all_frames[0][0]) * time_base)
        at = START + timedelta(seconds=seconds + 0.3)  # the reader's clock is not exact
        footage = find_footage(
            tmp_path / "rec", "gate", at - timedelta(seconds=2), at + timedelta(seconds=2)
        )
        clips = cut_footage(footage, tmp_path, "clip")
        image, remark = grab_sighting(clips, sighting(pts, time_base, at))
        assert remark == ""
        assert np.array_equal(image, wanted)


def test_decoding_a_packet_first_changes_nothing(sample_clip: Path, tmp_path: Path) -> None:
    recorder = SegmentRecorder(tmp_path, "gate")
    fed = record(sample_clip, recorder, decode=True)
    segments, _ = SegmentIndex(tmp_path / "gate").read()
    assert sum(each.packets for each in segments) == len(fed) == 795


def test_a_time_without_recording_is_a_gap_with_its_reason(
    sample_clip: Path, tmp_path: Path
) -> None:
    recorder = SegmentRecorder(tmp_path, "gate")
    record(sample_clip, recorder, START)
    record(sample_clip, recorder, START + timedelta(seconds=100))
    footage = find_footage(
        tmp_path, "gate", START + timedelta(seconds=70), START + timedelta(seconds=110)
    )
    assert [round((gap.to_at - gap.from_at).total_seconds()) for gap in footage.gaps] == [20]
    assert "nothing recorded" in str(footage.gaps[0])
    assert len(cut_footage(footage, tmp_path, "clip")) == 2
    assert find_footage(tmp_path, "other", START, START).pieces == ()


def test_a_full_disk_is_a_gap_that_is_named_and_recording_goes_on(
    sample_clip: Path, small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "RETRY_AFTER_S", 0.0)
    recorder = SegmentRecorder(small_disk.folder, "gate", kept_free=KeptFree(32 * 1024**2))
    small_disk.fill()
    record(sample_clip, recorder)
    assert recorder.problem is not None
    assert "No space left on device" in recorder.problem
    small_disk.free()
    (small_disk.folder / "half").write_bytes(b"x" * (1 << 20))
    record(sample_clip, recorder, start=START + timedelta(minutes=5))
    segments, lost = SegmentIndex(small_disk.folder / "gate").read()
    assert segments[0].start_at >= START + timedelta(minutes=5)
    assert any("No space left" in part.reason and part.from_at <= START for part in lost)


def test_no_recording_is_begun_on_what_is_kept_for_the_log(
    sample_clip: Path, small_disk: SmallDisk
) -> None:
    """Before: recordings took the last byte, and the log had none."""
    kept = KeptFree(32 * 1024**2)  # of 2 MiB a 32nd is kept, and half as much again
    with (small_disk.folder / "others").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 2 * 1024**2 - 80 * 1024)
    recorder = SegmentRecorder(small_disk.folder, "gate", kept_free=kept)
    record(sample_clip, recorder)
    assert recorder.problem is not None
    assert "kept for the event log" in recorder.problem
    assert list(small_disk.folder.glob("gate/*.mp4")) == []


def test_the_oldest_segments_go_when_the_ring_is_full(sample_clip: Path, tmp_path: Path) -> None:
    budget = sample_clip.stat().st_size // 4
    recorder = SegmentRecorder(tmp_path, "gate", retention=RingRetention(max_bytes=budget))
    record(sample_clip, recorder)
    segments, _ = SegmentIndex(tmp_path / "gate").read()
    files = {path.name for path in (tmp_path / "gate").iterdir()} - {"index.jsonl"}
    assert files == {each.name for each in segments}
    assert 0 < sum(each.size_bytes for each in segments) <= budget
    assert segments[-1].end_at == START + timedelta(seconds=79.5)


def test_a_disk_that_cannot_be_written_never_stops_the_reader(
    sample_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "gate").write_text("a file where the folder should be")
    recorder = SegmentRecorder(tmp_path, "gate")
    fed = record(sample_clip, recorder)
    assert recorder.problem is not None and "gate" in recorder.problem
    assert recorder.packets_not_recorded == len(fed)


def test_recording_goes_on_when_the_trouble_ends_and_the_loss_is_on_record(
    sample_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence_store.recordings.recorder.RETRY_AFTER_S", 0.0)
    blocker = tmp_path / "gate"
    blocker.write_text("in the way")
    recorder = SegmentRecorder(tmp_path, "gate")
    record(sample_clip, recorder, START)
    blocker.unlink()
    record(sample_clip, recorder, START + timedelta(seconds=79.5))
    assert recorder.problem is None
    segments, lost = SegmentIndex(tmp_path / "gate").read()
    assert sum(each.packets for each in segments) == 795
    assert [each.packets for each in lost] == [795]
    footage = find_footage(tmp_path, "gate", START, START + timedelta(seconds=100))
    assert "cannot record" in footage.gaps[0].reason


RECORDER_PROCESS = """
import sys, time
from datetime import datetime, timedelta, UTC
from pathlib import Path
import av
from evidence_store.recordings.recorder import SegmentRecorder
recorder = SegmentRecorder(Path(sys.argv[2]), "gate", segment_s=4)
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    for count, packet in enumerate(container.demux(stream)):
        if packet.size == 0:
            continue
        at = datetime(2026, 3, 2, 8, tzinfo=UTC) + timedelta(seconds=float(packet.pts * stream.time_base))
        recorder.write(packet, at)
        if count == 305:
            print("fed", recorder.problem, flush=True)
            time.sleep(60)
"""


def test_kill_9_costs_at_most_the_open_segments_last_seconds(
    sample_clip: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RECORDER_PROCESS, str(sample_clip), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(Path(__file__).parents[3])),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "fed None\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    footage = find_footage(tmp_path, "gate", START, START + timedelta(seconds=30.6))
    reached = max(piece.ends_at for piece in footage.pieces)
    assert START + timedelta(seconds=28.5) <= reached <= START + timedelta(seconds=30.7)
    clips = cut_footage(footage, tmp_path, "clip")
    fed = payloads(sample_clip)
    kept = payloads(clips[0].cut.path)
    assert kept == fed[: len(kept)] and len(kept) >= 285
    # the next process takes over what is there and closes it
    recorder = SegmentRecorder(tmp_path, "gate")
    record(sample_clip, recorder, START + timedelta(hours=1))
    segments, _ = SegmentIndex(tmp_path / "gate").read()
    assert all(each.end_at is not None for each in segments)
    assert [each.is_cut_off for each in segments].count(True) == 1, "and the index says so"
    (reason,) = reasons_of_gaps(tmp_path, 20, 40)
    assert "recording broke off" in reason


def test_a_torn_index_line_is_passed_over(sample_clip: Path, tmp_path: Path) -> None:
    recorder = SegmentRecorder(tmp_path, "gate")
    record(sample_clip, recorder)
    index = tmp_path / "gate" / "index.jsonl"
    whole = SegmentIndex(tmp_path / "gate").read()
    with index.open("a") as file:
        file.write(json.dumps({"opened": {"name": "half"}})[:15])
    assert SegmentIndex(tmp_path / "gate").read() == whole
    record(sample_clip, SegmentRecorder(tmp_path, "gate"), START + timedelta(hours=1))
    assert len(SegmentIndex(tmp_path / "gate").read()[0]) == 2 * len(whole[0])


def reasons_of_gaps(folder: Path, from_s: float, to_s: float) -> list[str]:
    from_at, to_at = START + timedelta(seconds=from_s), START + timedelta(seconds=to_s)
    return [gap.reason for gap in find_footage(folder, "gate", from_at, to_at).gaps]


def test_a_gap_says_why_the_recording_ended(sample_clip: Path, tmp_path: Path) -> None:
    recorder = SegmentRecorder(tmp_path, "gate")
    broke = "the stream broke after 795 frames: Connection timed out"
    record(sample_clip, recorder, START, reason=broke)
    record(sample_clip, recorder, START + timedelta(seconds=100))
    assert reasons_of_gaps(tmp_path, 70, 110) == [f"gate: {broke}"]
    assert reasons_of_gaps(tmp_path, 5, 70) == []


def test_a_segment_cut_off_before_anything_of_it_was_written_is_told_of(
    sample_clip: Path, tmp_path: Path
) -> None:
    killed = SegmentRecorder(tmp_path, "gate")
    with av.open(str(sample_clip)) as container:
        for count, packet in enumerate(container.demux(video=0)):
            at = START + timedelta(seconds=count / 10)
            killed.write(packet, at)
            if count == 205:
                break
    del killed  # nobody closes the segment: what the writer flushed is what a kill leaves
    record(sample_clip, SegmentRecorder(tmp_path, "gate"), START + timedelta(seconds=60))
    (reason,) = reasons_of_gaps(tmp_path, 10, 65)
    assert "recording broke off" in reason


def test_a_gap_where_the_ring_was_cleared_says_so_also_after_the_index_was_compacted(
    sample_clip: Path, tmp_path: Path
) -> None:
    retention = RingRetention(max_bytes=sample_clip.stat().st_size // 4)
    record(sample_clip, SegmentRecorder(tmp_path, "gate", retention=retention))
    (before,) = reasons_of_gaps(tmp_path, 0, 75)
    assert "deleted" in before
    SegmentIndex(tmp_path / "gate").compact()
    assert reasons_of_gaps(tmp_path, 0, 75) == [before]
