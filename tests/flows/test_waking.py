"""Setting the machine's clock puts nothing to sleep: sources, retries, timers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from clock_shim import ShimmedClock
from example_events import warned_event

from event_log.log import EventLog
from flows.waking import PollTimer, Timers, Waking

CHILD = Path(__file__).parents[1] / "support/stepped_flow.py"
UNEVEN = CHILD.with_name("uneven_flow.py")


def test_no_setting_of_the_clock_puts_a_source_or_a_waiting_key_to_sleep(tmp_path: Path) -> None:
    log = tmp_path / "events.sqlite"
    with EventLog.open(log) as made:
        made.append([warned_event(1)])
    shifts = ["-3600", "0", "60", "0", "-60", "3600", "-1700000000"]
    done = subprocess.run(
        [sys.executable, CHILD, log, *shifts],
        env=ShimmedClock(tmp_path).environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    asleep = json.loads(done.stdout.splitlines()[-1])
    assert asleep == {name: [] for name in ("begun", *(f"{float(each):+g}" for each in shifts))}


def test_sources_side_by_side_go_on_when_the_clock_is_set_back_between_their_epochs(
    tmp_path: Path,
) -> None:
    """Before: two sources of a flow, and the one that was ahead slept until the clock had caught up."""
    done = subprocess.run(
        [sys.executable, UNEVEN, "12"],
        env=ShimmedClock(tmp_path).environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_a_key_is_woken_once_and_not_before_its_time() -> None:
    timers = Timers()
    timers.arm("later", 60.0)
    timers.arm("now", 0.0)
    timers.arm("now", 0.0)
    assert timers.take_due() == [Waking("now")]
    assert timers.take_due() == [] and len(timers) == 1


def test_a_poll_timer_counts_by_a_clock_that_nobody_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    timer = PollTimer()
    assert timer.is_due
    timer.rest(5.0)
    assert not timer.is_due
    now_s = 105.0
    assert timer.is_due
