"""Tones of a page, the count in its title, and notifications: so that no alarm waits unnoticed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import param
from panel.custom import JSComponent

from casework.alarms.tones import Tone, next_tone
from dashboards.data.poller import ConsoleData
from dashboards.display_names import DisplayNames
from dashboards.texts import section
from dashboards.theme import BELL_CSS

_HERE = Path(__file__).parent
KEPT_TONES = 500  # an alarm sounds once for each time that nobody answered it


class BellButton(JSComponent):
    """The bell's values that its script shares; see bell.js."""

    texts = param.Dict(default={})  # of the page, by name
    unanswered = param.Integer(default=0)  # alarms that nobody has answered
    tone = param.Dict(default={})  # what sounds now, or sounded last: alarm, severity, level, place

    _esm = _HERE / "bell.js"
    _stylesheets: ClassVar[list[str]] = [BELL_CSS]


class Bell:
    """Decides what sounds on one page; each page has ears of its own."""

    def __init__(self, names: DisplayNames, now_s: Callable[[], float] = time.monotonic) -> None:
        self._names, self._now_s = names, now_s
        self._sounded: list[Tone] = []
        self.view = BellButton(texts=section("bell", names.lang), margin=0)

    def look(self, snapshot: ConsoleData) -> None:
        """Count what nobody has answered, and sound for the most urgent that has not sounded yet."""
        unanswered = [alarm for alarm in snapshot.alarms.values() if alarm.is_unanswered]
        if self.view.unanswered != len(unanswered):
            self.view.unanswered = len(unanswered)
        sounding = (alarm.sounding for alarm in unanswered)
        tone = next_tone(sounding, self._sounded, self._now_s())
        if tone is None:
            return
        self._sounded = [*self._sounded, tone][-KEPT_TONES:]
        alarm = snapshot.alarms[tone.alarm_id]
        self.view.tone = {
            "alarm_id": alarm.alarm_id,
            "severity": alarm.severity,
            "level": alarm.level,
            "place": self._names.camera(alarm.camera_id) if alarm.camera_id else alarm.names[0],
        }
