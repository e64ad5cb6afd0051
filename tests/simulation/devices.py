"""Stand in for a loudspeaker, a mail service, a voice and the footage; each notes what really happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from domain.events.catalog import Sighting
from domain.evidence import EvidenceRecord
from evidence_store.recordings.footage import Footage, Gap
from flows.notices.message import Message
from flows.notices.notes import MessageNote, MessageNotes
from flows.notices.sender import SendResult
from flows.speech.careful_speaker import CarefulSpeaker
from flows.speech.devices.player import Played
from flows.speech.speaker import NOBODY, Addressed, NoSpeaker, Spoken
from flows.speech.voice.compose import CallSound, CallWords
from flows.speech.voice.engine import SAMPLE_BYTES, SAMPLE_RATE_HZ, as_wav
from tests.simulation.clock import OwnClock
from tests.simulation.disk import Disk

# what a loudspeaker and a service may answer; the first is how it is when all is well
HORN_MOODS = ("played", "no speaker", "refused", "timed out", "busy", "raises", "slow", "early")
MAIL_MOODS = ("sent", "not reached", "failed", "unknown", "raises")
SOUND_S, SLOW_S, EARLY_S = 1.0, 7.0, 0.1


@dataclass(frozen=True, slots=True)
class Sound:
    """A call that was heard in the street."""

    warned_id: str
    from_s: float
    until_s: float


@dataclass
class Horn:
    """A loudspeaker; plays what it is given, or behaves as its mood is."""

    clock: OwnClock
    disk: Disk
    mood: str = "played"
    key: str = ""  # id of the warning that it is asked to say
    busy_until_s: float = 0.0
    heard: list[Sound] = field(default_factory=list)
    is_heard: Callable[[Sound], None] = lambda sound: None

    def play(self, sound: bytes, duration_s: float, before: Callable[[], None]) -> Played:
        if self.mood == "no speaker":
            raise NoSpeaker("horn: not reached")
        before()
        # many answer when they have the sound, and play it then
        takes_s = {"slow": SLOW_S, "early": EARLY_S}.get(self.mood, SOUND_S)
        self.busy_until_s = self.clock.now_s + takes_s
        self.disk.point("before a sound")
        if self.mood in ("refused", "busy"):
            return Played(self.mood, f"it is {self.mood}")  # type: ignore[arg-type]
        self.heard.append(Sound(self.key, self.clock.now_s, self.clock.now_s + duration_s))
        self.is_heard(self.heard[-1])
        self.disk.point("after a sound")
        if self.mood == "raises":
            raise RuntimeError("the driver broke")
        if self.mood == "timed out":
            return Played("timed out", "no answer")
        return Played("played")

    @property
    def takes_s(self) -> float:
        """Return how long a call holds its thread; nothing, where it was known what came of it."""
        return max(self.busy_until_s - self.clock.now_s, 0.0)


class NotedSpeaker(CarefulSpeaker):
    """The real speaker around the horn, which learns whose call it plays."""

    horn: Horn

    def speak(self, camera_id: str, key: str, sound: bytes, to: Addressed = NOBODY) -> Spoken:
        self.horn.key = key
        return super().speak(camera_id, key, sound, to)


class Voice:
    """Says each text in a sound of its own."""

    engine_name = "a simulated voice"

    def sound(self, words: CallWords) -> CallSound:
        return CallSound(_tone(words.text.en), ())


@cache
def _tone(text: str) -> bytes:
    frames = bytes(round(SAMPLE_RATE_HZ * SOUND_S) * SAMPLE_BYTES)
    return as_wav(text.encode().ljust(64)[:64] + frames)


@dataclass
class Mail:
    """A message service of one recipient."""

    clock: OwnClock
    disk: Disk
    recipient_id: str
    mood: str = "sent"
    key: str = ""  # id of the request that it is asked to send
    arrived: list[str] = field(default_factory=list)  # ids of requests

    service = "simulated"
    takes_pictures = False

    def send(self, message: Message, picture: Path | None) -> SendResult:
        if self.mood == "not reached":
            return SendResult("not reached", "nobody answers")
        if self.mood == "failed":
            return SendResult("failed", "no such mailbox")
        self.disk.point("before a message")
        self.arrived.append(self.key)
        self.disk.point("after a message")
        if self.mood == "raises":
            raise RuntimeError("the service's code broke")
        return SendResult("unknown", "it hung up") if self.mood == "unknown" else SendResult("sent")


class NotedNotes(MessageNotes):
    """The real notes, by which each service learns which request it is asked to send."""

    mails: dict[str, Mail]

    def write(self, owner_id: str, key: str, note: MessageNote) -> None:
        super().write(owner_id, key, note)
        if owner_id in self.mails:
            self.mails[owner_id].key = key


class NoFootage:
    """Footage that was never recorded: records are sealed all the same, and say so."""

    def find(self, camera_id: str, from_at: datetime, to_at: datetime, anchor: Sighting) -> Footage:
        return Footage(camera_id, from_at, to_at, (), (Gap(from_at, to_at, "nothing recorded"),))


@dataclass
class Rows:
    """The evidence table, as far as sealing uses it."""

    by_id: dict[str, EvidenceRecord] = field(default_factory=dict)

    def put(self, records: list[EvidenceRecord]) -> None:
        self.by_id |= {each.evidence_id: each for each in records}


class NoModels:
    """Models that are asked about no picture."""

    def embed(self, crops_rgb: Any) -> np.ndarray:
        raise AssertionError("there is no picture")


class LaneFuture(Future[Any]):
    """What a lane will return; whoever waits for it has it done at once."""

    finish: Callable[[], None] = lambda: None

    def result(self, timeout: float | None = None) -> Any:
        self.finish()
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self.finish()
        return super().exception(0)


@dataclass
class Lane:
    """In place of a thread: does one job after the other, in the simulation's time."""

    clock: OwnClock
    takes_s: Callable[[], float]
    waiting: deque[tuple[LaneFuture, Callable[[], Any]]] = field(default_factory=deque)
    running: tuple[LaneFuture, Any, BaseException | None, float] | None = None

    def submit(self, function: Callable[..., Any], *args: Any) -> LaneFuture:
        future = LaneFuture()
        future.finish = self.finish
        self.waiting.append((future, lambda: function(*args)))
        return future

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be done."""
        return self.running is None and not self.waiting

    @property
    def is_ready(self) -> bool:
        """Whether a job's time is over."""
        return self.running is not None and self.running[3] <= self.clock.now_s

    def work(self) -> None:
        """Begin the next job, or end one whose time is over."""
        if self.running is not None:
            future, made, error, until_s = self.running
            if self.clock.now_s < until_s:
                return
            self.running = None
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(made)
        while self.running is None and self.waiting:
            future, job = self.waiting.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                made, error = job(), None
            except Exception as raised:
                made, error = None, raised
            self.running = (future, made, error, self.clock.now_s + self.takes_s())

    def finish(self) -> None:
        """Do all that is to be done, whatever time it takes."""
        while not self.is_idle:
            self.work()
            if self.running is not None:
                future, made, error, _ = self.running
                self.running = (future, made, error, self.clock.now_s)
                self.work()
