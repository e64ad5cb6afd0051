"""Wire the announce flow: warnings of the event log -> spoken once -> announcements in the event log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow

from domain.data_dir import DataDir
from domain.events.catalog import OffenceWarned
from domain.events.wall_time import Convert, same_time
from domain.saved_state import Formats
from domain.site.site import Site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.put_aside import Asides
from flows.signals import StopFlag
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import PLACE_FORMAT, EventLogSource
from flows.speech.announce import AnnounceRules, AnnounceTools
from flows.speech.call_queue import WITHDRAWS, SpeakerLine
from flows.speech.logic import SpeakingLogic
from flows.speech.queue_state import LINE_FORMAT, LineState
from flows.speech.site_speakers import FILES, SiteSpeakers
from flows.speech.speaker import Speaker
from flows.speech.voice.cache import SpeechCache
from flows.speech.voice.compose import CallVoice, can_be_said
from flows.speech.voice.engine import SpeechEngine
from flows.speech.voice.espeak import EspeakEngine
from flows.speech.voice.recorded import RecordedEngine
from flows.speech.voice.wording import words_known_beforehand

log = structlog.get_logger()

FLOW_ID = "announce"
SAVED_STEPS: Formats = {"told": PLACE_FORMAT, "speak": LINE_FORMAT}
# warnings, and what takes the use out of a call that still waits
WANTED_TYPES = (OffenceWarned.event_type, *(kind.event_type for kind in WITHDRAWS))


@dataclass(frozen=True, slots=True)
class AnnounceSettings:
    """Say where the announce flow reads and writes, and what it may still say."""

    data: DataDir
    rules: AnnounceRules = field(default_factory=AnnounceRules)
    severities: Mapping[str, str] = field(default_factory=dict)  # of rules, by id
    pause_s: float = 0.4  # between the languages
    base: Path = Path()  # folder of the site file, where recordings are named from
    copies: Mapping[str, Path] = field(default_factory=dict)  # to be played in their place, by name

    @classmethod
    def of_site(
        cls,
        site: Site,
        data: DataDir,
        files_are_live: bool = False,
        base: Path = Path(),
        copies: Mapping[str, Path] | None = None,
    ) -> Self:
        """Return the settings of a site.

        `files_are_live`: file cameras stand in for live ones (looped, in wall-clock time), so their
        warnings can come too late as well.
        """
        live = (camera.id for camera in site.cameras if camera.is_live or files_are_live)
        severities = {rule.id: rule.severity for rule in site.rules}
        rules = AnnounceRules(
            live_cameras=frozenset(live),
            too_late_after_s=site.calls.useful_for_s,
            say_once_within_s=site.calls.say_once_within_s,
        )
        return cls(data, rules, severities, base=base, copies=copies or {})


def build_voice(settings: AnnounceSettings, engine: SpeechEngine | None = None) -> CallVoice:
    """Build the voice, which the caller closes; raises Stop if the engine (None: espeak-ng) is not installed."""
    folder = settings.data.speech_cache
    spoken = SpeechCache(folder, engine or EspeakEngine())
    recorded = SpeechCache(folder, RecordedEngine(settings.base, settings.copies))
    return CallVoice(spoken, recorded, settings.pause_s)


def warm(site: Site, voice: CallVoice, given_up: Callable[[], bool] = lambda: False) -> int:
    """Make the sounds of all known calls, so that none is waited for; return how many are ready.

    One that cannot be made is logged, and tried again when it is due; `given_up` says that nobody waits
    for the rest.

    Raises:
        Stop: the engine cannot work here at all.
    """
    ready = 0
    for words in sorted(words_known_beforehand(site), key=lambda each: each.text.en):
        if given_up():
            break
        error = can_be_said(voice, words)
        if error is None:
            ready += 1
        else:
            log.warning("call has no sound yet", words=words.text.en, reason=str(error))
    return ready


def build_announce_flow(
    settings: AnnounceSettings,
    voice: CallVoice,
    stop: StopFlag,
    drain: StopFlag | None = None,
    speaker: Speaker | None = None,
    beat: Callable[[], None] = lambda: None,
    asides: Asides | None = None,
    wait_for_room: Callable[[], bool] | None = None,
    of_wall: Convert = same_time,
) -> Dataflow:
    """Wire warnings -> announcements -> event log.

    The step names are part of every saved state: renaming one forgets how far it had come. `stop`
    ends at once, `drain` once every warning of the log is dealt with; without a `speaker` the sounds
    are files in the data folder; `beat` is called often while the flow is alive; `asides` is told what
    was put aside; `wait_for_room` is asked before state is saved, and while the log's disk is full;
    `of_wall` is the steady time at which the wall's clock said something.
    """
    speaker = speaker or SiteSpeakers(settings.data, {})
    find = EventLog.open(settings.data.events_db).find
    tools = AnnounceTools(voice=voice, speaker=speaker, find=find, of_wall=of_wall)
    source = EventLogSource(settings.data.events_db, WANTED_TYPES, stop, drain, beat=beat)
    if wait_for_room is not None:
        source = replace(source, before_saving=wait_for_room)

    def line_of(logged: LoggedEvent) -> str:
        return _line_of(speaker, logged)

    def make_line(name: str, state: LineState | None) -> SpeakerLine:
        return SpeakerLine(
            tools,
            settings.rules,
            is_heard=name != FILES,
            severity_of=lambda rule_id: settings.severities.get(rule_id, "ordinary"),
            name=name,
            state=state,
        )

    lines: list[SpeakerLine] = []
    aside = (asides or Asides()).step("speak")
    flow = Dataflow(FLOW_ID)
    logged = op.input("told", flow, source)
    by_line = op.key_on("by_line", logged, line_of)
    named = op.map("named", by_line, lambda keyed: (keyed[0], keyed))
    announced = op.stateful_batch(
        "speak", named, lambda resume: SpeakingLogic(make_line, stop, beat, lines, resume, aside)
    )
    by_offence = op.map("by_offence", announced, lambda keyed: (keyed[1].subject, keyed[1]))
    op.output(
        "event_log", by_offence, EventLogSink(settings.data.events_db, wait_for_room=wait_for_room)
    )
    return flow


def _line_of(speaker: Speaker, logged: LoggedEvent) -> str:
    """Name the line that a call waits in: its loudspeaker's; those written to files wait for nobody."""
    camera_id = getattr(logged.event.data, "camera_id", "")
    return speaker.line_of(camera_id) if isinstance(speaker, SiteSpeakers) else FILES
