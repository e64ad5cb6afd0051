"""Count the faults of cameras that leave one blind, and measure how soon it is back after the others.

Twenty faults of real servers on loopback, RTSP and HTTP, all side by side before one shard of the watch
flow. Each begins and ends at a moment of its own. The short form holds them for some seconds, the
long one also has silences of 10, 35 and 120 s, and more rounds.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from structlog.testing import capture_logs

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import Result, Tell, WrongOutputs, quiet, rounds_of
from benchmarks.workload import scratch
from domain.cameras.status import WATCHED, CameraNotice
from domain.site.cameras import Camera
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShard, ShardSettings
from flows.sources.sample_queue import Sample
from tests.support.faulty_camera import FAULTS, FaultyCamera, faulty_cameras
from tests.support.footage_files import write_clip, write_unknown_codec
from tests.support.good_cameras import Protocol, served_apart

NAME = "camera_faults"
PROTOCOLS: tuple[Protocol, ...] = ("rtsp", "http")
FPS, CLIP_S = 10, 60
START_S = 60.0  # until all show something
HELD_S = 8.0, 14.0  # each fault ends somewhere between
SILENCES_S = 10.0, 35.0, 120.0
SEEN_AFTER_S = 20.0  # how long a camera is watched after its fault
ROUNDS, LONG_ROUNDS = 1, 4
STOPPED = "stopped"  # the server's process stands still


@dataclass
class _Case:
    """One camera with one fault, and what was heard of it since it began."""

    name: str
    url: str
    set_fault: Callable[[bool], None]
    held_s: float
    begins_at_s: float = 0.0  # monotonic
    is_set: bool = False
    ended_at_s: float | None = None
    samples_at_s: list[float] = field(default_factory=list)
    notices: list[tuple[float, CameraNotice]] = field(default_factory=list)

    @property
    def back_after_s(self) -> float | None:
        """Return when it showed pictures again, for good; None: it did not."""
        assert self.ended_at_s is not None
        since_s = max(
            [self.ended_at_s, *(at_s for at_s, each in self.notices if each.status not in WATCHED)]
        )
        back_s = next((at_s for at_s in self.samples_at_s if at_s > since_s), None)
        return None if back_s is None else back_s - self.ended_at_s

    def is_over(self, now_s: float) -> bool:
        return self.ended_at_s is not None and now_s > self.ended_at_s + SEEN_AFTER_S


def measure(*, long: bool = False, tell: Tell = quiet) -> list[Result]:
    """Measure; raises WrongOutputs where a camera was blind and nobody was told from when to when."""
    cases: list[_Case] = []
    with scratch(NAME) as folder:
        tell("encoding footage")
        write_clip(folder / "cam.ts", frames=FPS * CLIP_S, fps=FPS, options={"g": "10", "bf": "0"})
        write_unknown_codec(folder / "odd.mkv")
        for number in rounds_of(LONG_ROUNDS if long else ROUNDS, tell):
            silences_s = SILENCES_S if long and number == 0 else SILENCES_S[:1]
            with _cameras(folder, silences_s) as made, capture_logs():
                _watch(made)
                cases += made
    for case in cases:
        _check(case)
    return _results(cases, long)


@contextmanager
def _cameras(folder: Path, silences_s: tuple[float, ...]) -> Iterator[list[_Case]]:
    faults = [fault for fault in FAULTS if fault != "silence"]
    wanted = [
        (protocol, fault, random.uniform(*HELD_S)) for fault in faults for protocol in PROTOCOLS
    ]
    wanted += [(protocol, "silence", held_s) for held_s in silences_s for protocol in PROTOCOLS]
    with ExitStack() as stack:
        protocols = [protocol for protocol, _, _ in wanted]
        cameras = stack.enter_context(
            faulty_cameras(folder / "cam.ts", folder / "odd.mkv", protocols)
        )
        cases = []
        for camera, (protocol, fault, held_s) in zip(cameras, wanted, strict=True):
            name = f"{protocol}-{fault}-{held_s:.0f}"
            cases.append(_Case(name, camera.url, partial(_set_fault, camera, fault), held_s))
        for protocol in PROTOCOLS:
            url, server = stack.enter_context(served_apart(protocol, folder / "cam.ts"))
            stop = partial(_stop, server.pid)
            cases.append(_Case(f"{protocol}-{STOPPED}", url, stop, random.uniform(*HELD_S)))
        yield cases


def _set_fault(camera: FaultyCamera, fault: str, is_set: bool) -> None:
    camera.set_fault(fault if is_set else "")


def _stop(pid: int, is_set: bool) -> None:
    os.kill(pid, signal.SIGSTOP if is_set else signal.SIGCONT)


def _watch(cases: list[_Case]) -> None:
    """Watch all cameras until each has had its fault and its time after it."""
    title = {"zh": "相机", "en": "Camera"}
    cameras = tuple(
        Camera.model_validate(
            {"id": f"cam-{row:02}", "title": title, "url": case.url, "analyse_fps": 5}
        )
        for row, case in enumerate(cases)
    )
    by_id = {camera.id: case for camera, case in zip(cameras, cases, strict=True)}
    settings = ShardSettings(cameras, Path(), Playback(until_end=False), threading.Event())
    shard = CameraShard(settings, settings.positions(), lambda: False)
    try:
        _drain(shard, by_id, START_S, lambda now_s: all(len(c.samples_at_s) > 2 for c in cases))
        for case in cases:
            if len(case.samples_at_s) <= 2:
                raise WrongOutputs(f"{case.name}: shows nothing before its fault")
            case.begins_at_s = time.monotonic() + random.uniform(0.0, 3.0)
        longest_s = max(case.held_s for case in cases) + SEEN_AFTER_S + START_S
        _drain(shard, by_id, longest_s, lambda now_s: _go_on(cases, now_s))
    finally:
        shard.close()


def _go_on(cases: list[_Case], now_s: float) -> bool:
    """Begin and end faults as they are due; True when all is over."""
    for case in cases:
        if not case.is_set and now_s >= case.begins_at_s:
            case.is_set = True
            case.set_fault(True)
        elif case.is_set and case.ended_at_s is None and now_s >= case.begins_at_s + case.held_s:
            case.set_fault(False)
            case.ended_at_s = time.monotonic()
    return all(case.is_over(now_s) for case in cases)


def _drain(
    shard: CameraShard, by_id: dict[str, _Case], at_most_s: float, is_over: Callable[[float], bool]
) -> None:
    give_up_at_s = time.monotonic() + at_most_s
    while not is_over(time.monotonic()) and time.monotonic() < give_up_at_s:
        batch = shard.next_batch()
        for item in batch:
            if isinstance(item, Sample):
                by_id[item.frame.stamp.camera_id].samples_at_s.append(time.monotonic())
            elif isinstance(item, CameraNotice):
                by_id[item.camera_id].notices.append((time.monotonic(), item))
        if not batch:
            time.sleep(0.01)


def _check(case: _Case) -> None:
    news = [each for _, each in case.notices if each.is_news]
    blind = [each for each in news if each.status not in WATCHED]
    if not blind or not all(each.reason and each.reason_zh and each.blind_since for each in blind):
        raise WrongOutputs(f"{case.name}: was blind, and nobody was told why: {news}")
    last = case.notices[-1][1]
    # of one that came and went often the last word may be held back for a minute
    if (
        last.status in WATCHED
        and len(news) < 4
        and not (news[-1].status == "up" and news[-1].blind_since)
    ):
        raise WrongOutputs(
            f"{case.name}: is back, and nobody was told since when it was blind: {news}"
        )


def _results(cases: list[_Case], long: bool) -> list[Result]:
    blind = sorted({case.name for case in cases if case.back_after_s is None})
    backs_s = sorted(back_s for case in cases if (back_s := case.back_after_s) is not None)
    p95_s = statistics.quantiles(backs_s, n=20)[-1] if len(backs_s) > 1 else float("inf")
    slowest = sorted(cases, key=lambda case: -(case.back_after_s or float("inf")))[:3]
    conditions = {
        "faults": f"{len(FAULTS) + 1} kinds, RTSP and HTTP, side by side on loopback",
        "held": "8-14 s" + (", silences of 10, 35 and 120 s" if long else ""),
        "blind": ", ".join(blind) or "none",
        "slowest": ", ".join(f"{c.name} {c.back_after_s or -1:.1f} s" for c in slowest),
        "off": "detection and all after it: frames are drained as they come",
    }
    events = [sum(each.is_news for _, each in case.notices) for case in cases]
    machine, commit = describe_machine(), describe_commit()
    left_blind = Result(
        name=NAME,
        value=len(blind),
        unit="cameras left blind",
        must=0,
        aim=0,
        better="lower",
        conditions=conditions,
        machine=machine,
        commit=commit,
        also={"cameras": len(cases), "most_events_of_one": max(events)},
    )
    back = Result(
        name="camera_back",
        value=round(p95_s, 2),
        unit="s from a fault's end to pictures, p95",
        must=10,
        aim=3,
        better="lower",
        conditions=conditions,
        machine=machine,
        commit=commit,
        also={"median_s": round(statistics.median(backs_s), 2), "worst_s": round(backs_s[-1], 2)}
        if backs_s
        else {},
    )
    return [left_blind, back]
