"""Calls of one speaker: one at a time, the gravest first, said once for all whom they concern."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from network_speaker import TONE

from domain.base import BothLanguages
from domain.cameras.steady_clock import SteadyClock
from domain.data_dir import DataDir
from domain.events.announcements import AnnouncementMade
from domain.events.catalog import (
    ByHand,
    Event,
    OffenceComplied,
    OffenceDismissed,
    OffenceMerged,
    OffenceUnknown,
    OffenceWarned,
    OutcomeData,
)
from domain.events.commands import CommandKind
from domain.site.speech.speakers import SpeakerSettings
from event_log.rows import LoggedEvent
from flows.escalation.call_pauses import said_until
from flows.speech.announce import AnnounceRules, AnnounceTools
from flows.speech.call_queue import SpeakerLine
from flows.speech.careful_speaker import CarefulSpeaker
from flows.speech.devices.player import Played
from flows.speech.queue_state import LINE_FORMAT, LineState
from flows.speech.speaker import FileSpeaker, Speaker
from flows.speech.voice.compose import CallSound, CallWords
from tests.support.example_events import one_of_each, warned_event

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HORN = SpeakerSettings(id="horn", kind="sound-device")
RULES = AnnounceRules(live_cameras=frozenset({"gate", "yard"}), retry_pause_s=0.0)
Says = Callable[..., LoggedEvent]


class HeldPlayer:
    """A loudspeaker that talks until it is told to end; counts how many calls sound at once."""

    def __init__(self) -> None:
        self.may_end = threading.Semaphore(0)
        self.result = Played("played")
        self.begun: list[str] = []
        self.at_once = 0
        self.most_at_once = 0

    def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        before()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.append(sound.decode("latin-1")[-6:])
        assert self.may_end.acquire(timeout=60)
        self.at_once -= 1
        return self.result


class ToneVoice:
    """Speech is tested elsewhere; this one says a tone, with a tail that tells texts apart."""

    engine_name = "a tone"

    def sound(self, words: CallWords) -> CallSound:
        return CallSound(TONE + words.text.en.rjust(6)[-6:].encode(), ())


class Street:
    """One line with its clock, and what became of its calls."""

    def __init__(self, data: DataDir, is_heard: bool = True) -> None:
        self.now = NOON  # by the wall
        self.set_by = timedelta(0)
        self.clock = SteadyClock(
            boot_s=lambda: (self.now - self.set_by - NOON).total_seconds(),
            wall_s=lambda: self.now.timestamp(),
        )
        self.seq = 0
        self.data = data
        self.is_heard = is_heard
        self.player = HeldPlayer()
        self.log: dict[str, Event] = {}
        self.line = self.make_line(None)

    def make_line(self, state: LineState | None) -> SpeakerLine:
        speaker: Speaker = CarefulSpeaker(HORN, self.player, self.data, lambda: self.now)
        if not self.is_heard:
            speaker = FileSpeaker(self.data)
        voice: Any = ToneVoice()
        now, of_wall = (lambda: self.now), self.clock.of_wall
        tools = AnnounceTools(voice, speaker, self._find, now, of_wall)
        return SpeakerLine(
            tools,
            RULES,
            is_heard=self.is_heard,
            severity_of=lambda rule_id: rule_id if rule_id in ("slight", "serious") else "ordinary",
            name="horn",
            state=state,
        )

    def _find(self, event_id: str) -> LoggedEvent | None:
        event = self.log.get(event_id)
        return LoggedEvent(1, event, self.now) if event else None

    def says(
        self,
        number: int,
        words: str,
        rule_id: str = "ordinary",
        rung: int = 1,
        by_hand: ByHand | None = None,
    ) -> None:
        event = warned_event(number, at=self.now, text=BothLanguages(zh=words, en=words))
        assert isinstance(event.data, OffenceWarned)
        changes = {"rule_id": rule_id, "rung_number": rung, "by_hand": by_hand}
        data = event.data.model_copy(update=changes)
        self._give(replace(event, data=data, id=f"{event.id}-{rung}"))

    def ends(self, number: int, how: type[OutcomeData] = OffenceComplied) -> None:
        offence_id = warned_event(number).subject
        (ended,) = (each for each in one_of_each() if type(each.data) is how)
        self._give(replace(ended, data=ended.data.model_copy(update={"offence_id": offence_id})))

    def _give(self, event: Event) -> None:
        self.seq += 1
        self.told(self.line.take(LoggedEvent(self.seq, event, self.now)))

    def told(self, events: list[Event]) -> None:
        self.log |= {event.id: event for event in events}

    def set_clock(self, by_s: float) -> None:
        """Set the wall's clock."""
        self.now += timedelta(seconds=by_s)
        self.set_by += timedelta(seconds=by_s)

    def look(self, after_s: float = 0.0) -> None:
        """Let time pass, then look how calls stand."""
        self.now += timedelta(seconds=after_s)
        self.told(self.line.advance())

    def end_call(self) -> None:
        """Let the call that sounds end, and the next begin."""
        ended, begun = len(self.log), len(self.player.begun)
        self.player.may_end.release()
        self.wait(lambda: len(self.log) > ended)
        self.now += timedelta(seconds=0.3)  # the tone has 0.2 s
        if not self.line.is_idle:
            self.wait(lambda: len(self.player.begun) > begun)

    def wait(self, done: Callable[[], bool]) -> None:
        give_up_at = time.monotonic() + 90
        while not done():
            assert time.monotonic() < give_up_at
            self.told(self.line.advance())
            time.sleep(0.001)

    def begin(self) -> None:
        self.wait(lambda: len(self.player.begun) == 1)

    @property
    def made(self) -> list[AnnouncementMade]:
        return [each.data for each in self.log.values()]  # type: ignore[misc]

    def result_of(self, number: int) -> AnnouncementMade:
        offence_id = warned_event(number).subject
        (found,) = (each for each in self.made if each.offence_id == offence_id)
        return found


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    street = Street(DataDir(tmp_path / "var"))
    yield street
    street.player.may_end.release(100)


