"""The whole watch flow as a process: killed, stopped and resumed, it tells the same story."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from domain.data_dir import DataDir
from event_log.log import EventLog
from tests.support import watch_child
from tests.support.forked import Forked, fork


def start(site_file: Path, data: DataDir, pause_s: float) -> Forked:
    return fork(watch_child.main, site_file, data, pause_s, False)


def story(data: DataDir) -> set[tuple[str, str, str]]:
    """Return every event as (id, type, data); an id can be in the log only once."""
    return {
        (logged.event.id, logged.event.type, logged.event.data.model_dump_json())
        for logged in EventLog.open(data.events_db).read(limit=10_000)
    }


@pytest.fixture(scope="module")
def site_file(sample_site_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the sample's site file on stretches in which the scripted person is escalated."""
    text = sample_site_file.read_text("utf-8")
    clip = sample_site_file.parent / "crossing.mp4"
    for whole, part in (("[0, 40]", "[0, 17]"), ("[40, 79.5]", "[40, 57]"), ("crossing.mp4", clip)):
        assert whole in text
        text = text.replace(whole, str(part))
    path = tmp_path_factory.mktemp("site") / "site.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(scope="module")
def expected(
    site_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> set[tuple[str, str, str]]:
    """Return what a run without trouble logs."""
    data = DataDir(tmp_path_factory.mktemp("calm"))
    child = start(site_file, data, 0)
    assert child.wait(60) == 0
    return set(story(data))


def test_the_scripted_person_is_warned_and_escalated_on_both_cameras(
    expected: set[tuple[str, str, str]],
) -> None:
    kinds = sorted(kind.split(".")[2] for _, kind, _ in expected)
    assert kinds.count("warned") == 6
    assert kinds.count("escalated") == 2
    assert kinds.count("changed") == 4  # two cameras, each up and ended


def test_kill_9_at_any_moment_neither_loses_nor_doubles_an_event(
    site_file: Path, tmp_path: Path, expected: set[tuple[str, str, str]]
) -> None:
    data, chance = DataDir(tmp_path), random.Random(5)
    for _ in range(4):
        child = start(site_file, data, 0.1)
        grown = len(story(data)) + chance.randint(1, 3) if data.events_db.exists() else 2
        while child.poll() is None and (
            not data.events_db.exists() or len(story(data)) < min(grown, len(expected))
        ):
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.5))
        child.send_signal(signal.SIGKILL)
        child.wait()
    child = start(site_file, data, 0)
    assert child.wait(120) == 0
    assert story(data) == expected
    assert [each.name for each in data.recovery.iterdir()] == ["watch"]  # nothing was set aside


def test_sigterm_ends_with_0_and_the_next_run_goes_on(
    site_file: Path, tmp_path: Path, expected: set[tuple[str, str, str]]
) -> None:
    data = DataDir(tmp_path)
    child = start(site_file, data, 0.1)
    while not data.events_db.exists() or len(story(data)) < 4:
        time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 0
    assert len(story(data)) < len(expected)
    child = start(site_file, data, 0)
    assert child.wait(60) == 0
    assert story(data) == expected


def test_where_saved_state_is_damaged_the_footage_is_played_again_and_nothing_is_told_twice(
    site_file: Path, tmp_path: Path, expected: set[tuple[str, str, str]]
) -> None:
    data = DataDir(tmp_path)
    child = start(site_file, data, 0.1)
    while not data.events_db.exists() or len(story(data)) < 6:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len(story(data)) < len(expected)
    (data.recovery / "watch" / "part-0.sqlite3").write_bytes(b"\xa5" * 10_000)
    child = start(site_file, data, 0)
    assert child.wait(120) == 0
    assert story(data) == expected
    assert len(list(data.recovery.glob("watch.set-aside-*"))) == 1
