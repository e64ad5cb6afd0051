"""Trouble with cameras is told to who started the run, once each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from domain.data_dir import DataDir
from domain.events import CameraChanged, Event
from event_log.examples import one_of_each
from event_log.log import EventLog
from forewarn import camera_news
from forewarn.camera_news import CameraNews

CHANGED = next(event for event in one_of_each() if isinstance(event.data, CameraChanged))


def change(number: int, status: str, reason: str = "") -> Event:
    more = {"camera_id": "gate", "status": status, "reason": reason}
    return replace(CHANGED, id=f"evt-{number}", data=CHANGED.data.model_copy(update=more))


def test_trouble_and_its_end_are_told_once_and_nothing_of_earlier_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_news, "LOOK_EVERY_S", 0.0)
    told: list[str] = []
    data = DataDir(tmp_path)
    with EventLog.open(data.events_db) as log:
        log.append([change(0, "failed", "of yesterday")])
        look = CameraNews(data, told.append)
        for number, news in enumerate(
            [("up",), ("slow", "gate: too slow"), ("up",), ("up",), ("failed", "[/red] \x1b[2J")], 1
        ):
            log.append([change(number, *news)])
            look()
            look()
    assert told[:2] == ["gate: too slow", "gate: is well again"]
    (quoted,) = told[2:]  # what a camera says is neither markup nor steers the terminal
    console = Console(record=True, force_terminal=False)
    console.print(f"[yellow]trouble:[/yellow] {quoted}")
    assert "trouble: [/red] \ufffd[2J" in console.export_text()
