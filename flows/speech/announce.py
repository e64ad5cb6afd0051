"""Make one announcement of one warning: spoken, too late, refused or failed, never passed over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog

from domain.errors import ForewarnError, PutAside, TryAgain
from domain.events.announcements import AnnouncementResult, SpokenPart, announcement_of
from domain.events.catalog import AnnouncementMade, Event, OffenceWarned, expect_event
from domain.events.wall_time import Convert, same_time, steady_time_of
from event_log.rows import LoggedEvent
from flows.speech.speaker import Addressed, NoSpeaker, Speaker, Spoken
from flows.speech.voice.compose import CallVoice, CallWords

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AnnounceRules:
    """When an announcement may still be made, and how often it is tried."""

    live_cameras: frozenset[str] = frozenset()  # the others play recordings: never too late
    too_late_after_s: float = 5.0  # a live warning older than this is not played
    say_once_within_s: float = 3.0  # the same words for several offences are one call; 0: never
    attempts: int = 3
    retry_pause_s: float = 0.2


@dataclass(frozen=True, slots=True)
class AnnounceTools:
    """What the step works with."""

    voice: CallVoice
    speaker: Speaker
    find: Callable[[str], LoggedEvent | None]  # an event of the log by its id
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    of_wall: Convert = same_time  # steady time at which the wall's clock said something

    def steady_now(self) -> datetime:
        """Return now, on the clock that nobody sets."""
        return self.of_wall(self.now())

    def age_s(self, warned: LoggedEvent) -> float:
        """Return how old a live warning is, in seconds.

        By two clocks, the older counts: the camera's own clock may be wrong, and a warning may have
        been written long after the frame.
        """
        seen_at = steady_time_of(warned.event, self.of_wall)
        return (self.steady_now() - min(seen_at, self.of_wall(warned.recorded_at))).total_seconds()


class _TooLate(Exception):
    """The subject may be gone, or doing something else: the words would reach the wrong person."""


def announce_rung(
    warned: LoggedEvent, tools: AnnounceTools, rules: AnnounceRules
) -> Event[AnnouncementMade]:
    """Speak a warning once and say what came of it; the event's id comes from the warning's.

    A warning that was dealt with before gives the same event again and no sound: first by what the
    log says, then by what the speaker remembers (it spoke, but the process was killed before the
    event was written).

    Raises:
        PutAside: the event is no warning.
    """
    data = warned.event.data
    if not isinstance(data, OffenceWarned):
        raise PutAside(f"{warned.event.id}: needs a warning, got {warned.event.type}")
    known = tools.find(announcement_of(warned.event.id))
    if known is not None:
        return expect_event(known.event, AnnouncementMade)
    try:
        spoken, parts = _speak_once(warned, data, tools, rules)
    except _TooLate as error:
        return not_made(warned, tools, rules, "too late", str(error))
    except NoSpeaker as error:
        log.error("speaker not reached", camera_id=data.camera_id, reason=str(error))
        return not_made(warned, tools, rules, "no speaker", str(error))
    except ForewarnError as error:
        log.error("announcement failed", camera_id=data.camera_id, reason=str(error))
        return not_made(warned, tools, rules, "failed", str(error))
    except Exception as error:  # a fault of ours with one call must not silence all that follow
        log.exception("announcement failed", camera_id=data.camera_id, event_id=warned.event.id)
        reason = f"{data.camera_id}: {type(error).__name__} while the call was made: {error}"
        return broken_off(warned, tools, rules, reason, is_over=True)
    if spoken.reason:
        log.warning(
            "announcement not heard",
            camera_id=data.camera_id,
            result=spoken.result,
            reason=spoken.reason,
        )
    return _made(warned, tools, rules, spoken, parts, result=spoken.result, reason=spoken.reason)


def not_made(
    warned: LoggedEvent,
    tools: AnnounceTools,
    rules: AnnounceRules,
    result: AnnouncementResult,
    reason: str,
) -> Event[AnnouncementMade]:
    """Record a call of which nothing was heard."""
    return _made(warned, tools, rules, None, result=result, reason=reason)


def broken_off(
    warned: LoggedEvent, tools: AnnounceTools, rules: AnnounceRules, reason: str, *, is_over: bool
) -> Event[AnnouncementMade]:
    """Record a call that raised; with its times, for the pause before the next rung is counted from its end.

    `is_over`: nobody makes it any more, so that one which is not noted was not begun.
    """
    data = expect_event(warned.event, OffenceWarned).data
    may_have_begun, begun = _begun(warned, data, tools)
    is_known = is_over and not may_have_begun
    result: AnnouncementResult = "failed" if is_known else "unknown whether played"
    return _made(warned, tools, rules, begun, result=result, reason=reason)


def said_with(warned: LoggedEvent, made: Event) -> Event[AnnouncementMade]:
    """Record a warning whose words were, or may have been, heard in a call for another offence."""
    data = expect_event(warned.event, OffenceWarned).data
    shared = expect_event(made, AnnouncementMade).data.model_copy(
        update={
            "offence_id": data.offence_id,
            "camera_id": data.camera_id,
            "rung_id": data.rung_id,
            "rung_number": data.rung_number,
            "warned_event_id": warned.event.id,
            "said_with": made.id,
        }
    )
    source = f"{warned.event.source}/announcer"
    return Event(announcement_of(warned.event.id), source, data.offence_id, made.time, shared)


def addressed(data: OffenceWarned) -> Addressed:
    """Return whom a warning's call is for."""
    despite = data.by_hand.despite if data.by_hand else ()
    return Addressed(f"{data.camera_id}/{data.zone_id}", data.subject_id, despite)


