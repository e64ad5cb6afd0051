"""A camera that stands still is told of once, and so is its coming back."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from plain_frames import sampled

from domain.cameras import CameraNotice, ReadCounts
from domain.site import Camera
from flows.sources import camera_shard
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShard, ShardSettings
from flows.sources.sample_queue import Sample


def told(shard: CameraShard) -> list[str]:
    return [
        item.status
        for item in shard.next_batch()
        if isinstance(item, CameraNotice) and item.status != "failed"
    ]


def test_a_camera_that_stalls_and_comes_back_is_told_of_once_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(camera_shard, "STALL_AFTER_S", 0.2)
    title = {"zh": "相机", "en": "Camera"}
    nobody = {"id": "north", "title": title, "url": "rtsp://127.0.0.1:9/none"}
    cameras = (Camera.model_validate(nobody),)
    settings = ShardSettings(cameras, Path(), Playback(until_end=False), threading.Event())
    shard = CameraShard(settings, settings.positions(), lambda: False)
    time.sleep(0.3)
    assert told(shard) == ["stalled"]
    assert told(shard) == []
    monkeypatch.setattr(camera_shard, "STALL_AFTER_S", 60.0)  # however slow this machine is
    shard._watched["north"].reader.queue.put(Sample(sampled(0), ReadCounts(1, 0)))
    assert told(shard) == ["up"]
    shard._watched["north"].reader.queue.put(Sample(sampled(0.2), ReadCounts(2, 0)))
    assert told(shard) == []
    shard.close()
