"""A camera that stands still is told of once, and so is its coming back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from footage_files import write_clip
from plain_frames import sampled

from domain.cameras.status import CameraNotice, ReadCounts
from domain.site.cameras import Camera
from flows.sources import camera_shard, watched_camera
from flows.sources.camera_reader import CameraReader, Ending, Playback
from flows.sources.camera_shard import CameraShard, ShardItem, ShardSettings
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
    monkeypatch.setattr(watched_camera, "STALL_AFTER_S", 0.2)
    title = {"zh": "相机", "en": "Camera"}
    nobody = {"id": "north", "title": title, "url": "rtsp://127.0.0.1:9/none"}
    cameras = (Camera.model_validate(nobody),)
    settings = ShardSettings(cameras, Path(), Playback(until_end=False), threading.Event())
    shard = CameraShard(settings, settings.positions(), lambda: False)
    time.sleep(0.3)
    assert told(shard) == ["stalled"]
    assert told(shard) == []
    monkeypatch.setattr(watched_camera, "STALL_AFTER_S", 60.0)  # however slow this machine is
    shard._watched["north"].reader.queue.put(Sample(sampled(0), ReadCounts(1, 0)))
    assert told(shard) == ["up"]
    shard._watched["north"].reader.queue.put(Sample(sampled(0.2), ReadCounts(2, 0)))
    assert told(shard) == []
    shard.close()


def test_a_time_that_waited_for_the_disk_is_not_put_on_the_camera(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before: "no picture for 60 s; is the camera or its network up?"."""
    title = {"zh": "相机", "en": "Camera"}
    nobody = {"id": "north", "title": title, "url": "rtsp://127.0.0.1:9/none"}
    cameras = (Camera.model_validate(nobody),)
    held_up_s = [1.0]
    settings = ShardSettings(
        cameras,
        Path(),
        Playback(until_end=False),
        threading.Event(),
        held_up_s=lambda: held_up_s[0],
    )
    shard = CameraShard(settings, settings.positions(), lambda: False)
    north = shard._watched["north"]
    assert told(shard) == []
    held_up_s[0], north.last_sample_s = 61.0, time.monotonic() - 60
    monkeypatch.setattr(watched_camera, "STALL_AFTER_S", 40.0)  # however slow this machine is
    north.reader.queue.put(Sample(sampled(0), ReadCounts(1, 0)))
    batch = [each for each in shard.next_batch() if getattr(each, "status", "") != "failed"]
    first, frame, last = batch
    assert isinstance(first, CameraNotice) and isinstance(last, CameraNotice)
    assert isinstance(frame, Sample)
    assert (first.status, last.status) == ("stalled", "up")
    assert "nobody watched for 60 s, for the disk was full" in first.reason
    assert told(shard) == []
    shard.close()


def test_the_areas_that_rules_watch_are_looked_at_closely(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=5, fps=5, size=(1280, 720))
    title = {"zh": "相机", "en": "Camera"}
    cameras = tuple(
        Camera.model_validate({"id": name, "title": title, "url": "clip.mp4"})
        for name in ("watched", "plain")
    )
    settings = ShardSettings(
        cameras,
        tmp_path,
        Playback(until_end=True),
        threading.Event(),
        watched_areas=lambda camera_id: ((0.4, 0.4, 0.5, 0.5),) if camera_id == "watched" else (),
    )
    shard = CameraShard(settings, settings.positions(), lambda: False)
    looks: dict[str, int] = {}
    until = time.monotonic() + 60
    while len(looks) < 2 and time.monotonic() < until:
        for item in shard.next_batch():
            if isinstance(item, Sample):
                looks[item.frame.stamp.camera_id] = len(item.frame.close_looks)
        time.sleep(0.005)
    shard.close()
    assert looks == {"watched": 1, "plain": 0}


class _DeadlyReader(CameraReader):
    """Dies of what no reader should die of, as often as it is told to."""

    deaths_left = 0

    def _read_once(self) -> Ending:
        if _DeadlyReader.deaths_left:
            _DeadlyReader.deaths_left -= 1
            raise RuntimeError("injected")
        return super()._read_once()


def items_until(shard: CameraShard, enough: Callable[[list[ShardItem]], bool]) -> list[ShardItem]:
    items: list[ShardItem] = []
    give_up_at = time.monotonic() + 60
    while not enough(items):
        assert time.monotonic() < give_up_at, f"only got {items}"
        items += shard.next_batch()
        time.sleep(0.005)
    return items


def statuses(items: list[ShardItem]) -> list[str]:
    return [item.status for item in items if isinstance(item, CameraNotice)]