def test_calls_never_overlap_and_keep_their_order(street: Street) -> None:
    for number, words in enumerate(("one", "two", "three")):
        street.says(number, words)
    street.begin()
    for _ in range(3):
        street.end_call()
    assert [words.strip() for words in street.player.begun] == ["one", "two", "three"]
    assert street.player.most_at_once == 1
    assert [each.result for each in street.made] == ["played"] * 3
    assert street.line.is_idle


def test_a_speaker_that_answers_at_once_is_given_the_time_to_play(street: Street) -> None:
    street.player.may_end.release(10)  # it answers before it has played anything
    street.says(1, "one")
    street.says(2, "two")
    street.wait(lambda: len(street.log) == 1)
    street.look(after_s=0.15)
    street.line = street.make_line(
        LINE_FORMAT.restore(LINE_FORMAT.save(("", street.line.state)))[1]
    )  # killed here
    street.look()
    assert [words.strip() for words in street.player.begun] == ["one"]
    street.look(after_s=0.1)
    street.wait(lambda: len(street.log) == 2)
    assert [each.result for each in street.made] == ["played", "played"]


@pytest.mark.parametrize("by_s", [-3600, -60, 60, 3600])
def test_setting_the_clock_neither_holds_up_a_call_nor_takes_its_use(
    street: Street, by_s: float
) -> None:
    street.says(1, "one")
    street.begin()
    street.says(2, "two")
    street.set_clock(by_s)
    street.end_call()
    street.end_call()
    assert [each.result for each in street.made] == ["played", "played"]


@pytest.mark.parametrize("by_s", [-60, -200])
def test_a_speaker_is_not_taken_to_be_talking_until_a_clock_that_was_set_back_is_there_again(
    street: Street, by_s: float
) -> None:
    street.player.may_end.release(10)
    street.says(1, "one")
    street.wait(lambda: len(street.log) == 1)
    street.says(2, "two")
    street.set_clock(by_s)
    street.look(after_s=0.3)
    street.wait(lambda: len(street.log) == 2)
    assert [each.result for each in street.made] == ["played", "played"]


