"""A call that raises where nobody foresaw it is one that failed, on record; the others are made."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from network_speaker import TONE

from domain.data_dir import DataDir
from domain.events.announcements import AnnouncementMade, announcement_of
from domain.events.catalog import Event, ItemPutAside
from event_log.rows import LoggedEvent
from flows.put_aside import Asides
from flows.speech.announce import AnnounceRules, AnnounceTools
from flows.speech.call_queue import SpeakerLine
from flows.speech.logic import SpeakingLogic
from flows.speech.queue_state import LineState
from flows.speech.speaker import FileSpeaker
from flows.speech.voice.compose import CallSound, CallWords
from tests.support.example_events import warned_event

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class _Voice:
    engine_name = "a tone"

    def sound(self, words: CallWords) -> CallSound:
        return CallSound(TONE, ())


class _Log:
    """Answers what the event log does, but raises when it is asked about one call."""

    def __init__(self, odd: Event) -> None:
        self.odd = announcement_of(odd.id)

    def find(self, event_id: str) -> LoggedEvent | None:
        if event_id == self.odd:
            raise UnicodeError("surrogates not allowed")
        return None


@pytest.fixture
def told() -> list[Event]:
    return []


def logic_of(tools: AnnounceTools, told: list[Event]) -> SpeakingLogic:
    def make(name: str, state: LineState | None) -> SpeakerLine:
        return SpeakerLine(tools, AnnounceRules(), is_heard=False, name=name, state=state)

    aside = Asides("campus", "announce", told.append).step("speak")
    return SpeakingLogic(make, threading.Event(), lambda: None, [], None, aside)


def results(events: list[Event]) -> dict[str, str]:
    return {
        each.data.warned_event_id: each.data.result
        for each in events
        if isinstance(each.data, AnnouncementMade)
    }


def test_a_warning_that_cannot_be_taken_in_is_a_call_that_failed(
    tmp_path: Path, told: list[Event]
) -> None:
    first, odd, last = (warned_event(number) for number in (1, 2, 3))
    tools = AnnounceTools(_Voice(), FileSpeaker(DataDir(tmp_path)), _Log(odd).find)  # type: ignore[arg-type]
    logic = logic_of(tools, told)
    events, _ = logic.on_batch(
        [("files", LoggedEvent(seq, each, NOON)) for seq, each in enumerate((first, odd, last), 1)]
    )
    until = time.monotonic() + 60
    while len(results(events)) < 3 and time.monotonic() < until:
        events += logic.on_notify()[0]
        time.sleep(0.01)
    made = results(events)
    assert (made[first.id], made[odd.id], made[last.id]) == ("written", "failed", "written")
    (event,) = told
    assert isinstance(event.data, ItemPutAside) and odd.id in event.data.item


def test_a_call_that_raises_when_its_turn_comes_holds_up_no_other_and_no_end(
    tmp_path: Path, told: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, odd, last = (warned_event(number) for number in (1, 2, 3))
    tools = AnnounceTools(_Voice(), FileSpeaker(DataDir(tmp_path)), lambda event_id: None)  # type: ignore[arg-type]
    begin = SpeakerLine._begin

    def faulty(self: SpeakerLine, call: object) -> None:
        if call.logged.event.id == odd.id:  # type: ignore[attr-defined]
            raise RuntimeError("cannot schedule")
        begin(self, call)  # type: ignore[arg-type]

    monkeypatch.setattr(SpeakerLine, "_begin", faulty)
    logic = logic_of(tools, told)
    events, _ = logic.on_batch(
        [("files", LoggedEvent(seq, each, NOON)) for seq, each in enumerate((first, odd, last), 1)]
    )
    events += logic.on_eof()[0]
    made = results(events)
    assert (made[first.id], made[odd.id], made[last.id]) == ("written", "failed", "written")
    assert len(told) == 1
