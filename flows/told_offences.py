"""What the event log tells of offences, asked once for each rule when a live camera is taken up again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from domain.events import OUTCOME_TYPES, Event, OffenceOpened
from event_log.log import EventLog
from event_log.stories import headings

# openings and ends among which those of the last second before a crash are looked for
LATELY = 1000

Stories = dict[str, tuple[Event, ...]]  # by offence, each from its opening on, in order


@dataclass(slots=True)
class _Span:
    """An offence, as far as its headings tell."""

    ended_at: datetime | None = None
    key: str = ""  # "camera|rule"; "" until somebody asked


class ToldOffences:
    """Stories of the log at the moment of the first question, before anything new is written.

    Args:
        cameras: the live ones. Recordings are read again from where the state was saved: their
            ladders get to the same place by themselves.
    """

    def __init__(self, log: EventLog, cameras: Collection[str]) -> None:
        self._log = log
        self._cameras = frozenset(cameras)
        self._spans: dict[str, _Span] | None = None

    def covers(self, key: str) -> bool:
        """Whether the rule of that "camera|rule" watches a live camera."""
        return key.split("|")[0] in self._cameras

    def stories(self, key: str, known: Collection[str], since: datetime | None) -> Stories:
        """The offences of one rule that matter to a ladder which goes on.

        Args:
            key: "camera|rule".
            known: ids of offences whose stories are wanted in any case; those never told are left out.
            since: event time of the saved state: what ended after it is wanted, too. None: only
                what has not ended.
        Raises:
            TryAgain, Stop: the log cannot be read.
        """
        wanted = list(dict.fromkeys([*self._told(key, since), *known]))
        stories = {offence_id: self._story(offence_id) for offence_id in wanted}
        return {offence_id: story for offence_id, story in stories.items() if story}

    def open_stories(self) -> Stories:
        """All offences of the log that have not ended, of whatever site.

        Raises:
            TryAgain, Stop: the log cannot be read.
        """
        spans = self._read_spans()
        wanted = [offence_id for offence_id, span in spans.items() if span.ended_at is None]
        stories = {offence_id: self._story(offence_id) for offence_id in wanted}
        return {offence_id: story for offence_id, story in stories.items() if story}

    def _told(self, key: str, since: datetime | None) -> list[str]:
        return [
            offence_id
            for offence_id, span in self._read_spans().items()
            if (span.ended_at is None or (since is not None and span.ended_at >= since))
            and self._key_of(offence_id, span) == key
        ]

    def _read_spans(self) -> dict[str, _Span]:
        if self._spans is None:
            self._spans = {}
            found = headings(self._log, (OffenceOpened.event_type, *OUTCOME_TYPES))
            ends = {each.subject: each.time for each in found if each.type in OUTCOME_TYPES}
            lately = {each.subject for each in found[-LATELY:]}
            for subject in dict.fromkeys(each.subject for each in found):
                if subject not in ends or subject in lately:
                    self._spans[subject] = _Span(ends.get(subject))
        return self._spans

    def _key_of(self, offence_id: str, span: _Span) -> str:
        if not span.key:
            story = self._story(offence_id)
            opened = story[0].data if story else None
            span.key = (
                f"{opened.camera_id}|{opened.rule_id}" if isinstance(opened, OffenceOpened) else "|"
            )
        return span.key

    def _story(self, offence_id: str) -> tuple[Event, ...]:
        told = [logged.event for logged in self._log.about(offence_id)]
        starts = [row for row, event in enumerate(told) if isinstance(event.data, OffenceOpened)]
        return tuple(told[starts[0] :]) if starts else ()