def test_a_call_that_raised_after_it_was_heard_says_until_when(street: Street) -> None:
    """A driver broke when the sound was out: the next rung came as if nobody had been spoken to."""

    def play(sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        before()
        raise RuntimeError("the driver broke")

    street.player.play = play  # type: ignore[method-assign]
    street.says(1, "one")
    street.wait(lambda: len(street.log) == 1)
    made = street.result_of(1)
    assert made.result == "unknown whether played" and "the driver broke" in made.reason
    assert said_until(made) == NOON + timedelta(seconds=made.audio_duration_s or 0.0)
    assert made.audio_duration_s and made.audio_file


def test_a_call_that_is_given_up_while_it_sounds_says_until_when_and_nobody_talks_into_it(
    street: Street,
) -> None:
    street.says(1, "one")
    street.begin()
    street.says(2, "two")
    street.told(street.line.give_up("the look at it broke"))
    made = street.result_of(1)
    assert made.result == "unknown whether played" and made.audio_duration_s
    assert said_until(made) == NOON + timedelta(seconds=made.audio_duration_s)
    street.player.may_end.release(10)
    street.look(after_s=0.1)
    assert [words.strip() for words in street.player.begun] == ["one"]
    street.look(after_s=0.2)
    street.wait(lambda: len(street.log) == 2)
    assert street.result_of(2).result == "played"


def test_the_gravest_of_those_that_wait_is_said_next(street: Street) -> None:
    street.says(1, "first")
    street.begin()
    street.says(2, "slight", "slight")
    street.says(3, "plain")
    street.says(4, "grave", "serious")
    for _ in range(4):
        street.end_call()
    assert [words.strip() for words in street.player.begun] == ["first", "grave", "plain", "slight"]


def test_a_call_that_waited_until_its_use_was_over_says_who_was_in_the_way(street: Street) -> None:
    street.says(1, "long")
    street.begin()
    street.says(2, "short")
    street.look(after_s=4.9)
    assert street.made == []
    street.look(after_s=0.2)
    busy = street.result_of(2)
    assert busy.result == "busy" and warned_event(1).subject in busy.reason
    street.end_call()
    assert street.result_of(1).result == "played"
    assert [words.strip() for words in street.player.begun] == ["long"]


def test_who_has_left_is_not_spoken_to_any_more(street: Street) -> None:
    street.says(1, "long")
    street.begin()
    street.says(2, "short")
    street.ends(2)
    gone = street.result_of(2)
    assert gone.result == "too late" and "had left" in gone.reason
    street.end_call()
    assert street.line.is_idle and len(street.player.begun) == 1


def test_what_an_operator_dismissed_is_not_said_any_more(street: Street) -> None:
    street.says(1, "long")
    street.begin()
    street.says(2, "short")
    street.ends(2, OffenceDismissed)
    assert "an operator had dismissed" in street.result_of(2).reason


@pytest.mark.parametrize(
    ("end", "why"), [(OffenceUnknown, "nobody could see"), (OffenceMerged, "an older offence")]
)
def test_nobody_is_called_for_an_offence_that_nobody_can_see_or_that_is_anothers(
    street: Street, end: type[OutcomeData], why: str
) -> None:
    street.says(1, "long")
    street.begin()
    street.says(2, "short")
    street.ends(2, end)
    assert street.result_of(2).result == "too late" and why in street.result_of(2).reason


def test_what_an_operator_asks_for_is_said_next_and_for_itself(street: Street) -> None:
    asked = ByHand(
        command_id="evt-1", command=CommandKind.SPEAK, operator="Li", asked_at=street.now
    )
    street.says(1, "leave")
    street.begin()
    street.says(2, "grave", "serious")
    street.says(3, "leave", "slight", by_hand=asked)
    for _ in range(3):
        street.end_call()
    assert [words.strip() for words in street.player.begun] == ["leave", "leave", "grave"]
    assert street.result_of(3).said_with == ""


def test_a_line_that_others_keep_going_tells_what_came_of_it_when_asked(street: Street) -> None:
    street.says(1, "one")
    street.begin()
    street.says(2, "two")
    street.player.may_end.release(2)
    street.now += timedelta(seconds=0.3)
    give_up_at = time.monotonic() + 90
    while len(street.player.begun) < 2 or street.player.at_once:
        assert time.monotonic() < give_up_at
        street.line.keep_going()
        time.sleep(0.001)
    assert street.made == [] and not street.line.is_idle
    street.wait(lambda: len(street.made) == 2)
    assert street.line.is_idle


def test_the_same_words_for_several_offences_are_said_once(street: Street) -> None:
    street.says(1, "leave")
    street.begin()
    street.says(2, "leave")  # while it is said
    street.end_call()
    street.look(after_s=2)
    street.says(3, "leave")  # a moment after
    street.look()
    assert len(street.player.begun) == 1
    first, second, third = (street.result_of(number) for number in (1, 2, 3))
    own = next(event_id for event_id, event in street.log.items() if event.data == first)
    assert (first.said_with, second.said_with, third.said_with) == ("", own, own)
    for other in (second, third):
        assert other.result == "played" and other.audio_sha256 == first.audio_sha256
        assert (other.started_at, other.ended_at) == (first.started_at, first.ended_at)
    street.look(after_s=1.5)
    street.says(4, "leave")  # too long after: they did not hear it
    street.wait(lambda: len(street.player.begun) == 2)


def test_the_next_call_for_the_same_offence_is_said_whatever_its_words(street: Street) -> None:
    street.says(1, "leave")
    street.begin()
    street.says(1, "leave", rung=2)
    street.end_call()
    street.end_call()
    assert len(street.player.begun) == 2
    assert [each.said_with for each in street.made] == ["", ""]


def test_a_call_that_nobody_can_have_heard_stands_for_nobody_else(street: Street) -> None:
    street.says(1, "leave")
    street.begin()
    street.says(2, "leave")
    street.look()
    street.player.result = Played("refused", "horn: answered 500")
    street.end_call()
    street.player.result = Played("played")
    street.end_call()
    assert [street.result_of(number).result for number in (1, 2)] == ["refused", "played"]
    assert street.result_of(2).said_with == ""


def test_after_a_restart_what_waited_is_said_and_what_was_begun_is_not_repeated(
    street: Street,
) -> None:
    street.says(1, "one")
    street.begin()
    street.says(2, "two")
    street.says(3, "one")  # rides along with the first
    street.look()
    saved = LINE_FORMAT.restore(LINE_FORMAT.save(("", street.line.state)))[1]  # killed here
    street.player.begun.clear()
    street.line = street.make_line(saved)
    street.wait(lambda: len(street.log) == 2)
    street.look(after_s=0.3)
    street.player.may_end.release(2)  # one for the thread of the line that is no more
    street.wait(lambda: len(street.log) == 3)
    assert [words.strip() for words in street.player.begun] == ["two"]
    assert [street.result_of(number).result for number in (1, 2, 3)] == [
        "unknown whether played",
        "played",
        "unknown whether played",
    ]
    assert street.result_of(3).said_with


def test_a_stop_waits_for_the_call_in_hand_and_keeps_the_others(street: Street) -> None:
    street.says(1, "one")
    street.begin()
    street.says(2, "two")
    street.player.may_end.release()
    street.told(street.line.finish_current())
    assert street.result_of(1).result == "played"
    assert [each.event.subject for each in street.line.state.waiting] == [warned_event(2).subject]


def test_calls_to_files_are_written_each_for_itself_in_their_order(tmp_path: Path) -> None:
    street = Street(DataDir(tmp_path / "var"), is_heard=False)
    street.says(1, "leave", "slight")
    street.says(2, "leave", "serious")
    street.ends(1)
    street.wait(lambda: len(street.made) == 2)
    assert [(each.result, each.said_with) for each in street.made] == [("written", "")] * 2
    assert street.made[0].offence_id == warned_event(1).subject


def test_a_fault_of_ours_with_one_call_silences_none_that_follow(street: Street) -> None:
    broken = ["evt-broken"]

    def sound(words: CallWords) -> CallSound:
        if words.text.en == "odd":
            raise ValueError(broken[0])
        return CallSound(TONE + words.text.en.rjust(6)[-6:].encode(), ())

    street.line._tools.voice.sound = sound  # type: ignore[method-assign,assignment]
    street.says(1, "odd")
    street.says(2, "good")
    street.begin()
    street.end_call()
    assert street.result_of(1).result == "failed"
    assert "ValueError" in street.result_of(1).reason
    assert street.result_of(2).result == "played"


def test_a_player_that_fails_in_the_middle_may_have_been_heard(street: Street) -> None:
    def play(sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        before()
        raise ValueError("in the middle")

    street.player.play = play  # type: ignore[method-assign]
    street.says(1, "leave")
    street.wait(lambda: len(street.made) == 1)
    assert street.result_of(1).result == "unknown whether played"


def test_a_clock_that_is_set_back_keeps_no_speaker_silent(street: Street) -> None:
    street.says(1, "one")
    street.begin()
    street.end_call()
    street.now -= timedelta(hours=1)
    street.says(2, "two")
    street.wait(lambda: len(street.player.begun) == 2)
    street.end_call()
    assert street.result_of(2).result == "played"
