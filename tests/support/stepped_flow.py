"""A flow of real sources whose process sets its own clock: python stepped_flow.py LOG SHIFT_S ...

Prints, as JSON, the parts that are asleep after each setting.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main
from bytewax.testing import TestingSink
from clock_shim import set_shift

from domain.events.catalog import Event
from domain.processes.backoff import Backoff
from domain.saved_state import Saved
from domain.site.cameras import Camera
from event_log.rows import LoggedEvent
from flows.keyed_logic import RetryingLogic
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShardSource, ShardSettings
from flows.sources.event_log import EventLogSource
from flows.waking import Timers, WakingSource

ROUNDS = 3  # after a setting: then a part is awake
ASLEEP_AFTER_S = 20.0

rounds = {"cameras": 0, "log": 0, "retries": 0}
stop = threading.Event()


def note(part: str) -> None:
    """Note that a part went round."""
    rounds[part] += 1


class Waits(RetryingLogic[LoggedEvent]):
    """Work that never is done."""

    def __init__(self, timers: Timers) -> None:
        super().__init__(stop, lambda: None, Backoff(0.05, 0.05), is_due=False, timers=timers)

    @property
    def key(self) -> str:
        return "all"

    @property
    def work(self) -> object:
        return self

    def take(self, values: list[LoggedEvent]) -> tuple[list[Event], bool]:
        return self.attempt()

    def attempt(self) -> tuple[list[Event], bool]:
        note("retries")
        return self.try_after(self._backoff.next_s())

    def snapshot(self) -> Saved:
        return {}


def flow(log: Path) -> Dataflow:
    """Cameras of whom none answers, a log, and a key that tries again and again."""
    title = {"zh": "相机", "en": "Camera"}
    camera = Camera.model_validate({"id": "a", "title": title, "url": "rtsp://127.0.0.1:9/a"})
    shard = ShardSettings(
        (camera,), Path(), Playback(until_end=False), stop, beat=lambda: note("cameras")
    )
    timers = Timers()
    read = EventLogSource(log, None, stop, beat=lambda: note("log"), waits=False)
    made = Dataflow("stepped")
    frames = op.input("cameras", made, CameraShardSource(shard, shard.positions()))
    logged = op.input("events", made, WakingSource(read, timers))
    keyed = op.key_on("keyed", logged, lambda item: "all")
    tried = op.stateful_batch("try", keyed, lambda resume: Waits(timers))
    op.output("out", op.merge("both", op.key_rm("bare", tried), frames), TestingSink([]))
    return made


def set_again_and_again(shifts_s: list[float]) -> None:
    """Set the clock, look which parts go on, and end the process."""
    asleep = {"begun": _asleep()}
    for shift_s in shifts_s:
        set_shift(Path(os.environ["CLOCK_SHIM"]), shift_s)
        asleep[f"{shift_s:+g}"] = _asleep()
    print(json.dumps(asleep), flush=True)
    os._exit(0)


def _asleep() -> list[str]:
    before, until_s = dict(rounds), time.monotonic() + ASLEEP_AFTER_S
    while True:
        left = [part for part in rounds if rounds[part] < before[part] + ROUNDS]
        if not left or time.monotonic() > until_s:
            return left
        time.sleep(0.02)


if __name__ == "__main__":
    threading.Thread(
        target=set_again_and_again, args=([float(each) for each in sys.argv[2:]],)
    ).start()
    cli_main(flow(Path(sys.argv[1])))
