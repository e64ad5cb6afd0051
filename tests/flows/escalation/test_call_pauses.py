"""Whoever is called on again has had the whole pause since they heard the call before."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from by_operators import pending
from bytewax.testing import run_main
from ladder_and_log import restore_ladder, save_ladder
from network_speaker import TONE, network_speaker
from people import BEGAN, presence

from domain.cameras.steady_clock import SteadyClock
from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.events.announcements import AnnouncementMade, announcement_of
from domain.events.catalog import (
    CallBefore,
    Event,
    OffenceComplied,
    OffenceEscalated,
    OffenceWarned,
)
from domain.events.commands import CommandKind
from domain.rule_key import RuleKey
from domain.site.ladders import Ladder
from domain.site.loading import load_site
from domain.site.rules import Rule
from domain.site.site import Site
from domain.site.speech.speakers import SpeakerSettings
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.announce import AnnounceSettings, build_announce_flow
from flows.escalation.call_pauses import Call, CallPauses, call_pauses_of
from flows.escalation.ladder import RuleLadder
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.watched_rule import watch_of
from flows.speech.announce import AnnounceRules
from flows.speech.site_speakers import open_speakers
from flows.speech.voice.compose import CallSound
from tests.support.example_events import one_of_each

MADE = next(event for event in one_of_each() if isinstance(event.data, AnnouncementMade))
PATIENCE_S = 20.0


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with EventLog.open(tmp_path / "events.sqlite") as made:
        yield made


@pytest.fixture
def climbing(rule: Rule, ladder: Ladder, log: EventLog) -> RuleLadder:
    """Asks at 4 s, pauses of 3 s, escalates 2 s after the third call."""
    return climber(rule, ladder, log.find)


def climber(
    rule: Rule, ladder: Ladder, find: Callable[[str], LoggedEvent | None] | None
) -> RuleLadder:
    writer = OffenceWriter("square", "north", rule, ladder)
    heard = CallPauses(find, PATIENCE_S) if find else None
    return RuleLadder(rule, ladder, writer, pauses=heard)


def said(warned: Event, begins_s: float, lasts_s: float = 1.0, result: str = "played") -> Event:
    """Write what the announcer writes of a call; seconds of event time, which is the wall's on live cameras."""
    starts = BEGAN + timedelta(seconds=begins_s)
    facts: dict[str, Any] = {"warned_event_id": warned.id, "result": result}
    facts |= {"started_at": starts, "audio_duration_s": lasts_s}
    if result in ("too late", "failed", "busy"):
        facts |= {"started_at": None, "audio_duration_s": None}
    data = MADE.data.model_copy(update=facts)
    return Event(announcement_of(warned.id), MADE.source, warned.subject, warned.time, data)


def stand(
    ladder: RuleLadder, from_s: float, to_s: float, then: Callable[[Event], None] = lambda _: None
) -> list[Event]:
    """Somebody stays; each event is handed on as it comes."""
    events = []
    for tenth in range(round(from_s * 10), round(to_s * 10) + 1):
        shown = presence(tenth / 10, {1: True})
        for event in ladder.step(shown.frame, shown.holdings):
            events.append(event)
            then(event)
    return events


def moments(events: list[Event]) -> list[str]:
    return [f"{(e.time - BEGAN).total_seconds():g} {e.type.split('.')[2]}" for e in events]


def before(event: Event) -> CallBefore | None:
    found: CallBefore | None = getattr(event.data, "call_before", None)
    return found


def test_a_pause_counts_from_the_end_of_the_call_not_from_when_it_came_due(
    climbing: RuleLadder, log: EventLog
) -> None:
    def speak(event: Event) -> None:
        if isinstance(event.data, OffenceWarned):  # the speaker is busy for 2 s, and talks for 4
            due_s = (event.time - BEGAN).total_seconds()
            log.append([said(event, due_s + 2, lasts_s=4)])

    events = stand(climbing, 0, 40, speak)
    # 4 + 2 + 4 + 3 = 13, and so on; escalated 2 s after the end of the last call
    assert moments(events) == ["4 opened", "4 warned", "13 warned", "22 warned", "30 escalated"]
    assert isinstance(events[-1].data, OffenceEscalated)
    assert [before(event) for event in events[1:]] == [
        None,
        CallBefore(result="played", counted_from=BEGAN + timedelta(seconds=10)),
        CallBefore(result="played", counted_from=BEGAN + timedelta(seconds=19)),
        CallBefore(result="played", counted_from=BEGAN + timedelta(seconds=28)),
    ]


@pytest.mark.parametrize("result", ["too late", "failed", "busy"])
def test_of_a_call_that_nobody_heard_the_pause_counts_from_when_it_came_due(
    climbing: RuleLadder, log: EventLog, result: str
) -> None:
    def speak(event: Event) -> None:
        if isinstance(event.data, OffenceWarned):
            log.append([said(event, 0, result=result)])

    events = stand(climbing, 0, 8, speak)
    assert moments(events) == ["4 opened", "4 warned", "7 warned"]
    assert before(events[-1]) == CallBefore(
        result=result,  # type: ignore[arg-type]
        counted_from=BEGAN + timedelta(seconds=4),
    )