def test_a_reader_that_dies_is_started_again_and_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(camera_shard, "CameraReader", _DeadlyReader)
    monkeypatch.setattr(watched_camera, "LONGEST_PAUSE_S", 0.5)
    monkeypatch.setattr(_DeadlyReader, "deaths_left", 2)
    write_clip(tmp_path / "clip.mp4")
    looped = {"id": "north", "title": {"zh": "相机", "en": "Camera"}, "url": "clip.mp4"}
    settings = ShardSettings(
        (Camera.model_validate(looped),), tmp_path, Playback(until_end=False), threading.Event()
    )
    shard = CameraShard(settings, settings.positions(), lambda: False)
    items = items_until(shard, lambda got: any(isinstance(item, Sample) for item in got))
    shard.close()
    notices = [item for item in items if isinstance(item, CameraNotice)]
    assert [item.status for item in notices] == ["failed", "failed", "up"]
    assert "its reader ended unexpectedly" in notices[0].reason
    assert [item.is_news for item in notices] == [True, False, True]
    assert notices[-1].blind_since is not None


def test_a_reader_that_cannot_be_started_again_takes_no_other_camera_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Under a limit of threads Python raises where it should start one."""
    monkeypatch.setattr(camera_shard, "CameraReader", _DeadlyReader)
    monkeypatch.setattr(watched_camera, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(watched_camera, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(_DeadlyReader, "deaths_left", 1)
    write_clip(tmp_path / "clip.mp4")
    looped = {"id": "north", "title": {"zh": "相机", "en": "Camera"}, "url": "clip.mp4"}
    settings = ShardSettings(
        (Camera.model_validate(looped),), tmp_path, Playback(until_end=False), threading.Event()
    )
    shard = CameraShard(settings, settings.positions(), lambda: False)
    really_start, refused = threading.Thread.start, []

    def start(thread: threading.Thread) -> None:
        if isinstance(thread, _DeadlyReader) and len(refused) < 2:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        really_start(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    items = items_until(shard, lambda got: any(isinstance(item, Sample) for item in got))
    shard.close()
    assert len(refused) == 2
    assert statuses(items)[0] == "failed"
    assert statuses(items)[-1] == "up"


class _HangingReader(CameraReader):
    """Hangs in its first try, where nobody can wake it, until the test is over."""

    has_hung, is_over = threading.Event(), threading.Event()

    def _read_once(self) -> Ending:
        if not _HangingReader.has_hung.is_set():
            _HangingReader.has_hung.set()
            _HangingReader.is_over.wait(120)
        return super()._read_once()


def test_a_reader_that_hangs_is_left_behind_and_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(camera_shard, "CameraReader", _HangingReader)
    monkeypatch.setattr(camera_shard, "HUNG_AFTER_S", 1.0)
    write_clip(tmp_path / "clip.mp4")
    looped = {"id": "north", "title": {"zh": "相机", "en": "Camera"}, "url": "clip.mp4"}
    settings = ShardSettings(
        (Camera.model_validate({**looped, "analyse_fps": 5}),),
        tmp_path,
        Playback(until_end=False),
        threading.Event(),
    )
    shard = CameraShard(settings, settings.positions(), lambda: False)
    hanging = shard._watched["north"].reader
    items = items_until(shard, lambda got: any(isinstance(item, Sample) for item in got))
    _HangingReader.is_over.set()
    hanging.join(60)
    assert not hanging.is_alive()
    assert not len(hanging.queue)
    shard.close()
    notices = [item for item in items if isinstance(item, CameraNotice)]
    assert notices[-1].status == "up"
    assert any("another one took its place" in notice.reason for notice in notices)


def test_a_file_whose_reader_dies_ends_as_failed_so_that_the_run_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(camera_shard, "CameraReader", _DeadlyReader)
    monkeypatch.setattr(_DeadlyReader, "deaths_left", 1)
    write_clip(tmp_path / "clip.mp4")
    file = {"id": "north", "title": {"zh": "相机", "en": "Camera"}, "url": "clip.mp4"}
    settings = ShardSettings(
        (Camera.model_validate(file),), tmp_path, Playback(until_end=True), threading.Event()
    )
    positions = settings.positions()
    shard = CameraShard(settings, positions, lambda: False)
    items = items_until(shard, statuses)
    assert statuses(items) == ["failed"]
    positions.done([item for item in items if isinstance(item, CameraNotice)])
    with pytest.raises(StopIteration):
        shard.next_batch()
    shard.close()


def test_a_file_that_ended_is_not_taken_for_one_whose_reader_died(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", frames=3)
    file = {"id": "north", "title": {"zh": "相机", "en": "Camera"}, "url": "clip.mp4"}
    settings = ShardSettings(
        (Camera.model_validate(file),), tmp_path, Playback(until_end=True), threading.Event()
    )
    shard = CameraShard(settings, settings.positions(), lambda: False)
    items = items_until(shard, lambda got: "ended" in statuses(got))
    shard._watched["north"].reader.join(60)
    for _ in range(5):
        items += shard.next_batch()
    shard.close()
    assert statuses(items) == ["up", "ended"]
