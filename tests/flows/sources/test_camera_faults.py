"""Twenty faults of real servers, RTSP and HTTP: each camera is told of as blind, and comes back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from faulty_camera import FAULTS, faulty_cameras
from footage_files import write_clip, write_unknown_codec
from good_cameras import Protocol, served_apart

from domain.cameras.status import WATCHED, CameraNotice
from domain.site.cameras import Camera
from flows.sources import watched_camera
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShard, ShardSettings
from flows.sources.media.footage import Patience
from flows.sources.sample_queue import Sample

FPS, SECONDS = 10, 60
PATIENT_S = 120  # however slow this machine is
# opening takes FFmpeg about a second of video
QUICK = Patience(silence_s=2.0, open_s=5.0, longest_pause_s=0.5)
PROTOCOLS: tuple[Protocol, ...] = ("rtsp", "http")


@dataclass
class Heard:
    """What a shard gave of one camera."""

    samples: int = 0
    notices: list[CameraNotice] = field(default_factory=list)

    @property
    def is_up(self) -> bool:
        return bool(self.notices) and self.notices[-1].status in WATCHED

    @property
    def news(self) -> list[CameraNotice]:
        return [notice for notice in self.notices if notice.is_news]


class Watched:
    """A shard of live cameras, drained by the test."""

    def __init__(self, urls: dict[str, str]) -> None:
        title = {"zh": "相机", "en": "Camera"}
        cameras = tuple(
            Camera.model_validate({"id": name, "title": title, "url": url, "analyse_fps": 2})
            for name, url in urls.items()
        )
        settings = ShardSettings(
            cameras, Path(), Playback(until_end=False), threading.Event(), patience=QUICK
        )
        self.shard = CameraShard(settings, settings.positions(), lambda: False)
        self.heard = {name: Heard() for name in urls}

    def until(self, what: str, enough: Callable[[Heard], bool]) -> None:
        """Drain until it is so of every camera."""
        give_up_at = time.monotonic() + PATIENT_S
        while late := [name for name, heard in self.heard.items() if not enough(heard)]:
            told = {name: self.heard[name].notices[-3:] for name in late}
            assert time.monotonic() < give_up_at, f"{what}: still waiting for {told}"
            for item in self.shard.next_batch():
                if isinstance(item, Sample):
                    self.heard[item.frame.stamp.camera_id].samples += 1
                elif isinstance(item, CameraNotice):
                    self.heard[item.camera_id].notices.append(item)
            time.sleep(0.01)

    def until_seen_again(self) -> None:
        before = {name: heard.samples for name, heard in self.heard.items()}
        names = {id(heard): name for name, heard in self.heard.items()}
        self.until("back", lambda heard: heard.samples > before[names[id(heard)]] + 1)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    options = {"g": str(FPS), "bf": "0"}
    write_clip(folder / "cam.ts", frames=FPS * SECONDS, fps=FPS, options=options)
    write_unknown_codec(folder / "odd.mkv")
    return folder


@pytest.fixture(autouse=True)
def soon_stalled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched_camera, "STALL_AFTER_S", 3.0)


def assert_told_from_when_to_when(name: str, heard: Heard, before: datetime) -> None:
    first_up, *later = heard.news
    assert first_up.status == "up", name
    blind = [notice for notice in later if notice.status not in WATCHED]
    assert blind, name
    assert blind[0].reason, name
    assert blind[0].reason_zh, name
    assert blind[0].blind_since is not None, name
    assert blind[0].blind_since <= blind[0].at, name
    assert len(heard.news) <= 6, (name, heard.news)
    if later[-1].status in WATCHED:  # of one that flaps it may still be held back
        assert later[-1].blind_since is not None, name
        assert before < later[-1].blind_since < later[-1].at, name


@pytest.mark.slow
def test_a_live_camera_comes_back_after_any_fault(clips: Path) -> None:
    wanted = [protocol for protocol in PROTOCOLS for _ in FAULTS]
    with faulty_cameras(clips / "cam.ts", clips / "odd.mkv", wanted) as cameras:
        faults = dict(zip(cameras, FAULTS * len(PROTOCOLS), strict=True))
        urls = {f"{each.protocol}-{fault}": each.url for each, fault in faults.items()}
        before = datetime.now(UTC)
        watched = Watched(urls)
        watched.until("up", lambda heard: heard.is_up and heard.samples > 1)
        for camera, fault in faults.items():
            camera.drip_s = 0.2
            camera.set_fault(fault)
        watched.until("blind", lambda heard: any(n.status not in WATCHED for n in heard.notices))
        readers = [each.reader for each in watched.shard._watched.values()]
        for camera in cameras:
            camera.set_fault()
        watched.until_seen_again()
        watched.until("up again", lambda heard: heard.is_up)
        assert [each.reader for each in watched.shard._watched.values()] == readers
        watched.shard.close()
    for name, heard in watched.heard.items():
        assert_told_from_when_to_when(name, heard, before)


@pytest.mark.slow
def test_a_live_camera_comes_back_after_its_server_stood_still(clips: Path) -> None:
    before = datetime.now(UTC)
    with (
        served_apart("rtsp", clips / "cam.ts") as (rtsp_url, rtsp_server),
        served_apart("http", clips / "cam.ts") as (http_url, http_server),
    ):
        watched = Watched({"rtsp": rtsp_url, "http": http_url})
        watched.until("up", lambda heard: heard.is_up and heard.samples > 1)
        for server in (rtsp_server, http_server):
            os.kill(server.pid, signal.SIGSTOP)
        watched.until("blind", lambda heard: not heard.is_up)
        for server in (rtsp_server, http_server):
            os.kill(server.pid, signal.SIGCONT)
        watched.until_seen_again()
        watched.until("up again", lambda heard: heard.is_up)
        watched.shard.close()
    for name, heard in watched.heard.items():
        assert_told_from_when_to_when(name, heard, before)
