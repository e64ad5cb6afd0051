"""Setting the machine's clock, while watching and over a restart, loses nobody and delays no call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import site_values
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main
from bytewax.testing import TestingSource

from domain.cameras.steady_clock import ClockFile, SteadyClock
from domain.detections import Detections
from domain.events.catalog import Event, OffenceOpened, OffenceUnknown
from domain.events.wall_time import steady_time_of
from domain.frames import FrameStamp
from domain.site.site import Site
from event_log.log import EventLog
from flows.escalation.restart.logged_offences import LoggedOffences
from flows.sinks.event_log import EventLogSink
from flows.sources.camera_clock import LiveClock
from flows.watch import WatchParts, build_watch_flow

FPS = 5
START_S = 1_796_025_600.0
SITE = site_values.site(
    site={"id": "square", "title": site_values.TITLE, "enforcement": "demonstration"},
    cameras=[site_values.camera(url="rtsp://127.0.0.1:9/north")],
    rules=[site_values.rule(restart_tolerance_s=15)],
    ladders=[
        site_values.ladder(
            "calls",
            site_values.rung("ask"),
            site_values.rung("warn", after_s=8),
            escalate_after_s=8,
        )
    ],
)
# what a person who stands there all the time brings about, in seconds after the first frame; named in
# the second one
ALL = {"offence.opened": [5.2], "offence.warned": [5.2, 13.2], "offence.escalated": [21.2]}


class Fresh(TestingSource[Any]):
    """A live source: nothing that was is played again."""

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> Any:
        return super().build_part(step_id, for_part, None)


@dataclass
class Place:
    """A machine, its clock, and a data folder that outlives runs."""

    folder: Path
    site: Site = SITE
    boot_id: str = "first"
    up_s: float = 100.0
    wall_s: float = START_S
    runs: int = 0
    began_at: Any = None
    clock: SteadyClock | None = field(default=None)

    def __post_init__(self) -> None:
        (self.folder / "recovery").mkdir()
        init_db_dir(self.folder / "recovery", 1)

    def run(self, seconds: float, steps: dict[float, float] | None = None) -> None:
        """Watch somebody who stands in the zone; `steps` are settings of the clock, by second."""
        self.runs += 1
        file = ClockFile(
            self.folder / "clock.json",
            self.boot_id,
            boot_s=lambda: self.up_s,
            wall_s=lambda: self.wall_s,
        )
        clock = self.clock = file.open()
        self.began_at = self.began_at or clock.now()
        stamps, items = LiveClock(clock.now), []
        for n in range(round(seconds * FPS)):
            self.wall_s += (steps or {}).get(n / FPS, 0.0)
            at = stamps.at(n / FPS)
            items.append(self._seen(n, at, clock))
            self.up_s, self.wall_s = self.up_s + 1 / FPS, self.wall_s + 1 / FPS
        file.save(clock)
        self._flow(items, clock)

    def start_again(self, off_s: float, wall_s: float | None = None) -> None:
        """Turn the machine off and on again."""
        self.boot_id, self.up_s = self.boot_id + "+", 1.0
        self.wall_s = self.wall_s + off_s if wall_s is None else wall_s

    def events(self) -> list[Event]:
        """Return what was told."""
        with EventLog.open(self.folder / "events.sqlite") as log:
            return [logged.event for logged in log.read(0)]

    def told(self) -> dict[str, list[float]]:
        """Return the offences' events by type, in seconds that really passed since the first frame."""
        found: dict[str, list[float]] = {}
        for event in self.events():
            if ".offence." in event.type:
                passed = steady_time_of(event) - self.began_at
                name = event.type.removeprefix("forewarn.").removesuffix(".v1")
                found.setdefault(name, []).append(round(passed.total_seconds(), 1))
        return found

    def _seen(self, n: int, at: Any, clock: SteadyClock) -> Detections:
        ahead_s = (clock.wall(at) - at).total_seconds()
        base, run = Fraction(1, 1000), f"run-{self.runs}"
        return Detections(
            frame=FrameStamp("north", n * 200, base, n / FPS, at, 768, 576, ahead_s, run),
            boxes_xyxy=np.array([[400, 300, 440, 400]], np.float32),
            scores=np.array([0.9], np.float32),
            class_ids=np.array([1], np.int64),
        )

    def _flow(self, items: list[Detections], clock: SteadyClock) -> None:
        path = self.folder / "events.sqlite"
        with EventLog.open(path) as log:
            parts = WatchParts(
                site=self.site,
                cameras=Fresh(items),
                detect=lambda batch: batch,
                events=EventLogSink(path),
                logged=LoggedOffences(log, {"north"}, clock.of_wall),
                steady=clock,
            )
            recovery = RecoveryConfig(str(self.folder / "recovery"))
            flow = build_watch_flow(parts)
            cli_main(flow, epoch_interval=timedelta(seconds=1), recovery_config=recovery)


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    return lambda **changes: Place(tmp_path, **changes)