def test_without_a_word_the_ladder_waits_so_long_and_says_so(climbing: RuleLadder) -> None:
    events = stand(climbing, 0, 45)  # the announcer is dead
    assert moments(events) == ["4 opened", "4 warned", "24 warned", "44 warned"]
    waited = before(events[2])
    assert waited is not None and waited.result == "no word"
    assert waited.counted_from == BEGAN + timedelta(seconds=4)


def test_a_clock_that_was_set_back_holds_up_no_ladder_for_longer(
    climbing: RuleLadder, log: EventLog
) -> None:
    def speak(event: Event) -> None:
        if isinstance(event.data, OffenceWarned):  # said, by the clock of then, in an hour
            log.append([said(event, 3600)])

    events = stand(climbing, 0, 30, speak)
    assert moments(events) == ["4 opened", "4 warned", "27 warned"]


def test_a_log_that_cannot_be_read_is_as_if_there_was_no_word(rule: Rule, ladder: Ladder) -> None:
    def locked(_: str) -> LoggedEvent | None:
        raise TryAgain("the log is locked")

    events = stand(climber(rule, ladder, locked), 0, 25)
    assert moments(events) == ["4 opened", "4 warned", "24 warned"]


def test_who_leaves_while_the_ladder_waits_has_complied(climbing: RuleLadder) -> None:
    stand(climbing, 0, 12)
    gone = presence(12.1, {1: False}), presence(13.5, {1: False})
    (event,) = [e for shown in gone for e in climbing.step(shown.frame, shown.holdings)]
    assert isinstance(event.data, OffenceComplied)


def test_the_word_is_found_by_whoever_goes_on_after_a_restart(
    climbing: RuleLadder, rule: Rule, ladder: Ladder, log: EventLog
) -> None:
    first = stand(climbing, 0, 5)
    again = restore_ladder(climber(rule, ladder, log.find), save_ladder(climbing))
    log.append([said(first[-1], 9, lasts_s=2)])  # while nobody watched
    second = stand(again, 5.1, 20)
    assert moments(second) == ["14 warned"]
    # a ladder that lost the second on the way makes it again, with the same id
    assert [event.id for event in stand(climbing, 5.1, 20)] == [second[0].id]


def test_an_offence_that_is_taken_out_of_the_log_waits_for_its_call_as_well(
    climbing: RuleLadder, rule: Rule, ladder: Ladder, log: EventLog
) -> None:
    opened, warned = stand(climbing, 0, 5)
    again = climber(rule, ladder, log.find)
    again.adopt({opened.subject: [opened, warned]})
    log.append([said(warned, 9, lasts_s=2)])
    assert moments(stand(again, 5.1, 20)) == ["14 warned"]


def test_after_an_operators_words_the_next_rung_waits_for_their_end(
    climbing: RuleLadder, log: EventLog
) -> None:
    opened, warned = stand(climbing, 0, 5)
    log.append([said(warned, 4)])
    (spoken,) = climbing.command(pending(CommandKind.SPEAK, opened.subject))
    assert isinstance(spoken.data, OffenceWarned) and spoken.data.by_hand
    assert before(spoken) is None  # they waited for nothing
    log.append([said(spoken, 7, lasts_s=3)])
    assert moments(stand(climbing, 5.1, 16)) == ["13 warned"]


def test_pauses_count_from_due_where_the_ladder_says_so_or_nobody_hears_it(
    sample_site_file: Path, log: EventLog
) -> None:
    site = load_site(sample_site_file)
    gate = site.cameras[0].id
    horn = SpeakerSettings(id="horn", kind="http", url="http://horn.invalid/")
    cameras = [each.model_copy(update={"speaker": "horn"}) for each in site.cameras]
    heard = site.model_copy(update={"speakers": (horn,), "cameras": tuple(cameras)})
    ladder = heard.ladders[0]
    assert call_pauses_of(heard, gate, ladder, log.find, {gate}) is not None
    assert call_pauses_of(heard, gate, ladder, log.find, ()) is None  # a recording
    assert call_pauses_of(site, gate, ladder, log.find, {gate}) is None  # no loudspeaker
    due = ladder.model_copy(update={"next_rung_counts_from": "due"})
    assert call_pauses_of(heard, gate, due, log.find, {gate}) is None


