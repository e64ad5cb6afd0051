"""Put aside what a step raises on: it is named, counted and told of, and the flow goes on.

Every step of a flow asks here. Whatever an item holds, it may cost itself and nothing else; what no next
item could be helped by (a server that is away, a wrong set-up, a full disk) still ends the program, which
is started again.
"""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.cameras.status import CameraNotice
from domain.errors import Stop, TryAgain
from domain.events.catalog import Event, ItemPutAside
from domain.frames import FrameStamp
from domain.ids import mint
from domain.saved_state import StateUnusable

log = structlog.get_logger()

TELL_EVERY = timedelta(minutes=1)  # of the items' own clock, so that a replay tells the same
TROUBLE_AFTER = 20  # in a row: four seconds of most cameras
MOST_WORDS = 200
_NO_PLACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE}

GivenT = TypeVar("GivenT")
MadeT = TypeVar("MadeT")


def ends_program(error: Exception) -> bool:
    """Tell whether the next item would fare no better: then the program ends, and is started again."""
    if isinstance(error, OSError):
        return error.errno in _NO_PLACE
    return isinstance(error, (TryAgain, Stop, StateUnusable))


@dataclass(frozen=True, slots=True)
class ItemName:
    """Name what a step was given, for people."""

    camera_id: str  # "": it is of no camera
    subject: str  # the camera's, offence's or record's id
    site_id: str  # "": it does not say
    words: str  # "frame at 12.400 s", or the event's id
    words_zh: str
    at: datetime  # by the wall's clock
    media_time_s: float | None = None


def name_of(item: object) -> ItemName:
    """Name an item of any of the flows by what it carries: a frame's stamp, or an event."""
    item = _last(item)
    stamp = getattr(item, "frame", None) or getattr(item, "stamp", None)
    if isinstance(stamp, FrameStamp):
        words, words_zh = (
            f"the frame at {stamp.media_time_s:.3f} s",
            f"{stamp.media_time_s:.3f} 秒的画面",
        )
        camera_id, media_time_s = stamp.camera_id, stamp.media_time_s
        return ItemName(camera_id, camera_id, "", words, words_zh, stamp.wall_at, media_time_s)
    if isinstance(item, CameraNotice):
        return ItemName(
            item.camera_id, item.camera_id, "", "news of the camera", "相机状态通知", item.at
        )
    item = getattr(item, "logged", item)
    event = getattr(item, "event", item)
    if isinstance(event, Event):
        kind = event.type.removeprefix("forewarn.").removesuffix(".v1")
        words = f"{kind} {event.id}"
        camera_id, site_id = (getattr(event.data, each, "") for each in ("camera_id", "site_id"))
        return ItemName(camera_id, event.subject, site_id, words, words, event.time)
    kind = type(item).__name__
    return ItemName("", kind, "", kind, kind, datetime.now(UTC))


def _last(item: object) -> object:
    """Return what stands behind a key."""
    return item[-1] if isinstance(item, tuple) and item else item


@dataclass(slots=True)
class _Told:
    at: datetime
    since: int = 0  # put aside and not told of yet


