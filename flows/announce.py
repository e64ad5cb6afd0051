"""The announce flow: warnings of the event log -> spoken once -> announcements in the event log."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow

from domain.data_dir import DataDir
from domain.events import OffenceWarned
from domain.site import Site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from flows.speech.cache import SpeechCache
from flows.speech.compose import CallVoice, can_be_said
from flows.speech.engine import SpeechEngine
from flows.speech.espeak import EspeakEngine
from flows.speech.recorded import RecordedEngine
from flows.speech.site_speakers import FILES, SiteSpeakers
from flows.speech.speaker import Speaker
from flows.steps.announce_rung import AnnounceRules, AnnounceTools
from flows.steps.call_words import words_known_beforehand
from flows.steps.line_state import LineState
from flows.steps.speaker_line import WITHDRAWS, SpeakerLine
from flows.steps.speaking import SpeakingLogic

log = structlog.get_logger()

FLOW_ID = "announce"
# warnings, and what takes the use out of a call that still waits
WANTED_TYPES = (OffenceWarned.event_type, *(kind.event_type for kind in WITHDRAWS))


@dataclass(frozen=True, slots=True)
class AnnounceSettings:
    """Where the announce flow reads and writes, and what it may still say."""

    data: DataDir
    rules: AnnounceRules = field(default_factory=AnnounceRules)
    severities: Mapping[str, str] = field(default_factory=dict)  # of rules, by id
    pause_s: float = 0.4  # between the languages
    base: Path = Path()  # folder of the site file, where recordings are named from

    @classmethod
    def of_site(
        cls, site: Site, data: DataDir, files_are_live: bool = False, base: Path = Path()
    ) -> Self:
        """Settings for a site.

        Args:
            files_are_live: file cameras stand in for live ones (looped, in wall-clock time), so
                their warnings can come too late as well.
        """
        live = (camera.id for camera in site.cameras if camera.is_live or files_are_live)
        severities = {rule.id: rule.severity for rule in site.rules}
        rules = AnnounceRules(
            live_cameras=frozenset(live),
            too_late_after_s=site.calls.useful_for_s,
            say_once_within_s=site.calls.say_once_within_s,
        )
        return cls(data, rules, severities, base=base)


def build_voice(settings: AnnounceSettings, engine: SpeechEngine | None = None) -> CallVoice:
    """The voice with its cache; the caller closes it.

    Raises:
        Stop: the engine (None: espeak-ng) is not installed.
    """
    folder = settings.data.speech_cache
    spoken = SpeechCache(folder, engine or EspeakEngine())
    recorded = SpeechCache(folder, RecordedEngine(settings.base))
    return CallVoice(spoken, recorded, settings.pause_s)


def warm(site: Site, voice: CallVoice) -> int:
    """Make beforehand the sounds of all calls that are known, so that none is waited for.

    Returns:
        How many announcements are ready. One that cannot be made is logged, and tried again when
        it is due.
    Raises:
        Stop: the engine cannot work here at all.
    """
    ready = 0
    for words in sorted(words_known_beforehand(site), key=lambda each: each.text.en):
        error = can_be_said(voice, words)
        if error is None:
            ready += 1
        else:
            log.warning("call has no sound yet", words=words.text.en, reason=str(error))
    return ready


def build_announce_flow(
    settings: AnnounceSettings,
    voice: CallVoice,
    stop: threading.Event,
    drain: threading.Event | None = None,
    speaker: Speaker | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Dataflow:
    """warnings -> announcements -> event log

    The step names are part of every saved state: renaming one forgets how far it had come.

    Args:
        stop: set to end at once; `drain`: set to end once every warning of the log is dealt with.
        speaker: None: files in the data folder.
        beat: called often while the flow is alive.
    """
    speaker = speaker or SiteSpeakers(settings.data, {})
    tools = AnnounceTools(
        voice=voice,
        speaker=speaker,
        find=EventLog.open(settings.data.events_db).find,
    )
    source = EventLogSource(settings.data.events_db, WANTED_TYPES, stop, drain, beat=beat)

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
    flow = Dataflow(FLOW_ID)
    told = op.input("told", flow, source)
    by_line = op.key_on("by_line", told, line_of)
    named = op.map("named", by_line, lambda keyed: (keyed[0], keyed))
    announced = op.stateful_batch(
        "speak", named, lambda resume: SpeakingLogic(make_line, stop, beat, lines, resume)
    )
    by_offence = op.map("by_offence", announced, lambda keyed: (keyed[1].subject, keyed[1]))
    op.output("event_log", by_offence, EventLogSink(settings.data.events_db))
    return flow


def _line_of(speaker: Speaker, logged: LoggedEvent) -> str:
    """Calls of one loudspeaker wait for one another; those written to files for nobody."""
    camera_id = getattr(logged.event.data, "camera_id", "")
    return speaker.line_of(camera_id) if isinstance(speaker, SiteSpeakers) else FILES