def test_a_clock_that_is_set_forward_during_a_call_does_not_shorten_the_pause(
    log: EventLog,
) -> None:
    now_s = BEGAN.timestamp()
    ahead_s = 0.0
    steady = SteadyClock(boot_s=lambda: now_s, wall_s=lambda: now_s + ahead_s)
    warned = Event("evt-w", MADE.source, "ofc-1", BEGAN, MADE.data)
    log.append([said(warned, 5, lasts_s=4)])
    now_s, ahead_s = now_s + 7, 3600.0  # it never says what the end comes to
    steady.look()
    pauses = CallPauses(log.find, PATIENCE_S, steady.of_wall)
    now_s += 4
    known = [
        pauses.after_pause(Call("evt-w", BEGAN), BEGAN, 3.0, BEGAN + timedelta(seconds=at_s))
        for at_s in (11, 12)
    ]
    until = BEGAN + timedelta(seconds=9)
    assert known == [None, CallBefore(result="played", counted_from=until)]


@pytest.mark.parametrize("ahead_s", [-3600.0, 3600.0])
def test_a_pause_counts_from_the_end_of_the_call_whatever_the_wall_says(
    log: EventLog, ahead_s: float
) -> None:
    now_s, set_by_s = BEGAN.timestamp(), 0.0
    steady = SteadyClock(boot_s=lambda: now_s, wall_s=lambda: now_s + set_by_s)
    now_s, set_by_s = now_s + 1, ahead_s
    steady.look()
    now_s += 10
    warned = Event("evt-w", MADE.source, "ofc-1", BEGAN, MADE.data)
    log.append([said(warned, 5 + ahead_s, lasts_s=4)])
    pauses = CallPauses(log.find, PATIENCE_S, steady.of_wall)
    known = [
        pauses.after_pause(Call("evt-w", BEGAN), BEGAN, 3.0, BEGAN + timedelta(seconds=at_s))
        for at_s in (11, 12)
    ]
    until = BEGAN + timedelta(seconds=9)
    assert known == [None, CallBefore(result="played", counted_from=until)]


class Voice:
    """Says a tone of 0.2 s."""

    engine_name = "a tone"

    def sound(self, words: object) -> CallSound:
        return CallSound(TONE, ())


def test_a_real_speakers_call_is_waited_for(tmp_path: Path, sample_site_file: Path) -> None:
    """Watched live, announced by the real flow on a real loudspeaker, and counted from there."""
    data, site = DataDir(tmp_path / "var"), load_site(sample_site_file)
    key = RuleKey(site.cameras[0].id, site.rules[0].id)
    rung_s = site.ladder(site.rules[0].ladder).rungs[1].after_s
    with network_speaker() as horn, EventLog.open(data.events_db) as log:
        speaker = SpeakerSettings(id="horn", kind="http", url=horn.url)
        gate = site.cameras[0].model_copy(update={"speaker": "horn"})
        site = site.model_copy(
            update={"speakers": (speaker,), "cameras": (gate, *site.cameras[1:])}
        )
        # however slow this machine: the bound is another test's claim
        patient = [each.model_copy(update={"waits_for_call_s": 600.0}) for each in site.ladders]
        site = site.model_copy(update={"ladders": tuple(patient)})
        ladder = watch_of(site, key, log.find, {gate.id}).ladder
        warned = _first_call(ladder, site)
        log.append([warned])
        announced = _announce(site, data, log, gate.id)
        assert horn.sounds == [TONE]
        assert isinstance(announced.data, AnnouncementMade) and announced.data.started_at
        said_until = announced.data.started_at + timedelta(
            seconds=announced.data.audio_duration_s or 0
        )
        (offence,) = ladder.offences.values()
        heard = ladder._schedule._pauses
        assert heard is not None and offence.escalation.call is not None
        assert said_until > warned.time
        early, late = (said_until + timedelta(seconds=rung_s + more) for more in (-0.05, 0.05))
        assert heard.after_pause(offence.escalation.call, warned.time, rung_s, early) is None
        known = heard.after_pause(offence.escalation.call, warned.time, rung_s, late)
        assert known == CallBefore(result="played", counted_from=said_until)


def _first_call(ladder: RuleLadder, site: Site) -> Event:
    """Somebody stands there, in the wall's own time, until they are warned."""
    shift = datetime.now(UTC) - BEGAN - timedelta(seconds=100)
    for tenth in range(1000):
        shown = presence(tenth / 10, {1: True})
        frame = replace(shown.frame, captured_at=shown.frame.captured_at + shift)
        for event in ladder.step(frame, shown.holdings):
            if isinstance(event.data, OffenceWarned):
                return event
    raise AssertionError("nobody was warned")


def _announce(site: Site, data: DataDir, log: EventLog, camera_id: str) -> Event:
    drain = threading.Event()
    drain.set()
    rules = AnnounceRules(frozenset({camera_id}), too_late_after_s=3600.0)
    speakers = open_speakers(site, data, {}, {camera_id})
    settings = AnnounceSettings(data, rules)
    run_main(build_announce_flow(settings, Voice(), threading.Event(), drain, speakers))  # type: ignore[arg-type]
    (made,) = log.read(types=[AnnouncementMade.event_type])
    return made.event
