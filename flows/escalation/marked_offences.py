"""Climb the ladder of what a person saw on a tile and marked: no camera watches it, people say when it is over.

The ladder is the rule's: its calls, its pauses, its escalation; an operator may take it over, have words spoken,
dismiss it, or say that whoever it was has left. It needs pictures all the same, for its record is cut from them:
where the camera falls silent or the rule's hours end, it ends as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.events.catalog import Box, Event, Mark, Sighting
from domain.events.commands import CommandKind, Refusal, answer_id
from domain.events.refusals import refuse
from domain.frames import FrameStamp
from domain.offence_states import FINAL, Trigger
from domain.picture_digest import CLEAR, PictureTrust
from domain.site.ladders import Ladder
from domain.site.operators import OperatorSettings
from domain.site.rules import Rule
from domain.tracks import Place
from event_log.rows import LoggedEvent
from flows.camera_health.warn_gate import WarnGate
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.call_pauses import CallPauses
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.commands.held_commands import HeldCommands
from flows.escalation.commands.operator_commands import by_hand_of
from flows.escalation.moves import OffenceBook
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.repeat_offenders import Repeats
from flows.escalation.restart.replay_log import rebuild_offence
from flows.escalation.schedule import EscalationSchedule
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import OffenceKey, Stay

# around the mark, as shares of the picture: about a person in the middle of a street
HALF_WIDTH, HALF_HEIGHT = 0.05, 0.12


@dataclass
class MarkedState:
    """Hold what a restart needs."""

    offences: dict[OffenceKey, Offence] = field(default_factory=dict)
    starts: list[PendingCommand] = field(default_factory=list)
    held: list[PendingCommand] = field(default_factory=list)
    last_at: AwareDatetime | None = None


class MarkedOffences:
    """The offences of one rule on one camera that people have started."""

    def __init__(
        self,
        rule: Rule,
        ladder: Ladder,
        writer: OffenceWriter,
        gate: WarnGate | None = None,
        operators: OperatorSettings | None = None,
        pauses: CallPauses | None = None,
        place_at: Callable[[Mark], str] = lambda mark: "marked",
        find: Callable[[str], LoggedEvent | None] = lambda event_id: None,
    ) -> None:
        """Begin with none.

        `place_at` names the zone or line that is told of a mark, `find` looks an event of the log up by its
        id; all else is as RuleLadder has it.
        """
        repeats = Repeats(ladder)
        self._book = OffenceBook(writer, repeats, gate)
        self._schedule = EscalationSchedule(rule, ladder, repeats, pauses)
        self._commands = HeldCommands(self._book, operators or OperatorSettings(), ladder)
        self._ladder = ladder
        self._place_at, self._find = place_at, find
        self._gap = timedelta(seconds=rule.gap_tolerance_s)
        self._away = max(self._gap, timedelta(seconds=rule.restart_tolerance_s))
        self._starts: list[PendingCommand] = []  # that wait for a frame
        self._last_at: datetime | None = None
        self._is_live = self._goes_on = False
        self._broken_at: datetime | None = None

    @property
    def ids(self) -> list[str]:
        """Return the ids of those that are open."""
        return [self._book.id_of(each) for each in self._book.offences.values()]

    @property
    def state(self) -> MarkedState:
        """Return what a restart needs."""
        return MarkedState(self._book.offences, self._starts, self._commands.held, self._last_at)

    def restore(self, state: MarkedState) -> None:
        """Go on from a saved state."""
        self._book.offences, self._commands.held = state.offences, state.held
        self._starts, self._last_at = state.starts, state.last_at

    def adopt(self, stories: Mapping[str, Sequence[Event]], broken_at: datetime | None) -> None:
        """Bring every offence of a live camera to where its story in the log ends; see RuleLadder.adopt."""
        known = {self._book.id_of(each): each for each in self._book.offences.values()}
        self._book.offences = {}
        for offence_id, story in stories.items():
            now = rebuild_offence(story, self._ladder, known.get(offence_id))
            now.stay.logged_id = offence_id
            if now.state not in FINAL:
                self._book.offences[now.stay.number] = now
        logged = {event.id for story in stories.values() for event in story}
        self._commands.adopt(logged)
        # opened or refused after the state was saved
        self._starts = [p for p in self._starts if self._find(answer_id(p.event.id)) is None]
        self._is_live = self._goes_on = True
        self._broken_at, self._last_at = broken_at, None

    def step(self, frame: FrameStamp, sight: PictureTrust = CLEAR) -> list[Event]:
        """Take one frame; return what comes due with it."""
        at = frame.captured_at
        if self._last_at is not None and at <= self._last_at:
            return []  # a replayed frame
        events = self._give_up(at)
        self._last_at = at
        for subject in self._book.in_order():
            offence = self._book.offences[subject]
            _see(offence.stay, frame)
            events += self._commands.hand_back(offence, at)
            events += self._climb(offence, at, sight)
        ripe = [each for each in self._starts if self._is_live or each.not_before <= at]
        self._starts = [each for each in self._starts if each not in ripe]
        for pending in ripe:
            events += self._start(pending, frame, sight)
        return events + self._ended(self._commands.take(at, sight))

    def command(self, pending: PendingCommand, sight: PictureTrust) -> list[Event]:
        """Take a command; a start waits for the next frame, whose moment is the offence's first."""
        if pending.given.command is CommandKind.START:
            self._starts.append(pending)
            return []
        return self._ended(self._commands.give(pending, self._last_at, sight))

    def knows(self, offence_id: str) -> bool:
        """Tell whether an offence is, or is about to be, one of these."""
        waiting = (each.given.offence_id for each in self._starts)
        return self._book.find(offence_id) is not None or offence_id in waiting

    def lose_all(self, why: BothLanguages) -> list[Event]:
        """End all as unknown, and refuse what waits: there are no pictures of it."""
        refused = [
            refuse(each.event, Refusal.NOT_FIT, why.en)
            for each in self._starts
            if not each.is_answered
        ]
        self._starts = []
        return [*self._book.lose_all(why), *refused, *self._commands.take(None, CLEAR)]

    def refuse_starts(self) -> list[Event]:
        """Refuse what waits: the rule does not apply now."""
        waiting, self._starts = self._starts, []
        return [
            refuse(each.event, Refusal.OUT_OF_HOURS) for each in waiting if not each.is_answered
        ]

    def _give_up(self, at: datetime) -> list[Event]:
        """End as unknown what nobody saw for too long, or for nobody knows how long."""
        longest = self._away if self._goes_on else self._gap
        self._goes_on = False
        events: list[Event] = []
        for subject in self._book.in_order():
            seen_at = self._book.offences[subject].stay.last_seen_at
            silent_s = (at - seen_at).total_seconds()
            if silent_s < 0 or (self._broken_at is not None and seen_at < self._broken_at):
                events += self._book.lose(subject, trouble("clock_unknown"))
            elif at - seen_at > longest:
                events += self._book.lose(subject, trouble("silent", silent_s=silent_s))
        return events

    def _start(
        self, pending: PendingCommand, frame: FrameStamp, sight: PictureTrust
    ) -> list[Event]:
        """Open an offence, and make the first call where it is due at once."""
        given, at = pending.given, frame.captured_at
        # of a recording it is opened again in the same frame; a live one, before a restart, was
        was_opened = pending.is_answered and (self._is_live or at != pending.not_before)
        if was_opened or self._book.find(given.offence_id) is not None:
            return []
        if pending.speak_by is not None and at > pending.speak_by:
            return [
                refuse(pending.event, Refusal.TOO_LATE, f"asked at {given.asked_at.isoformat()}")
            ]
        assert given.mark is not None  # command_intake refuses it
        there = self._find_at(given.mark, frame)
        if there is not None and not pending.is_answered:
            return [refuse(pending.event, Refusal.OPEN_ALREADY, self._book.id_of(there))]
        offence = Offence(self._stay_at(given.mark, given.offence_id, frame))
        by_hand = by_hand_of(pending)
        offence.note_by_hand(by_hand, at)
        self._book.offences[offence.stay.number] = offence
        opened = self._book.move(offence, Trigger.MARKED, at, {"by_hand": by_hand})
        return opened + self._climb(offence, at, sight)

    def _find_at(self, mark: Mark, frame: FrameStamp) -> Offence | None:
        """Return who was marked there before: two people saw the same, and nobody is called twice for it."""
        x, y = mark.x * frame.width_px, mark.y * frame.height_px
        for offence in self._book.offences.values():
            x1, y1, x2, y2 = offence.stay.last.box_xyxy
            if x1 <= x <= x2 and y1 <= y <= y2:
                return offence
        return None

    def _stay_at(self, mark: Mark, offence_id: str, frame: FrameStamp) -> Stay:
        subject, place_id = Place(f"mark-{offence_id}"), self._place_at(mark)
        stay = Stay.begin(frame, Holding(subject, place_id, Verdict.HOLDS, 1.0, _box(mark, frame)))
        stay.logged_id = offence_id
        return stay

    def _climb(self, offence: Offence, at: datetime, sight: PictureTrust) -> list[Event]:
        """Make the moves that are due by the operator's word."""
        events: list[Event] = []
        for trigger in self._schedule.due(offence, at):
            events += self._book.move_if_fit(offence, trigger, at, sight)
        return self._ended(events)

    def _ended(self, events: list[Event]) -> list[Event]:
        """Forget what has ended: nobody has to see them leave."""
        open_ = {name: o for name, o in self._book.offences.items() if o.state not in FINAL}
        if len(open_) < len(self._book.offences):
            self._book.offences = open_
        return events


def _box(mark: Mark, frame: FrameStamp) -> Box:
    """Return what is shown of a mark: a part of the picture around it, pixels."""
    width, height = frame.width_px, frame.height_px
    return (
        round(max(mark.x - HALF_WIDTH, 0.0) * width, 2),
        round(max(mark.y - HALF_HEIGHT, 0.0) * height, 2),
        round(min(mark.x + HALF_WIDTH, 1.0) * width, 2),
        round(min(mark.y + HALF_HEIGHT, 1.0) * height, 2),
    )


def _see(stay: Stay, frame: FrameStamp) -> None:
    """Note that the place is there in this frame, where it was marked."""
    last: Sighting = stay.last
    subject, box = stay.number, last.box_xyxy
    stay.note(frame, Holding(subject, stay.place_id, Verdict.HOLDS, last.score, box))
