"""The paced site of the latency benchmark: the sample's own packets at another rate."""

from pathlib import Path

import av
import pytest

from benchmarks.paced_site import CLIP_FPS, retime, write_paced_site
from benchmarks.workload import CLIP, CLIP_FRAMES
from domain.site.loading import load_site


def _packets(clip: Path) -> list[tuple[bytes, float]]:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        return [
            (bytes(packet), float(packet.pts * packet.time_base))
            for packet in container.demux(stream)
            if packet.pts is not None
        ]


def test_a_retimed_clip_has_the_same_packets_at_another_rate(tmp_path):
    fps = 13.7
    slow, fast = _packets(CLIP), _packets(retime(tmp_path / "fast.mp4", fps))
    assert len(fast) == CLIP_FRAMES
    assert [payload for payload, _ in fast] == [payload for payload, _ in slow]
    for (_, before_s), (_, after_s) in zip(slow, fast, strict=True):
        assert after_s == pytest.approx(before_s * CLIP_FPS / fps, abs=1e-3)


def test_a_paced_site_is_one_that_forewarn_takes_and_begins_each_camera_elsewhere(tmp_path):
    clip = retime(tmp_path / "fast.mp4", 12.0)
    site = load_site(write_paced_site(tmp_path / "site.yaml", clip, 8, 12.0))
    assert len(site.cameras) == 8
    assert len({camera.stretch_s for camera in site.cameras}) == 8
    assert {camera.analyse_fps for camera in site.cameras} == {12.0}
