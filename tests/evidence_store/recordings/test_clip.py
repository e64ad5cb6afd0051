from __future__ import annotations

from pathlib import Path

import av
import pytest
from footage_files import cut_clip
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from domain.errors import PutAside
from evidence_store.media.packets import StoredPacket, media_zero, open_video, read_packets


def packets_of(path: Path) -> tuple[list[StoredPacket], int]:
    container, stream = open_video(path)
    with container:
        return list(read_packets(container, stream)), media_zero(stream)


def coded_bytes(payload: bytes) -> bytes:
    """Strip the framing from coded pictures: MPEG-TS has start codes, MP4 has lengths."""
    return payload.replace(b"\0\0\0\1", b"").replace(b"\0\0\1", b"")


def frame_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(frame.time or 0.0, 4) for frame in container.decode(video=0)]


def test_the_whole_file_cut_holds_every_packet_unchanged(
    footage_file: Path, tmp_path: Path
) -> None:
    came, _ = packets_of(footage_file)
    cut = cut_clip(footage_file, 0.0, 1e6, tmp_path / "clip.mp4")
    kept, _ = packets_of(cut.path)
    assert cut.packets == len(came) == len(kept) > 40
    if footage_file.suffix == ".ts":
        for before, after in zip(came, kept, strict=True):
            # the access unit delimiter and parameter sets aside, the last unit is the picture
            assert coded_bytes(before.payload)[-40:] == after.payload[-40:]
    else:
        assert [each.payload for each in kept] == [each.payload for each in came]


def test_a_cut_starts_with_the_key_frame_before_and_shows_the_moment_asked_for(
    footage_file: Path, tmp_path: Path
) -> None:
    came, zero = packets_of(footage_file)
    cut = cut_clip(footage_file, 2.5, 3.25, tmp_path / "clip.mp4")
    kept, _ = packets_of(cut.path)
    keys = [float((p.pts - zero) * p.time_base) for p in came if p.is_key]
    assert cut.from_s == pytest.approx(max(at for at in keys if at <= 2.5005), abs=1e-3)
    assert kept[0].is_key
    wanted = sorted(
        float((p.pts - zero) * p.time_base) - cut.from_s
        for p in came
        if cut.from_s - 1e-6 <= (p.pts - zero) * p.time_base <= 3.2505
    )
    shown = frame_times(cut.path)
    assert shown[0] == 0.0, "time stamps start at zero"
    assert shown[: len(wanted)] == pytest.approx(wanted, abs=2e-3)
    assert len(shown) - len(wanted) <= 3, "at most the rest of one group of B-frames more"
    assert cut.to_s >= 3.0
    assert cut.duration_s == pytest.approx(cut.to_s - cut.from_s)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(from_s=st.floats(-1, 7), length_s=st.floats(0, 8))
def test_any_stretch_gives_a_run_of_the_files_own_packets(
    sample_clip: Path, tmp_path: Path, from_s: float, length_s: float
) -> None:
    assume(from_s + length_s >= 0)
    cut = cut_clip(sample_clip, from_s, from_s + length_s, tmp_path / "clip.mp4")
    came = [each.payload for each in packets_of(sample_clip)[0]]
    kept = [each.payload for each in packets_of(cut.path)[0]]
    start = came.index(kept[0])
    assert kept == came[start : start + len(kept)]
    assert cut.from_s <= max(from_s, 0.0) + 1e-3
    assert cut.to_s >= min(from_s + length_s, 79.4)


def test_the_same_cut_twice_is_the_same_bytes(sample_clip: Path, tmp_path: Path) -> None:
    first = cut_clip(sample_clip, 5, 8, tmp_path / "a.mp4").path.read_bytes()
    assert first == cut_clip(sample_clip, 5, 8, tmp_path / "b.mp4").path.read_bytes()
    assert first.index(b"moov") < first.index(b"mdat"), "plays while it loads"


def test_a_stretch_behind_the_end_is_refused_and_leaves_nothing(
    sample_clip: Path, tmp_path: Path
) -> None:
    target = tmp_path / "clips" / "clip.mp4"
    target.parent.mkdir()
    with pytest.raises(PutAside, match="no picture"):
        cut_clip(sample_clip, 0, -5, target)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 50])
def test_a_file_that_is_no_video_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "noise.mp4"
    source.write_bytes(content)
    with pytest.raises(PutAside, match=r"noise\.mp4"):
        cut_clip(source, 0, 1, tmp_path / "clip.mp4")


def test_a_file_cut_short_gives_what_can_be_read(sample_clip: Path, tmp_path: Path) -> None:
    cut = cut_clip(sample_clip, 0, 20, tmp_path / "whole.mp4")
    short = tmp_path / "short.mp4"
    short.write_bytes(cut.path.read_bytes()[: cut.path.stat().st_size // 2])
    rest = cut_clip(short, 0, 20, tmp_path / "rest.mp4")
    assert 0 < rest.packets < cut.packets
    assert rest.to_s < cut.to_s
