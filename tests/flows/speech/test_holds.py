"""Quiet hours and caps hold calls back, unless a person takes it on themselves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from by_operators import ASKED_AT, command_event
from bytewax.testing import run_main
from network_speaker import TONE, Horn, network_speaker

from domain.data_dir import DataDir
from domain.errors import TryAgain
from domain.events.base import ByHand
from domain.events.catalog import AnnouncementMade, CommandRefused, Event, OffenceWarned
from domain.events.commands import CommandKind, Hold, Refusal
from domain.rule_key import RuleKey
from domain.site.loading import load_site
from domain.site.site import Site
from domain.site.speech.calls import Calls
from domain.site.speech.speakers import SpeakerSettings
from event_log.log import EventLog
from flows.announce import AnnounceSettings, build_announce_flow
from flows.escalation.commands.command_intake import CommandContext, PendingCommand, take_up
from flows.site_checks.calls import call_faults
from flows.speech.announce import AnnounceRules
from flows.speech.attempts import AttemptNotes
from flows.speech.call_counter import CallCounter, Caps
from flows.speech.careful_speaker import CarefulSpeaker
from flows.speech.devices.http_player import HttpPlayer
from flows.speech.holds import SiteHolds, quiet_of
from flows.speech.site_speakers import open_speakers
from flows.speech.speaker import Addressed
from flows.speech.voice.compose import CallSound
from tests.support.example_events import one_of_each, warned_event

NIGHT = datetime(2026, 7, 1, 3, tzinfo=UTC)  # four in the morning in London
LAWN, BENCH = "gate/lawn", "gate/bench"
QUIET: tuple[Hold, ...] = ("quiet-hours",)
CAP: tuple[Hold, ...] = ("cap",)


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    return DataDir(tmp_path / "var")


@pytest.fixture
def site(sample_site_file: Path) -> Site:
    return load_site(sample_site_file)


def settings(horn: Horn, **more: Any) -> SpeakerSettings:
    return SpeakerSettings(**{"id": "horn", "kind": "http", "url": horn.url} | more)


def speaker(
    horn: Horn, data: DataDir, site: Site, at: datetime = NIGHT, **more: Any
) -> CarefulSpeaker:
    """Open the horn of a site, as a new process opens it."""
    chosen = settings(horn, **more)
    counter = CallCounter(AttemptNotes(data), Caps.of(site.calls))
    player = HttpPlayer(chosen, None)
    return CarefulSpeaker(chosen, player, data, lambda: at, counter, quiet_of(site, chosen))


@pytest.mark.parametrize("volume", [None, 0.25])
def test_in_an_emergency_a_person_is_heard_at_night_at_full_loudness(
    data: DataDir, site: Site, volume: float | None
) -> None:
    with network_speaker() as horn:
        careful = speaker(horn, data, site, quiet_hours="22:00-07:00", quiet_volume=volume)
        held = careful.speak("gate", "evt-1", TONE)
        heard = careful.speak("gate", "evt-2", TONE, Addressed(despite=QUIET))
        again = speaker(horn, data, site).find_spoken("gate", "evt-2")
    assert (held.result, held.despite) == ("played" if volume else "quiet hours", ())
    assert (heard.result, heard.despite, heard.volume) == ("played", QUIET, 1.0)
    assert again == heard  # another process says the same of it
    assert horn.sounds[-1] == TONE


def test_a_cap_is_passed_over_for_a_person_and_their_call_counts(data: DataDir, site: Site) -> None:
    with network_speaker() as horn:
        careful = speaker(horn, data, site, max_calls_per_hour=1)
        spoken = [
            careful.speak("gate", "evt-1", TONE, Addressed(despite=CAP)),
            careful.speak("gate", "evt-2", TONE),
            careful.speak("gate", "evt-3", TONE, Addressed(despite=QUIET)),
            careful.speak("gate", "evt-4", TONE, Addressed(despite=CAP)),
        ]
    results = [(each.result, each.despite) for each in spoken]
    assert results == [
        ("played", ()),  # there was nothing to pass over
        ("over the hourly cap", ()),
        ("over the hourly cap", ()),
        ("played", CAP),
    ]


@pytest.mark.parametrize(
    ("caps", "results"),
    [
        ({"max_per_hour_in_zone": 2}, ["played", "played", "over the hourly cap", "played"]),
        (
            {"max_per_hour_to_subject": 1},
            ["played", "over the hourly cap", "played", "over the hourly cap"],
        ),
    ],
)
def test_calls_are_capped_by_zone_and_by_subject_over_speakers_and_restarts(
    data: DataDir, site: Site, caps: dict[str, int], results: list[str]
) -> None:
    site = site.model_copy(update={"calls": Calls.model_validate(caps)})
    calls = [(LAWN, "gate/1"), (LAWN, "gate/1"), (LAWN, "gate/2"), (BENCH, "gate/2")]
    with network_speaker() as horn:
        spoken = [
            # each by another speaker and another process
            speaker(horn, data, site, id=f"horn-{number}").speak(
                "gate", f"evt-{number}", TONE, Addressed(zone, subject)
            )
            for number, (zone, subject) in enumerate(calls)
        ]
        later = speaker(horn, data, site, at=NIGHT + timedelta(minutes=61))
        assert later.speak("gate", "evt-9", TONE, Addressed(LAWN, "gate/1")).result == "played"
    assert [each.result for each in spoken] == results
    (held, *_) = [each for each in spoken if each.result != "played"]
    assert "calls within an hour" in held.reason
    assert (LAWN if "max_per_hour_in_zone" in caps else "gate/1") in held.reason


def test_a_full_disk_uses_up_no_cap(data: DataDir, site: Site) -> None:
    class FullDisk:
        def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Any:
            raise TryAgain("the disk is full")  # as the note before the sound says it

    with network_speaker() as horn:
        chosen = settings(horn, max_calls_per_hour=1)
        counter = CallCounter(AttemptNotes(data))
        full = CarefulSpeaker(chosen, FullDisk(), data, lambda: NIGHT, counter)
        for number in range(3):
            with suppress(TryAgain):
                full.speak("gate", f"evt-{number}", TONE)
        careful = CarefulSpeaker(chosen, HttpPlayer(chosen, None), data, lambda: NIGHT, counter)
        assert careful.speak("gate", "evt-9", TONE).result == "played"


def test_a_note_that_vanishes_hides_no_other_calls_from_the_cap(data: DataDir, site: Site) -> None:
    with network_speaker() as horn:
        speaker(horn, data, site).speak("gate", "evt-1", TONE)
        (data.announcements / "gate" / "evt-0.json").symlink_to("gone.json")
        held = speaker(horn, data, site, max_calls_per_hour=1).speak("gate", "evt-2", TONE)
    assert held.result == "over the hourly cap"


def with_horn(site: Site, horn: Horn, calls: Calls, **more: Any) -> Site:
    """Its first camera is called gate and has the horn."""
    gate, *others = site.cameras
    gate = gate.model_copy(update={"id": "gate", "speaker": "horn"})
    return site.model_copy(
        update={"cameras": (gate, *others), "speakers": (settings(horn, **more),), "calls": calls}
    )


def test_what_would_hold_a_call_back_is_known_before_it_is_made(data: DataDir, site: Site) -> None:
    to, noon = Addressed(LAWN, "gate/1"), NIGHT + timedelta(hours=9)
    with network_speaker() as horn:
        quiet = with_horn(site, horn, Calls(quiet_hours="22:00-07:00", max_per_hour_in_zone=1))
        holds = SiteHolds(quiet, data, {"gate"})
        assert holds.why_held("gate", to, NIGHT) == ("quiet-hours", "horn: quiet hours 22:00-07:00")
        assert holds.why_held("gate", replace(to, despite=QUIET), NIGHT) is None
        assert holds.why_held("gate", to, noon) is None
        speaker(horn, data, quiet, at=noon).speak("gate", "evt-1", TONE, to)
        held = holds.why_held("gate", to, noon)
        assert held == ("cap", f"horn: 1 calls within an hour in {LAWN}")
        assert holds.why_held("gate", replace(to, despite=CAP), noon) is None
        # of recordings and of cameras without a loudspeaker nothing is held back
        assert SiteHolds(quiet, data, ()).why_held("gate", to, NIGHT) is None
        softly = with_horn(site, horn, Calls(quiet_hours="22:00-07:00", quiet_volume=0.3))
        assert SiteHolds(softly, data, {"gate"}).why_held("gate", to, NIGHT) is None


WARNED = next(event for event in one_of_each() if isinstance(event.data, OffenceWarned))


@pytest.mark.parametrize(
    ("hold", "why"), [("quiet-hours", Refusal.QUIET_HOURS), ("cap", Refusal.CAPPED)]
)
def test_words_that_would_not_be_heard_are_refused_at_once(
    data: DataDir, hold: Hold, why: Refusal
) -> None:
    def held(camera_id: str, to: Addressed, at: datetime) -> tuple[Hold, str] | None:
        assert (camera_id, at) == ("gate", ASKED_AT)
        return None if hold in to.despite else (hold, "horn: not now")

    with EventLog.open(data.events_db) as log:
        desk = CommandContext(
            log.find,
            log.about,
            {RuleKey("gate", "no-lingering")},
            {"gate"},
            now=lambda: ASKED_AT,
            why_held=held,
        )
        log.append([WARNED])
        about = {"camera_id": "gate", "rule_id": "no-lingering"}
        for despite in ((), (hold,)):
            more = {"key": str(despite), "despite": despite, **about}
            log.append([command_event(CommandKind.SPEAK, WARNED.subject, **more)])
        refused, taken = (take_up(each, desk) for each in log.read()[-2:])
    assert isinstance(refused, Event) and isinstance(refused.data, CommandRefused)
    assert refused.data.why is why
    assert "horn: not now" in refused.data.explanation
    assert f"--despite {hold}" in refused.data.explanation
    assert isinstance(taken, PendingCommand)


class Voice:
    """Says a tone."""

    engine_name = "a tone"

    def sound(self, words: object) -> CallSound:
        return CallSound(TONE, ())


def test_a_warning_that_a_person_took_on_themselves_reaches_the_loudspeaker(
    data: DataDir, site: Site
) -> None:
    by_hand = ByHand(
        command_id="cmd-1",
        command=CommandKind.SPEAK,
        operator="Wang",
        reason="a child on the ice",
        asked_at=ASKED_AT,
        despite=QUIET,
    )
    warnings = [warned_event(number, "gate", datetime.now(UTC)) for number in (1, 2)]
    asked = warnings[1].data.model_copy(update={"by_hand": by_hand})
    drain = threading.Event()
    drain.set()
    with network_speaker() as horn, EventLog.open(data.events_db) as log:
        log.append([warnings[0], replace(warnings[1], data=asked)])
        always = with_horn(site, horn, Calls(quiet_hours="00:00-24:00"))
        rules = AnnounceRules(frozenset({"gate"}), too_late_after_s=60.0, say_once_within_s=0.0)
        speakers = open_speakers(always, data, {}, {"gate"})
        flow = build_announce_flow(
            AnnounceSettings(data, rules),
            Voice(),  # type: ignore[arg-type]
            threading.Event(),
            drain,
            speakers,
        )
        run_main(flow)
        made = {
            each.event.data.warned_event_id: each.event.data
            for each in log.read(types=[AnnouncementMade.event_type])
            if isinstance(each.event.data, AnnouncementMade)
        }
    by_itself, by_a_person = (made[each.id] for each in warnings)
    assert (by_itself.result, by_itself.despite) == ("quiet hours", ())
    assert (by_a_person.result, by_a_person.despite) == ("played", QUIET)
    assert horn.sounds == [TONE]


def test_caps_that_one_ladder_goes_over_by_itself_are_refused(site: Site) -> None:
    with network_speaker() as horn:
        capped = with_horn(site, horn, Calls(max_per_hour_in_zone=1, max_per_hour_to_subject=1))
        places = {place for place, _ in call_faults(capped, Path())}
    assert places == {("calls", "max_per_hour_in_zone"), ("calls", "max_per_hour_to_subject")}
