"""Read from the event log what a rule's ladder has to know when a live camera is taken up again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from domain.events.catalog import OUTCOME_TYPES, Event, OffenceOpened, expect_event
from domain.events.wall_time import Convert, same_time
from domain.rule_key import RuleKey
from event_log.log import EventLog
from event_log.stories import headings

# openings and ends among which those of the last second before a crash are looked for
LATELY = 1000

Stories = dict[str, tuple[Event, ...]]  # by offence, each from its opening on, in order


@dataclass(slots=True)
class _Span:
    """How long an offence lasted, as far as its headings say."""

    ended_at: datetime | None = None
    key: RuleKey | None = None  # None until somebody asked


class LoggedOffences:
    """Histories of offences as the log has them at the first question, before anything new is written."""

    def __init__(
        self, log: EventLog, cameras: Collection[str], of_wall: Convert = same_time
    ) -> None:
        """Read nothing yet.

        Args:
            log: is read at the first question.
            cameras: the live ones. Recordings are read again from where the state was saved: their
                ladders get to the same place by themselves.
            of_wall: event time at which the wall's clock said something.
        """
        self._log = log
        self._of_wall = of_wall
        self._cameras = frozenset(cameras)
        self._spans: dict[str, _Span] | None = None

    def covers(self, key: RuleKey) -> bool:
        """Tell whether the rule watches a live camera."""
        return key.camera_id in self._cameras

    def stories(self, key: RuleKey, known: Collection[str], since: datetime | None) -> Stories:
        """Return the histories of one rule's offences that matter to a ladder which goes on.

        Args:
            key: the rule and its camera.
            known: ids of offences that are wanted in any case; those that the log has not are left
                out.
            since: event time of the saved state: what ended after it is wanted, too. None: only
                what has not ended.
        Raises:
            TryAgain, Stop: the log cannot be read.
        """
        wanted = list(dict.fromkeys([*self._ids_of(key, since), *known]))
        stories = {offence_id: self._story(offence_id) for offence_id in wanted}
        return {offence_id: story for offence_id, story in stories.items() if story}

    def open_stories(self) -> Stories:
        """Return the histories of all offences that have not ended, of whatever site.

        Raises:
            TryAgain, Stop: the log cannot be read.
        """
        spans = self._read_spans()
        wanted = [offence_id for offence_id, span in spans.items() if span.ended_at is None]
        stories = {offence_id: self._story(offence_id) for offence_id in wanted}
        return {offence_id: story for offence_id, story in stories.items() if story}

    def _ids_of(self, key: RuleKey, since: datetime | None) -> list[str]:
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
                    ended_at = ends.get(subject)
                    self._spans[subject] = _Span(ended_at and self._of_wall(ended_at))
        return self._spans

    def _key_of(self, offence_id: str, span: _Span) -> RuleKey:
        if span.key is None:
            story = self._story(offence_id)
            opened = expect_event(story[0], OffenceOpened).data if story else None
            span.key = RuleKey(opened.camera_id, opened.rule_id) if opened else RuleKey("", "")
        return span.key

    def _story(self, offence_id: str) -> tuple[Event, ...]:
        events = [logged.event for logged in self._log.about(offence_id)]
        starts = [row for row, event in enumerate(events) if isinstance(event.data, OffenceOpened)]
        return tuple(events[starts[0] :]) if starts else ()