def _begun(
    warned: LoggedEvent, data: OffenceWarned, tools: AnnounceTools
) -> tuple[bool, Spoken | None]:
    """Return whether a call that raised may have been heard, and what the speaker noted of it."""
    try:
        noted = tools.speaker.find_spoken(data.camera_id, warned.event.id)
    except ForewarnError:
        return True, None
    return noted is not None, noted


def _speak_once(
    warned: LoggedEvent, data: OffenceWarned, tools: AnnounceTools, rules: AnnounceRules
) -> tuple[Spoken, tuple[SpokenPart, ...]]:
    """Speak, unless it was spoken before; tried again a bounded number of times."""
    trouble: TryAgain | None = None
    for attempt in range(1, rules.attempts + 1):
        try:
            before = tools.speaker.find_spoken(data.camera_id, warned.event.id)
            if before is not None:
                return before, _parts(tools, data)
            _check_in_time(warned, data, tools, rules)
            sound = tools.voice.sound(CallWords.of(data))
            _check_in_time(warned, data, tools, rules)  # making the sound may have taken long
            spoken = tools.speaker.speak(
                data.camera_id, warned.event.id, sound.content, addressed(data)
            )
            return spoken, sound.parts
        except _TooLate:
            if trouble is not None:  # what made it late is what people have to know
                raise trouble from None
            raise
        except TryAgain as error:
            if attempt == rules.attempts:
                raise
            trouble = error
            time.sleep(rules.retry_pause_s)
    raise PutAside("no attempt was allowed")


def _parts(tools: AnnounceTools, data: OffenceWarned) -> tuple[SpokenPart, ...]:
    """Return what an earlier call was put together from; its sounds lie in the cache."""
    try:
        return tools.voice.sound(CallWords.of(data)).parts
    except ForewarnError:
        return ()


def _check_in_time(
    warned: LoggedEvent, data: OffenceWarned, tools: AnnounceTools, rules: AnnounceRules
) -> None:
    if data.camera_id not in rules.live_cameras:
        return
    if tools.age_s(warned) > rules.too_late_after_s:
        now = tools.steady_now()
        seen_s = (now - steady_time_of(warned.event, tools.of_wall)).total_seconds()
        recorded_s = (now - tools.of_wall(warned.recorded_at)).total_seconds()
        raise _TooLate(
            f"{data.camera_id}: not played: the frame was {seen_s:.1f} s old and the warning "
            f"recorded {recorded_s:.1f} s ago, at most {rules.too_late_after_s:g} s are allowed"
        )


def _made(
    warned: LoggedEvent,
    tools: AnnounceTools,
    rules: AnnounceRules,
    spoken: Spoken | None,
    parts: tuple[SpokenPart, ...] = (),
    **outcome: Any,
) -> Event[AnnouncementMade]:
    event = expect_event(warned.event, OffenceWarned)
    data = event.data
    made = AnnouncementMade(
        offence_id=data.offence_id,
        camera_id=data.camera_id,
        rung_id=data.rung_id,
        rung_number=data.rung_number,
        warned_event_id=event.id,
        languages=tuple(part.language for part in parts) or data.languages,
        text=data.text,
        audio_file=spoken.audio_file if spoken else None,
        audio_sha256=spoken.sha256 if spoken else None,
        audio_duration_s=spoken.duration_s if spoken else None,
        engine=tools.voice.engine_name,
        parts=parts,
        speaker_id=spoken.speaker_id if spoken else "",
        started_at=spoken.started_at if spoken else None,
        ended_at=spoken.ended_at if spoken else None,
        volume=spoken.volume if spoken else 1.0,
        despite=spoken.despite if spoken else (),
        **outcome,
    )
    time_ = event.time  # of a recording: its own time, so that every run gives the same event
    if data.camera_id in rules.live_cameras:
        time_ = spoken.at if spoken else tools.now()
    source = f"{event.source}/announcer"
    return Event(announcement_of(event.id), source, data.offence_id, time_, made)
