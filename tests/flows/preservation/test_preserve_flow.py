from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bytewax.testing import TestingSink, TestingSource, run_main

from domain.events.catalog import Event, EvidenceSealed, Sighting
from domain.ids import mint
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.preservation.draft_record import PreserveParts
from flows.preserve import WANTED_TYPES, PreserveLogic, build_preserve_flow
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def sealed_data(event: Event) -> EvidenceSealed:
    assert isinstance(event.data, EvidenceSealed)
    return event.data


def flow_over(
    parts: PreserveParts, events: list[Event], stop: threading.Event | None = None
) -> list[str]:
    """Run the flow over events to their end; the ids of the evidence that it reports."""
    stored: list[tuple[str, Event]] = []
    logged = [LoggedEvent(n, each, START) for n, each in enumerate(events, 1)]
    run_main(
        build_preserve_flow(
            parts, TestingSource(logged), TestingSink(stored), stop or threading.Event()
        )
    )
    return [event.subject for _, event in stored]


def test_the_flow_waits_for_a_server_that_is_away_and_others_go_on(
    parts: PreserveParts,
    monkeypatch: pytest.MonkeyPatch,
    seen: Callable[..., Sighting],
    offence: Callable[..., Event],
    known_faces: Callable[..., Any],
) -> None:
    monkeypatch.setattr("flows.preserve.FIRST_PAUSE_S", 0.05)
    faces = known_faces(failures=1)
    away = replace(parts, models=replace(parts.models, faces=faces))
    a, b = offence("a"), offence("b", seen(30.0), seen(36.0))
    assert flow_over(away, [a, b]) == [mint("evd", each.subject) for each in (b, a)]
    assert faces.failures == 0 and parts.table.count() == 2


def test_a_stop_while_waiting_keeps_the_offence_for_the_next_start(
    parts: PreserveParts,
    offence: Callable[..., Event],
    before: Callable[[Event], tuple[Event, ...]],
    known_faces: Callable[..., Any],
) -> None:
    faces = known_faces(failures=1_000_000)
    away = replace(parts, models=replace(parts.models, faces=faces))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert flow_over(away, [*before(offence()), offence()], stop) == []
    stopped = PreserveLogic(away, stop, lambda: None, None)
    stopped.on_batch([LoggedEvent(1, each, START) for each in (*before(offence()), offence())])
    assert stopped.on_eof() == ([], stopped.RETAIN)
    resumed = PreserveLogic(parts, threading.Event(), lambda: None, stopped.snapshot())
    assert resumed.notify_at() is not None
    done, is_over = resumed.on_notify()
    assert is_over and sealed_data(done[0]).complete
    assert len(parts.vault.story(done[0].subject)["history"]) == 3


def test_late_news_of_an_ended_offence_is_not_kept(
    parts: PreserveParts,
    offence: Callable[..., Event],
    before: Callable[[Event], tuple[Event, ...]],
) -> None:
    _, warned, _ = before(offence())
    logic = PreserveLogic(parts, threading.Event(), lambda: None, None)
    assert logic.on_batch([LoggedEvent(1, warned, START)]) == ([], logic.DISCARD)


def test_the_flow_seals_every_ended_offence_once(
    parts: PreserveParts,
    seen: Callable[..., Sighting],
    offence: Callable[..., Event],
    before: Callable[[Event], tuple[Event, ...]],
) -> None:
    ended = [offence("a"), offence("b", seen(30.0), seen(40.0))]
    reported = flow_over(parts, [*before(ended[0]), *before(ended[1]), *ended, ended[0]])
    assert set(reported) == {mint("evd", each.subject) for each in ended}
    assert parts.table.count() == 2


def test_the_flow_reads_the_event_log_and_writes_its_news_into_it(
    parts: PreserveParts,
    tmp_path: Path,
    offence: Callable[..., Event],
    before: Callable[[Event], tuple[Event, ...]],
) -> None:
    path = tmp_path / "events.sqlite"
    with EventLog.open(path) as log:
        log.append([*before(offence()), offence()])
    drain = threading.Event()
    drain.set()
    for _ in range(2):
        stop = threading.Event()
        run_main(
            build_preserve_flow(
                parts, EventLogSource(path, WANTED_TYPES, stop, drain, 4), EventLogSink(path), stop
            )
        )
    with EventLog.open(path) as log:
        sealed = log.read(types=[EvidenceSealed.event_type])
    assert [each.event.subject for each in sealed] == [mint("evd", offence().subject)]
    folder = parts.vault.folder_of(sealed[0].event.subject)
    assert json.loads((folder / "numbers.json").read_bytes())["story"]["history"]
    shutil.rmtree(folder)
