"""Run the programs that read the log: calls, messages, evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from domain.errors import TryAgain
from domain.events.catalog import (
    Event,
    EvidenceSealed,
    OutcomeData,
    expect_event,
)
from domain.ids import mint
from evidence_store.custody.chain import CustodyChain
from evidence_store.keys.signing_keys import new_signer
from evidence_store.vault.vault import Vault
from flows.announce import WANTED_TYPES as ANNOUNCED
from flows.announce import AnnounceSettings
from flows.notices.deliver import WANTED_TYPES as TOLD_OF
from flows.notices.deliver import recipients_of
from flows.notices.tools import NoticeTools
from flows.notify import Delivery, DeliveryLogic, Lanes
from flows.preservation.draft_record import PreserveModels, PreserveParts
from flows.preservation.seal import preserve
from flows.preserve import WANTED_TYPES as PRESERVED
from flows.preserve import PreserveLogic
from flows.speech.announce import AnnounceTools
from flows.speech.call_queue import SpeakerLine
from flows.speech.logic import SpeakingLogic
from flows.speech.queue_state import LineState
from flows.speech.site_speakers import FILES, SiteSpeakers
from flows.waking import Waking
from tests.simulation.devices import (
    NoFootage,
    NoModels,
    NotedNotes,
    NotedSpeaker,
    Voice,
)

if TYPE_CHECKING:
    pass

from tests.simulation.rounds import KeyedProgram, Program
from tests.simulation.watching import Watch

SIGNER = new_signer()


class Announce(KeyedProgram):
    """Speaks warnings."""

    name = "announce"
    types = ANNOUNCED

    def begin(self) -> None:
        world = self.world
        settings = AnnounceSettings.of_site(self.site, self.data, files_are_live=True)
        self.rules, self.severities = settings.rules, settings.severities
        horn = NotedSpeaker(self.site.speakers[0], world.horn, self.data, world.clock.wall)
        horn.horn = world.horn
        by_camera = {camera.id: horn for camera in self.site.cameras}
        self.speakers = SiteSpeakers(self.data, by_camera)
        self.tools = AnnounceTools(
            Voice(),  # type: ignore[arg-type]
            self.speakers,
            world.log.find,
            world.clock.wall,
            self.steady.of_wall,
        )
        self.lines: list[SpeakerLine] = []
        self.began_s = world.clock.now_s
        super().begin()
        self.read_before = self.place  # how far the log was read when this round began

    def go_round(self) -> None:
        self.read_before = self.place
        super().go_round()

    def make(self, saved: Any) -> SpeakingLogic:
        aside = self.asides.step("speak")
        return SpeakingLogic(self._line, self.stop, lambda: None, self.lines, saved, aside)

    def _line(self, name: str, state: LineState | None) -> SpeakerLine:
        lane = self.lane(lambda: self.world.horn.takes_s)
        with patch("flows.speech.call_queue.ThreadPoolExecutor", lambda *_, **__: lane):
            return SpeakerLine(
                self.tools,
                self.rules,
                is_heard=name != FILES,
                severity_of=lambda rule_id: self.severities.get(rule_id, "ordinary"),
                name=name,
                state=state,
            )

    def keyed(self, item: Any) -> list[tuple[str, Any]]:
        line = self.speakers.line_of(getattr(item.event.data, "camera_id", ""))
        return [(line, (line, item))]


class Notify(KeyedProgram):
    """Tells people."""

    name = "notify"
    types = TOLD_OF
    every_ticks = 2
    batch_size = 20

    def begin(self) -> None:
        world = self.world
        notes = NotedNotes(self.data)
        notes.mails = world.mails
        live = frozenset(camera.id for camera in self.site.cameras)
        self.tools = NoticeTools(
            self.site,
            world.mails,
            notes,
            None,  # type: ignore[arg-type]
            world.log.find,
            live,
            now=world.clock.wall,
            of_wall=self.steady.of_wall,
        )
        self.threads = Lanes()
        super().begin()

    def make(self, saved: Any) -> DeliveryLogic:
        aside = self.asides.step("deliver")
        return DeliveryLogic(
            self.tools, self.threads, self.stop, lambda: None, saved, self.timers, aside
        )

    def go_round(self) -> None:
        made = lambda *_, **__: self.lane(lambda: 0.4)  # noqa: E731
        with patch("flows.notify.ThreadPoolExecutor", made):
            super().go_round()

    def keyed(self, item: Any) -> list[tuple[str, Any]]:
        if isinstance(item, Waking):
            return [(item.key, item)]
        messages = [Delivery(each, item) for each in recipients_of(item, self.site)]
        return [(each.key, each) for each in messages]


class Preserve(KeyedProgram):
    """Seals what was seen."""

    name = "preserve"
    types = PRESERVED
    every_ticks = 4
    batch_size = 20  # one at a time in earnest, where each takes seconds

    def begin(self) -> None:
        world = self.world
        vault = Vault(self.data.evidence)
        if self.data.evidence.is_dir():
            vault.clear_drafts()
        none: Any = NoModels()
        self.parts = PreserveParts(
            self.site,
            NoFootage(),
            PreserveModels(none, none, none, lambda _: None, "simulated"),  # type: ignore[arg-type]
            vault,
            world.rows,  # type: ignore[arg-type]
            CustodyChain(self.data.custody, SIGNER),
            "simulated",
            find=world.log.find,
            log_head=lambda: head.to_json() if (head := world.log.head()) else None,
            sounds=self.data.root,
        )
        super().begin()

    def make(self, saved: Any) -> PreserveLogic:
        aside = self.asides.step("preserve")
        return PreserveLogic(self.parts, self.stop, lambda: None, saved, self.timers, aside)

    def go_round(self) -> None:
        with patch("flows.preserve.preserve", self._seal):
            super().go_round()

    def _seal(self, event: Event, history: Any, parts: Any) -> Event[EvidenceSealed]:
        if self.world.ticks < self.world.models_back_at:
            raise TryAgain("nobody answers")
        return (preserve if self.world.seals else self._note)(event, history, parts)

    def _note(self, event: Event, history: Any, parts: Any) -> Event[EvidenceSealed]:
        """Stand in for the sealing where only its bookkeeping is looked at: most of a life's time."""
        self.world.disk.point("before a sealing")
        self.world.disk.check_room()
        ended = expect_event(event, OutcomeData).data
        evidence_id = mint("evd", ended.offence_id)
        self.world.sealed[evidence_id] = ended.state
        self.world.disk.point("after a sealing")
        data = EvidenceSealed(
            evidence_id=evidence_id,
            offence_id=ended.offence_id,
            site_id=ended.site_id,
            camera_id=ended.camera_id,
            rule_id=ended.rule_id,
            outcome=ended.state,
            complete=False,
            missing=(),
            files=(),
        )
        event_id = mint("evt", evidence_id, data.event_type)
        return Event(event_id, "forewarn/square/preserve", evidence_id, event.time, data)

    def keyed(self, item: Any) -> list[tuple[str, Any]]:
        if isinstance(item, Waking):
            return [(item.key, item)]
        return [(str(getattr(item.event.data, "offence_id", item.event.subject)), item)]


PROGRAMS: dict[str, type[Program]] = {
    each.name: each for each in (Watch, Announce, Notify, Preserve)
}
