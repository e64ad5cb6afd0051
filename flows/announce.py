"""The announce flow: warnings of the event log -> spoken once -> announcements in the event log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import bytewax.operators as op
import structlog
from bytewax.dataflow import Dataflow

from domain.data_dir import DataDir
from domain.errors import PutAside, TryAgain
from domain.events import Event, OffenceWarned
from domain.site import Site
from event_log.log import EventLog
from event_log.rows import LoggedEvent
from flows.sinks.event_log import EventLogSink
from flows.sources.event_log import EventLogSource
from flows.speech.cache import SpeechCache
from flows.speech.compose import BilingualVoice
from flows.speech.engine import SpeechEngine
from flows.speech.espeak import EspeakEngine
from flows.speech.site_speakers import SiteSpeakers
from flows.speech.speaker import Speaker
from flows.steps.announce_rung import AnnounceRules, AnnounceTools, announce_rung
from flows.steps.call_words import words_known_beforehand
from flows.steps.side_by_side import side_by_side

log = structlog.get_logger()

FLOW_ID = "announce"
AT_ONCE = 8  # a text that was never spoken takes milliseconds, a worker that hangs takes seconds


@dataclass(frozen=True, slots=True)
class AnnounceSettings:
    """Where the announce flow reads and writes, and what it may still say."""

    data: DataDir
    rules: AnnounceRules = field(default_factory=AnnounceRules)
    pause_s: float = 0.4  # between the languages

    @classmethod
    def of_site(cls, site: Site, data: DataDir, files_are_live: bool = False) -> Self:
        """Settings for a site.

        Args:
            files_are_live: file cameras stand in for live ones (looped, in wall-clock time), so
                their warnings can come too late as well.
        """
        live = (camera.id for camera in site.cameras if camera.is_live or files_are_live)
        return cls(data, AnnounceRules(live_cameras=frozenset(live)))


def build_voice(settings: AnnounceSettings, engine: SpeechEngine | None = None) -> BilingualVoice:
    """The voice with its cache; the caller closes it.

    Raises:
        Stop: the engine (None: espeak-ng) is not installed.
    """
    cache = SpeechCache(settings.data.speech_cache, engine or EspeakEngine())
    return BilingualVoice(cache, settings.pause_s)


def warm(site: Site, voice: BilingualVoice) -> int:
    """Make beforehand the sounds of all calls that are known, so that none is waited for.

    Returns:
        How many announcements are ready. One that cannot be made is logged, and tried again when
        it is due.
    Raises:
        Stop: the engine cannot work here at all.
    """
    ready = 0
    for words in sorted(words_known_beforehand(site), key=lambda each: each.en):
        try:
            voice.sound(words)
            ready += 1
        except (TryAgain, PutAside) as error:
            log.warning("call has no sound yet", words=words.en, reason=str(error))
    return ready


def build_announce_flow(
    settings: AnnounceSettings,
    voice: BilingualVoice,
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
    source = EventLogSource(
        settings.data.events_db, [OffenceWarned.event_type], stop, drain, AT_ONCE, beat
    )

    def announce(logged: LoggedEvent) -> Event:
        beat()  # between two texts as well: an engine that hangs takes seconds for each
        return announce_rung(logged, tools, settings.rules)

    flow = Dataflow(FLOW_ID)
    warned = op.input("warned", flow, source)
    announced = op.flat_map_batch(
        "announce", warned, side_by_side(announce, lambda logged: _line_of(speaker, logged))
    )
    by_offence = op.key_on("by_offence", announced, lambda event: event.subject)
    op.output("event_log", by_offence, EventLogSink(settings.data.events_db))
    return flow


def _line_of(speaker: Speaker, logged: LoggedEvent) -> int:
    """Calls of one loudspeaker wait for one another; one that hangs must not silence the others."""
    data = logged.event.data
    if isinstance(speaker, SiteSpeakers) and isinstance(data, OffenceWarned):
        return speaker.line_of(data.camera_id)
    return 0
