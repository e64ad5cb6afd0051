"""Decide which news of a camera are worth an event: one that comes and goes is damped.

All news go on into the flow, which needs to know what is true now; only events, and lines in the log,
are held back. Two outages are told at once; from then on one event a minute says how often it failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.cameras.status import WATCHED, CameraNotice
from domain.processes.backoff import Backoff
from flows.sources.sample_queue import ReaderItem, Sample

log = structlog.get_logger()

AT_ONCE = 4  # changes: two outages, each with its end
MINUTE_S = 60.0
LONGEST_REMINDER_S = 3600.0  # a camera that stays away is told of after 1, 2, 4 .. minutes


@dataclass
class Outages:
    """Judge the news of one camera in order; `look` often, because what is held back comes due."""

    now_s: Callable[[], float] = time.monotonic
    _last_frame_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    _blind_since: datetime | None = None  # of the first outage whose end was not told
    _failures: int = 0  # since the last event
    _was_watched: bool = True
    _told: CameraNotice | None = None
    _told_s: float = 0.0
    _held: CameraNotice | None = None  # what is true now and was not told
    _budget: float = AT_ONCE  # changes that may be told at once; grows by one a minute
    _budget_s: float = 0.0
    _reminders: Backoff = field(default_factory=lambda: Backoff(MINUTE_S, LONGEST_REMINDER_S))

    def judge(self, item: ReaderItem) -> ReaderItem:
        """Return what came; a notice says whether it is news, and since when the camera is blind."""
        if isinstance(item, Sample):
            self._last_frame_at = item.frame.stamp.wall_at  # as notices are
            return item
        is_watched = item.status in WATCHED
        if not is_watched:
            self._blind_since = self._blind_since or min(self._last_frame_at, item.at)
            self._failures += self._was_watched
        self._was_watched, self._held = is_watched, item
        return self.look() or replace(item, is_news=False)

    def look(self) -> CameraNotice | None:
        """Return the news that is due now, if any."""
        held = self._held
        if held is None or not self._is_due(held):
            return None
        news = replace(
            held,
            said=self._words(held),
            is_news=True,
            blind_since=self._blind_since,
            failures=self._failures,
        )
        if news.said is not None:
            log.warning(
                "camera_trouble", camera_id=news.camera_id, status=news.status, reason=news.reason
            )
        if held.status in WATCHED:
            self._blind_since = None
            self._reminders.reset()
        self._told, self._told_s, self._held, self._failures = held, self.now_s(), None, 0
        return news

    def _is_due(self, held: CameraNotice) -> bool:
        told = self._told
        if told is None or self._failures or _is_watched(held) != _is_watched(told):
            return self._take_from_budget()
        if not _is_watched(held):  # the same outage still
            return self._is_reminder_due(held, told)
        if held.status == told.status:  # it came, and nothing had happened
            self._held = None
            return False
        return self._take_from_budget()

    def _is_reminder_due(self, held: CameraNotice, told: CameraNotice) -> bool:
        is_other = (held.status, held.reason) != (told.status, told.reason)
        pause_s = MINUTE_S if is_other else self._reminders.pause_s
        if self.now_s() - self._told_s < pause_s:
            return False
        self._reminders.next_s()
        return True

    def _take_from_budget(self) -> bool:
        grown = (self.now_s() - self._budget_s) / MINUTE_S
        self._budget, self._budget_s = min(AT_ONCE, self._budget + grown), self.now_s()
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    def _words(self, held: CameraNotice) -> BothLanguages | None:
        """Return what was said, and how often it failed, if that was more than this once."""
        if self._failures <= (not _is_watched(held)):
            return held.said
        facts = {"camera": held.camera_id, "failures": self._failures}
        flaps = trouble("flapping", span_s=self.now_s() - self._told_s, **facts)
        if held.said is None:
            return flaps
        return BothLanguages(zh=f"{flaps.zh}。{held.said.zh}", en=f"{flaps.en}. {held.said.en}")


def _is_watched(notice: CameraNotice) -> bool:
    return notice.status in WATCHED
