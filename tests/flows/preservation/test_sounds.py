from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.events.announcements import announcement_of
from domain.events.catalog import Event, EvidenceSealed
from event_log.rows import LoggedEvent
from flows.preservation.draft_record import PreserveParts
from flows.preservation.seal import preserve
from flows.preserve import OffenceState, PreserveLogic, remember

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
Before = Callable[[Event], tuple[Event, ...]]


def logged(*events: Event) -> list[LoggedEvent]:
    return [LoggedEvent(number, each, START) for number, each in enumerate(events, 1)]


@pytest.fixture
def heard(parts: PreserveParts, tmp_path: Path) -> PreserveParts:
    return replace(parts, sounds=tmp_path)


def test_the_sound_that_was_played_lies_in_the_record_with_all_that_is_known_of_the_call(
    heard: PreserveParts,
    offence: Callable[..., Event],
    before: Before,
    sounds: Callable[[Event], Path],
) -> None:
    played = sounds(offence()).read_bytes()
    sealed = preserve(offence(), before(offence()), heard).data
    assert isinstance(sealed, EvidenceSealed) and sealed.complete
    assert heard.vault.read_bytes(sealed.evidence_id, "call-1.wav") == played
    (call,) = heard.vault.story(sealed.evidence_id)["calls"]
    (file,) = [each for each in sealed.files if each.role == "announcement"]
    assert (call["file"], call["audio_sha256"]) == (file.name, file.sha256)
    assert (call["result"], call["languages"]) == ("written", ["zh", "en"])
    assert call["text"] == {"zh": "请离开", "en": "Please leave"}


@pytest.mark.parametrize("fault", ["gone", "changed"])
def test_a_sound_that_is_gone_or_changed_is_named_and_the_record_is_incomplete(
    heard: PreserveParts,
    offence: Callable[..., Event],
    before: Before,
    sounds: Callable[[Event], Path],
    fault: str,
) -> None:
    path = sounds(offence())
    path.unlink() if fault == "gone" else path.write_bytes(b"another sound")
    sealed = preserve(offence(), before(offence()), heard).data
    assert isinstance(sealed, EvidenceSealed) and not sealed.complete
    assert len(sealed.missing) == 1 and "sound of the call persuade" in sealed.missing[0]
    assert path.name in sealed.missing[0]


def test_evidence_waits_for_what_came_of_the_last_call(
    parts: PreserveParts, offence: Callable[..., Event], before: Before
) -> None:
    opened, warned, announced = before(offence())
    logic = PreserveLogic(parts, threading.Event(), lambda: None, None)
    assert logic.on_batch(logged(opened, warned, offence())) == ([], logic.RETAIN)
    assert len(logic._timers) == 1
    done, is_over = logic.on_batch(logged(announced))
    assert is_over and isinstance(done[0].data, EvidenceSealed) and done[0].data.complete
    assert len(parts.vault.story(done[0].subject)["calls"]) == 1


def test_what_came_of_a_call_is_looked_up_where_its_event_is_late(
    parts: PreserveParts,
    offence: Callable[..., Event],
    before: Before,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A busy worker hands on an offence's announcement after the time to wait for it is over."""
    monkeypatch.setattr("flows.preserve.WAIT_FOR_CALLS_S", 0.0)
    opened, warned, announced = before(offence())
    (late,) = logged(announced)
    asks = replace(parts, find={announcement_of(warned.id): late}.get)
    logic = PreserveLogic(asks, threading.Event(), lambda: None, None)
    (sealed,), is_over = logic.on_batch(logged(opened, warned, offence()))
    assert is_over and isinstance(sealed.data, EvidenceSealed) and sealed.data.complete
    assert len(parts.vault.story(sealed.subject)["calls"]) == 1


def test_a_call_that_was_looked_up_counts_once_when_its_event_comes_by(
    offence: Callable[..., Event], before: Before
) -> None:
    opened, warned, announced = before(offence())
    state = OffenceState()
    for event in (opened, warned, announced, announced):
        state = remember(state, event)
    assert [each.id for each in state.history] == [opened.id, warned.id, announced.id]


def test_it_does_not_wait_for_ever_and_says_what_it_does_not_know(
    parts: PreserveParts,
    offence: Callable[..., Event],
    before: Before,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("flows.preserve.WAIT_FOR_CALLS_S", 0.0)
    opened, warned, _ = before(offence())
    logic = PreserveLogic(parts, threading.Event(), lambda: None, None)
    (sealed,), _ = logic.on_batch(logged(opened, warned, offence()))
    assert isinstance(sealed.data, EvidenceSealed)
    assert sealed.data.missing == ("call persuade: it is not known what came of it",)


def test_a_restart_while_waiting_loses_nothing(
    parts: PreserveParts, offence: Callable[..., Event], before: Before
) -> None:
    opened, warned, announced = before(offence())
    logic = PreserveLogic(parts, threading.Event(), lambda: None, None)
    logic.on_batch(logged(opened, warned, offence()))
    resumed = PreserveLogic(parts, threading.Event(), lambda: None, logic.snapshot())
    assert resumed.on_batch(logged(announced))[1]


def test_numbers_tell_site_compliance_and_models(
    parts: PreserveParts, offence: Callable[..., Event], before: Before
) -> None:
    models = replace(parts.models, details=({"name": "detector", "source_sha256": "a" * 64},))
    sealed = preserve(offence(), before(offence()), replace(parts, models=models)).data
    assert isinstance(sealed, EvidenceSealed)
    numbers = json.loads(parts.vault.read_bytes(sealed.evidence_id, "numbers.json"))["story"]
    assert numbers["site"]["timezone"] == "Europe/London"
    assert numbers["camera"]["compliance"]["location_published"] == "2026-01-10"
    assert numbers["compliance"] == {
        "on": "2026-03-02",
        "may_warn": True,
        "reasons": [],
        "explanation": "",
    }
    assert numbers["models"] == [{"name": "detector", "source_sha256": "a" * 64}]
