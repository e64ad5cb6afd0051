"""The ladder for one rule on one camera: who holds its condition in, events out.

All times are the frames' own. Gap semantics: a stay begins with the first frame in which the
condition holds for a subject ("in the zone", for short). Unseen for up to the rule's
gap_tolerance_s (missed detections, occlusion) the stay goes on and the gap counts as stayed. Seen
outside for comply_after_s, or unseen for longer than the tolerance while the camera works: left.
No frames at all for longer than the tolerance, or a notice that the camera ended or failed: nobody
can say, so offences become unknown, and stays that were no offence yet are dropped. The same goes
for who is unseen while something is wrong with the picture; while it is only in doubt, nothing is
said and nobody counts as gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from domain.camera_trouble import trouble
from domain.cameras import WATCHED, CameraNotice
from domain.commands import answer_id
from domain.events import Event
from domain.facts import BothLanguages
from domain.fitness import explain_to_all
from domain.frames import FrameStamp
from domain.ladder import FINAL, State, Trigger, find_move
from domain.looks import CLEAR, Sight
from domain.operators import OperatorSettings
from domain.refusals import refuse
from domain.site import Ladder, Rule
from domain.tracks import SubjectLink
from flows.conditions.condition import Holding
from flows.steps.adopt import adopt
from flows.steps.by_hand import Deed, back_to_the_ladder, judge
from flows.steps.find_again import Search, find_again
from flows.steps.heard_calls import HeardCalls
from flows.steps.new_numbers import note_recognition, renumber
from flows.steps.offence import Offence, OffenceWriter
from flows.steps.repeats import Repeats
from flows.steps.take_up import Pending
from flows.steps.timetable import Timetable
from flows.steps.warn_gate import WarnGate

# what needs a camera that is fit to warn, and the move that is made where it is not
WITHHELD = {
    Trigger.RUNG_DUE: Trigger.RUNG_WITHHELD,
    Trigger.SILENT_RUNG_DUE: Trigger.RUNG_WITHHELD,
    Trigger.LADDER_SPENT: Trigger.ESCALATION_WITHHELD,
}
HANDED_BACK = (Trigger.HANDED_BACK, Trigger.HANDED_BACK_WARNED)


class RuleLadder:
    """Stays and offences of one rule on one camera.

    A plain class: `step` can be called with no stream running. Its state is in `offences`, keyed by
    subject, `last_at`, `sight` and `held`; they are what a restart needs.
    """

    def __init__(
        self,
        rule: Rule,
        ladder: Ladder,
        writer: OffenceWriter,
        gate: WarnGate | None = None,
        operators: OperatorSettings | None = None,
        heard: HeardCalls | None = None,
    ) -> None:
        self._rule = rule
        self._ladder = ladder
        self._writer = writer
        self._gate = gate  # None: only what is wrong with the picture holds a rung back
        self._gap = timedelta(seconds=rule.gap_tolerance_s)
        self._away = max(self._gap, timedelta(seconds=rule.restart_tolerance_s))
        self._search: Search | None = None  # for those who were there at an interruption
        self._operators = operators or OperatorSettings()
        self._hand_back_after = timedelta(seconds=self._operators.hand_back_after_s)
        self.repeats = Repeats(ladder)
        self._timetable = Timetable(rule, ladder, self.repeats, heard)
        self.offences: dict[str, Offence] = {}
        self.last_at: datetime | None = None
        self.sight = CLEAR  # of the last frame
        self.held: list[Pending] = []  # commands whose moment has not come

    def step(
        self, frame: FrameStamp, holdings: Sequence[Holding], sight: Sight = CLEAR
    ) -> list[Event]:
        """Take one frame; the events that it causes, subject by subject.

        Args:
            holdings: what the rule's condition says of everybody seen; () still says that time
                went on.
            sight: how far the picture can be believed.
        """
        at = frame.captured_at
        if self.last_at is not None and at <= self.last_at:
            return []  # a replayed frame
        events = self._give_up_missing(at)
        if self.last_at is not None and at - self.last_at > self._gap:
            silent_s = (at - self.last_at).total_seconds()
            events += self.lose_sight(trouble("silent", silent_s=silent_s))
        self.last_at, self.sight = at, sight
        self.repeats.forget(at)
        seen = {holding.subject: holding for holding in holdings}
        find_again(self.offences, seen)
        for subject, holding in seen.items():
            if holding.holds and subject not in self.offences:
                self.offences[subject] = Offence.begin(frame, holding)
        for subject in _in_order(self.offences):
            events += self._climb(subject, frame, seen.get(subject), sight)
        return events + self.take_held(at)

    def adopt(self, stories: Mapping[str, Sequence[Event]]) -> None:
        """Go on from a saved state (or none) on a live camera whose frames went by meanwhile.

        Every offence is brought to where its story in the log ends, and then has to be found again.

        Args:
            stories: events by offence id, from the opening on: of the offences here, and of those
                that only the log knows.
        """
        self.offences = adopt(self.offences, stories, self.id_of, self._ladder, self.repeats)
        told = {event.id for story in stories.values() for event in story}
        self.held = [each for each in self.held if answer_id(each.event.id) not in told]
        self.last_at = self._search = None  # commands wait for a frame, and so does the search

    def id_of(self, offence: Offence) -> str:
        """The offence's id in events."""
        return self._writer.offence_id(offence)

    def command(self, pending: Pending) -> list[Event]:
        """Take an operator's command: at once, or when time has come to where it belongs."""
        if self.last_at is None or self.last_at < pending.not_before:
            self.held.append(pending)
            return []
        return self._carry_out(pending, self.last_at)

    def take_held(self, at: datetime | None) -> list[Event]:
        """Carry out the commands that belong to this moment or before; None: all there are."""
        if not self.held:
            return []
        ripe = [each for each in self.held if at is None or each.not_before <= at]
        self.held = [each for each in self.held if each not in ripe]
        ripe.sort(key=lambda each: (each.not_before, each.order))
        return [event for each in ripe for event in self._carry_out(each, at or each.not_before)]

    def _carry_out(self, pending: Pending, at: datetime) -> list[Event]:
        """Make the move that a command asks for, or say why not; either is its one answer."""
        wanted = pending.given.offence_id
        found = [o for o in self.offences.values() if self.id_of(o) == wanted]
        unfit = self._gate.why_withheld(self.sight, at) if self._gate else self.sight.faults
        offence = found[0] if found else None
        if offence is not None and offence.was_done(pending.event.id):
            return []  # before a restart; its answer was taken out of the log
        deed = judge(pending, offence, self._operators, self._ladder, unfit, at)
        if offence is None or not isinstance(deed, Deed):
            assert not isinstance(deed, Deed)
            return [] if pending.is_answered else [refuse(pending.event, *deed)]
        details: dict[str, Any] = {"by_hand": deed.by_hand, **deed.details}
        offence.operators_did.append(deed.by_hand)
        if deed.trigger is Trigger.TAKEN_OVER:
            details |= {"taken_from": offence.taken_by, "hand_back_at": at + self._hand_back_after}
            offence.taken_by, offence.taken_at = deed.by_hand.operator, at
        elif deed.trigger in HANDED_BACK:
            details |= {"cause": "operator", "taken_by": offence.taken_by}
        elif deed.details:
            offence.words += 1
            if pending.given.text_id:
                details["text"] = self._writer.words(deed.details["text"], offence, at)
        return self._move(offence, deed.trigger, at, details)

    def renumber(self, link: SubjectLink) -> None:
        """Somebody told under a new number turns out to be one seen before: their stay goes on."""
        renumber(self.offences, link)

    def note_recognition(self, link: SubjectLink) -> None:
        """Put on record how sure the match was, before an offence tells of it."""
        note_recognition(self.offences, link)

    def notice(self, notice: CameraNotice) -> list[Event]:
        """Take news of the camera; if it gives no pictures, nobody is watching any more."""
        if notice.status in WATCHED:
            return []
        said = notice.said or trouble("footage_ended")
        return self.lose_sight(said) + self.take_held(None)

    def lose_sight(self, why: BothLanguages) -> list[Event]:
        """Nobody can say any more: offences become unknown, stays are dropped."""
        events: list[Event] = []
        for subject in _in_order(self.offences):
            offence = self.offences[subject]
            if offence.state not in FINAL:
                events += self._lose(offence, why)
        self.offences.clear()
        return events

    def _give_up_missing(self, at: datetime) -> list[Event]:
        """Who was there at an interruption and was not found again in time: nobody can say."""
        events: list[Event] = []
        if self._search is None:  # the first frame
            self._search = Search(at, self._gap, self._away)
        for subject in _in_order(self._search.given_up(self.offences, at)):
            offence = self.offences.pop(subject)
            if offence.state not in FINAL:
                away_s = abs(at - offence.last_seen_at).total_seconds()
                events += self._lose(offence, trouble("restarted", silent_s=away_s))
        return events

    def _climb(
        self, subject: str, frame: FrameStamp, holding: Holding | None, sight: Sight
    ) -> list[Event]:
        """Move one subject's offence as far as this frame takes it."""
        offence, at = self.offences[subject], frame.captured_at
        offence.note(frame, holding)
        basis = self._timetable.basis_for_having_left(offence, at, is_seen=holding is not None)
        if basis == "no longer seen" and sight.is_in_doubt and not sight.faults:
            return []  # a moment later it is known whether the picture hides them
        if basis is not None:
            del self.offences[subject]
            if offence.state in FINAL:
                return []
            if basis == "no longer seen" and sight.faults:
                return self._lose(offence, explain_to_all(sight.faults))
            return self._leave(offence, at, basis)
        events: list[Event] = []
        if offence.taken_at is not None and at - offence.taken_at >= self._hand_back_after:
            events += self._move(
                offence,
                back_to_the_ladder(offence),
                at,
                {"cause": "time limit", "taken_by": offence.taken_by},
            )
        if holding is not None and holding.holds:
            # nobody is warned on the strength of a frame in which they were not seen
            for trigger in self._timetable.due(offence, at):
                events += self._move_if_fit(offence, trigger, at, sight)
        return events

    def _move_if_fit(
        self, offence: Offence, trigger: Trigger, at: datetime, sight: Sight
    ) -> list[Event]:
        """Make the move; of a camera that is not fit to warn, record once that it was withheld."""
        if trigger not in WITHHELD:
            return self._move(offence, trigger, at)
        reasons = self._gate.why_withheld(sight, at) if self._gate else sight.faults
        if not reasons:
            known = {"call_before": offence.call_before} if offence.call_before else {}
            return [] if sight.is_in_doubt else self._move(offence, trigger, at, known)
        if not offence.note_withheld(reasons):
            return []
        move = find_move(offence.state, WITHHELD[trigger])
        return [self._writer.write_withheld(move, offence, at, reasons)]

    def _lose(self, offence: Offence, why: BothLanguages) -> list[Event]:
        """Nobody can say any more what this subject does."""
        facts = {"reason": why.en, "reason_zh": why.zh}
        return self._move(offence, Trigger.SIGHT_LOST, offence.last.at, facts)

    def _leave(self, offence: Offence, at: datetime, basis: str) -> list[Event]:
        """The subject has left; after a call that is compliance, whoever had it made."""
        is_warned = offence.state is State.TAKEN_OVER and offence.is_warned
        return self._move(
            offence, Trigger.LEFT_WARNED if is_warned else Trigger.LEFT, at, {"basis": basis}
        )

    def _move(
        self,
        offence: Offence,
        trigger: Trigger,
        at: datetime,
        details: dict[str, Any] | None = None,
    ) -> list[Event]:
        move = find_move(offence.state, trigger)
        offence.make(move, at)
        if move.after in FINAL:
            self.repeats.note_end(offence, at)
        if move.event_type is None:
            return []
        event = self._writer.write(move, offence, at, details or {})
        offence.note_call(event)
        return [event]


def _in_order(subjects: Iterable[str]) -> list[str]:
    """Tracks by number, then places by name: the same order on every run."""
    return sorted(subjects, key=lambda each: (not each.isdigit(), each.zfill(20)))