@dataclass(eq=False)
class Asides:
    """Remember what the steps of one program put aside."""

    site_id: str = ""  # "": items say it
    program: str = ""
    write: Callable[[Event], Any] = lambda event: None  # into the event log
    _in_a_row: dict[tuple[str, str], int] = field(default_factory=dict)  # by step and key
    _told: dict[tuple[str, str], _Told] = field(default_factory=dict)  # by step and camera
    _blinded: dict[str, dict[str, BothLanguages]] = field(default_factory=dict)  # camera, step
    _reported: dict[str, bool] = field(default_factory=dict)  # whether a camera was last said blind
    # the detector's thread puts aside as well
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, name: str, *, blinds: bool = False) -> StepAside:
        """Return what one step asks; `blinds`: no rule sees what it puts aside."""
        return StepAside(self, name, blinds)

    def look(self, camera_id: str) -> tuple[bool, BothLanguages | None] | None:
        """Return news, once each: no frame of the camera gets through (True, why), or one does again."""
        if not self._blinded and not self._reported:
            return None
        with self._lock:
            reasons = self._blinded.get(camera_id)
            if bool(reasons) == self._reported.get(camera_id, False):
                return None
            self._reported[camera_id] = bool(reasons)
            return bool(reasons), next(iter(reasons.values())) if reasons else None

    def _note(self, step: StepAside, key: str, item: object, error: Exception) -> None:
        name = name_of(item)
        with self._lock:
            row = self._in_a_row[step.name, key] = self._in_a_row.get((step.name, key), 0) + 1
            told = self._told.setdefault((step.name, name.camera_id), _Told(name.at - TELL_EVERY))
            told.since += 1
            is_told = abs(name.at - told.at) >= TELL_EVERY or row == TROUBLE_AFTER
            count = told.since
            if is_told:
                told.at, told.since = name.at, 0
        facts = {
            "camera": name.camera_id or name.subject,
            "step": step.name,
            "item": name.words,
            "item_zh": name.words_zh,
            "count": row,
            "words": f"{type(error).__name__}: {error}"[:MOST_WORDS],
        }
        said = trouble("step_fails" if row >= TROUBLE_AFTER else "put_aside", **facts)
        write = log.exception if is_told else log.warning
        write("item_put_aside", key=key, in_a_row=row, reason=said.en)
        if is_told:
            self._tell(step, name, said, count, row)
        if row >= TROUBLE_AFTER and step.blinds:
            with self._lock:
                self._blinded.setdefault(name.camera_id, {}).setdefault(step.name, said)

    def _tell(
        self, step: StepAside, name: ItemName, said: BothLanguages, count: int, row: int
    ) -> None:
        site_id = self.site_id or name.site_id or "unknown"
        event = Event(
            id=mint("evt", site_id, self.program, step.name, name.subject, name.at, row),
            source=f"forewarn/{site_id}/{name.camera_id or self.program}",
            subject=name.subject,
            time=name.at,
            data=ItemPutAside(
                site_id=site_id,
                program=self.program,
                step=step.name,
                camera_id=name.camera_id,
                item=name.words,
                media_time_s=name.media_time_s,
                count=count,
                in_a_row=row,
                reason=said.en,
                reason_zh=said.zh,
            ),
        )
        try:
            self.write(event)
        except Exception:  # the log line is there; telling must not end what it tells of
            log.exception("put_aside_not_told", event_id=event.id)

    def _went_well(self, step: StepAside, key: str, camera_id: str) -> None:
        with self._lock:
            self._in_a_row.pop((step.name, key), None)
            reasons = self._blinded.get(camera_id, {})
            reasons.pop(step.name, None)
            if not reasons:
                self._blinded.pop(camera_id, None)


@dataclass(frozen=True, slots=True)
class StepAside:
    """What one step of a flow does with items that it raised on."""

    asides: Asides
    name: str
    blinds: bool

    def note(self, item: object, error: Exception, key: str = "") -> None:
        """Take note that an item was put aside.

        Args:
            item: what the step was given.
            error: what it raised; raised again where it is meant to end the program.
            key: whose items are counted in a row; "": the camera's.
        """
        if ends_program(error):
            raise error
        self.asides._note(self, key or name_of(item).camera_id, item, error)

    def went_well(self, item: object, key: str = "") -> None:
        """Take note that the step did its work on an item; news of a camera goes through any step."""
        if self.asides._in_a_row and not isinstance(_last(item), CameraNotice):
            camera_id = name_of(item).camera_id
            self.asides._went_well(self, key or camera_id, camera_id)

    def each(self, function: Callable[[GivenT], MadeT], nothing: Any) -> Callable[[GivenT], MadeT]:
        """Wrap a step that remembers nothing: `nothing` comes of what it raises on."""

        def guarded(item: GivenT) -> MadeT:
            try:
                made = function(item)
            except Exception as error:
                self.note(item, error)
                empty: MadeT = nothing
                return empty
            self.went_well(item)
            return made

        return guarded


def only_logged(name: str) -> StepAside:
    """Return a step of no program, which tells the log file alone."""
    return Asides().step(name)
