"""Trouble with cameras is told to who started the run, once each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from domain.data_dir import DataDir
from domain.events.catalog import CameraChanged, Event
from event_log.log import EventLog
from forewarn.terminal import camera_news, options
from forewarn.terminal.camera_news import CameraNews
from tests.support.example_events import one_of_each

CHANGED = next(event for event in one_of_each() if isinstance(event.data, CameraChanged))


def change(number: int, status: str, reason: str = "") -> Event:
    more = {"camera_id": "gate", "status": status, "reason": reason}
    return replace(CHANGED, id=f"evt-{number}", data=CHANGED.data.model_copy(update=more))


def test_trouble_and_its_end_are_told_once_and_nothing_of_earlier_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_news, "LOOK_EVERY_S", 0.0)
    messages: list[str] = []
    data = DataDir(tmp_path)
    with EventLog.open(data.events_db) as log:
        log.append([change(0, "failed", "of yesterday")])
        look = CameraNews(data, messages.append)
        for number, news in enumerate(
            [("up",), ("slow", "gate: too slow"), ("up",), ("up",), ("failed", "[/red] \x1b[2J")], 1
        ):
            log.append([change(number, *news)])
            look()
            look()
    assert messages[:2] == ["gate: too slow", "gate: is well again"]
    # what a camera, a path or a log says is neither markup nor steers the terminal
    console = Console(record=True, force_terminal=False)
    monkeypatch.setattr(options, "console", console)
    options.show_trouble(messages[2])
    assert "trouble: [/red] \ufffd[2J" in console.export_text()


def test_it_goes_on_where_the_log_was_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_news, "LOOK_EVERY_S", 0.0)
    messages: list[str] = []
    data = DataDir(tmp_path)
    with EventLog.open(data.events_db) as log:
        log.append([change(0, "up")])
        look = CameraNews(data, messages.append)
        log.append([change(1, "failed", "gate: gone")])
        look()
    for path in tmp_path.glob("events.sqlite*"):
        path.unlink()
    with EventLog.open(data.events_db) as log:
        log.append([change(1, "failed", "gate: gone")])
        look()
        log.append([change(2, "up")])
        look()
    assert messages == ["gate: gone", "gate: is well again"]