STEPS = [0.0, -60.0, 3600.0, 1e9, -1e9]


@pytest.mark.parametrize("step_s", STEPS)
def test_a_setting_while_watching_delays_nothing(
    place: Callable[..., Place], step_s: float
) -> None:
    watched = place()
    watched.run(25, {7.0: step_s})
    assert watched.told() == ALL
    last = watched.events()[-1]
    # people read the wall's time
    assert last.time.timestamp() == pytest.approx(START_S + 21.2 + step_s)
    assert last.data.first_seen_at.timestamp() == pytest.approx(START_S + 0.2)  # type: ignore[attr-defined]


@pytest.mark.parametrize("step_s", STEPS)
def test_a_setting_over_a_restart_delays_nothing(
    place: Callable[..., Place], step_s: float
) -> None:
    watched = place()
    watched.run(7)
    watched.up_s, watched.wall_s = watched.up_s + 1, watched.wall_s + 1 + step_s
    watched.run(17)
    assert watched.told() == ALL


@pytest.mark.parametrize("step_s", STEPS)
def test_a_setting_over_a_restart_whose_state_was_lost_is_made_up_from_the_log(
    place: Callable[..., Place], step_s: float
) -> None:
    watched = place()
    watched.run(7, {2.0: step_s})
    for file in (watched.folder / "recovery").iterdir():
        file.unlink()
    init_db_dir(watched.folder / "recovery", 1)
    watched.up_s, watched.wall_s = watched.up_s + 1, watched.wall_s + 1 - step_s
    watched.run(17)
    assert watched.told() == ALL


def test_a_machine_that_comes_back_with_its_clock_behind_watches_and_says_what_it_does_not_know(
    place: Callable[..., Place],
) -> None:
    watched = place()
    watched.run(7)
    watched.start_again(off_s=0, wall_s=0.0)  # a dead battery
    watched.run(25, {10.0: START_S + 300})  # the time server answers
    told = watched.told()
    assert told["offence.unknown"] == [6.8]
    (unknown,) = [e.data for e in watched.events() if isinstance(e.data, OffenceUnknown)]
    assert "clock was set back" in unknown.reason and "时钟" in unknown.reason_zh
    # whoever stands there is a new offence, with all that follows
    assert len(told["offence.opened"]) == 2 and len(told["offence.warned"]) == 3
    assert len(told["offence.escalated"]) == 1


def test_a_clock_file_that_is_lost_leaves_no_camera_blind(place: Callable[..., Place]) -> None:
    """Saved states lie an hour ahead of all frames that come."""
    watched = place()
    watched.run(7)
    (watched.folder / "clock.json").unlink()
    watched.wall_s -= 3600
    watched.run(25)
    told = watched.told()
    assert len(told["offence.unknown"]) == 1
    openings = [e for e in watched.events() if isinstance(e.data, OffenceOpened)]
    assert len(openings) == 2 and len(told["offence.escalated"]) == 1
