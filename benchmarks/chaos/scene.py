"""Build what is watched, and the stand-ins around it: a desk that gets messages, a loudspeaker, a camera."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.results import ROOT, WrongOutputs
from domain.data_dir import DataDir
from domain.site.loading import load_site
from tests.support.message_services import Service, webhook
from tests.support.network_speaker import Horn, network_speaker

SAMPLE = ROOT / "samples" / "site.yaml"
RTSP_SERVER = ROOT / "tests" / "support" / "rtsp_files.py"
DESK = "CHAOS_DESK"  # where the webhook's address stands
TALKS_S = (0.05, 0.6)  # how long the loudspeaker takes over a call
UP_WITHIN_S = 240.0
# so that the loudspeaker is mostly free when the next call comes
SHORT_WORDS = (("一", "One."), ("二", "Two."), ("三", "Three."))


@dataclass
class Scene:
    """One site, and who is around it."""

    site_file: Path
    desk: Service
    is_live: bool
    triton: str | None = None  # a server that is left alone; None: one of the run's own
    horn: Horn = field(default_factory=Horn)
    camera: subprocess.Popen[bytes] | None = None

    def command(self, data: DataDir) -> list[str]:
        """Return the run's command line."""
        argv = ["run", str(self.site_file), "--data", str(data.root)]
        argv += [] if self.is_live else ["--until-end"]
        argv += ["--triton", self.triton] if self.triton else []
        return [sys.executable, "-m", "forewarn", *argv]

    def environment(self, data: DataDir) -> dict[str, str]:
        """Return the environment with the desk's address, a path of its own for each data folder."""
        return os.environ | {
            DESK: f"json://127.0.0.1:{self.desk.port}/{data.root.name}",
            "PYTHONPATH": str(ROOT),
        }

    def fall_silent(self) -> None:
        """Take the live camera away: what is open ends, and nothing new begins."""
        if self.camera is not None:
            self.camera.kill()
            self.camera.wait()


@contextmanager
def footage(folder: Path, triton: str | None = None, *, brief: bool = False) -> Iterator[Scene]:
    """Play the sample's two recordings once: what should come out is known to the last byte.

    Args:
        folder: for the site file.
        triton: how the server is reached.
        brief: only the first 9 seconds of one camera, on a ladder that is through by then.
    """
    site = _sample()
    if brief:
        site["cameras"] = site["cameras"][:1]
        site["cameras"][0]["stretch_s"] = [0, 8.8]
        for rung in site["ladders"][0]["rungs"]:
            rung["after_s"] = min(rung["after_s"], 1)
        site["ladders"][0]["escalate_after_s"] = 0.4
        site["rules"][0]["condition"]["present"]["zones"] = ["forecourt-early"]
    with webhook() as desk:
        yield Scene(_write(site, folder), desk, is_live=False, triton=triton)


@contextmanager
def live(folder: Path, triton: str | None = None) -> Iterator[Scene]:
    """Serve a camera by RTSP and a loudspeaker by HTTP, both on loopback, in the wall's time."""
    chance = random.Random(5)
    with ExitStack() as stack:
        desk = stack.enter_context(webhook())
        horn = stack.enter_context(network_speaker(hangs_s=lambda: chance.uniform(*TALKS_S)))
        port = _free_port()
        site = _sample()
        clip = Path(site["cameras"][0]["url"])
        camera = site["cameras"][0] | {"url": f"rtsp://127.0.0.1:{port}/{clip.name}"}
        for of_files in ("stretch_s", "starts_at"):
            del camera[of_files]
        site["cameras"] = [camera | {"speaker": "horn"}]
        site["speakers"] = [{"id": "horn", "kind": "http", "url": horn.url}]
        site["calls"] = {"useful_for_s": 15}
        for rung, words in zip(site["ladders"][0]["rungs"], SHORT_WORDS, strict=True):
            rung["after_s"] = min(rung["after_s"], 2)
            rung["text"] = {"zh": words[0], "en": words[1]}
        site["rules"][0] |= {"threshold_s": 4}
        site["rules"][0]["condition"]["present"]["zones"] = ["forecourt-early"]
        server = _serve(clip.parent, port)
        stack.callback(_end, server)
        yield Scene(_write(site, folder), desk, True, triton, horn, server)


def _sample() -> dict[str, Any]:
    """Make the sample site with a recipient who hears of the second rung and of escalations."""
    site = load_site(SAMPLE).model_dump(mode="json", exclude_none=True)
    for camera in site["cameras"]:
        camera["url"] = str(SAMPLE.parent / camera["url"])
    ladder = site["ladders"][0]
    ladder["rungs"][1]["does"] = ["announce", "notify"]
    ladder["escalation_does"] = ["notify", "open_case"]
    desk_facts = {"id": "desk", "url_env": DESK, "recordings": True, "max_per_hour": 1000}
    site["recipients"] = [desk_facts | {"picture_wait_s": 20, "language": "en"}]
    site["operators"] = {"hand_back_after_s": 4, "free_words": True}
    return site


def _write(site: dict[str, Any], folder: Path) -> Path:
    site_file = folder / "site.yaml"
    site_file.write_text(json.dumps(site, ensure_ascii=False), encoding="utf-8")
    load_site(site_file)
    return site_file


def _serve(folder: Path, port: int) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(
        [sys.executable, str(RTSP_SERVER), str(folder), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    give_up_at = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < give_up_at and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.05)
    _end(server)
    raise WrongOutputs("the camera's stand-in did not come up")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.kill()
    server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
