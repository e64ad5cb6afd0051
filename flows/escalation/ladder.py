"""Climb the ladder of one rule on one camera: who holds its condition in, events out.

All times are the frames' own. Gap semantics: a stay begins with the first frame in which the
condition holds for a subject ("in the zone", for short). Unseen for up to the rule's
gap_tolerance_s (missed detections, occlusion) the stay goes on and the gap counts as stayed. Seen
outside for comply_after_s, or unseen for longer than the tolerance and last seen on the way out: left.
Unseen for longer, and not on the way out: hidden. The stay goes on and nothing is said, until they are
seen again, under whatever number (hidden.py), or were hidden for too long: then nobody can say.
While it is not known whether the condition holds, a stay neither begins nor ends, and nothing is said.
No frames at all for longer than the tolerance, or a notice that the camera ended or failed: nobody
can say, so offences become unknown, and stays that were no offence yet are dropped. The same goes
for who is unseen while something is wrong with the picture; while it is only in doubt, nothing is
said and nobody counts as gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.cameras.status import WATCHED, CameraNotice
from domain.events.catalog import Event, LeavingBasis, Recognition
from domain.events.commands import answer_id
from domain.events.refusals import refuse
from domain.fitness import Unfit, explain_to_all
from domain.frames import FrameStamp
from domain.offence_states import FINAL, State, Trigger, find_move
from domain.picture_digest import CLEAR, PictureTrust
from domain.site.ladders import Ladder
from domain.site.operators import OperatorSettings
from domain.site.rules import Rule
from domain.tracks import SubjectLink, SubjectMatch, Track, order_of
from flows.camera_health.warn_gate import WarnGate
from flows.conditions.condition import Holding
from flows.escalation.call_pauses import CallPauses
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.commands.operator_commands import (
    AcceptedCommand,
    back_to_the_ladder,
    evaluate_command,
)
from flows.escalation.offence_writer import MoveDetails, OffenceWriter
from flows.escalation.out_of_sight.hidden import (
    ComingOut,
    coming_out,
    give_back,
    go_on,
    tolerance,
    wrongly_taken,
)
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.out_of_sight.reidentify import TOLD, recognition_by, renumber
from flows.escalation.repeat_offenders import Repeats
from flows.escalation.restart.replay_log import adopt
from flows.escalation.restart.resume import Search, find_again
from flows.escalation.schedule import EscalationSchedule
from flows.escalation.stays.offence import Offence, OperatorHold
from flows.escalation.stays.stay import OffenceKey, OutOfSight

# what needs a camera that is fit to warn, and the move that is made where it is not
WITHHELD = {
    Trigger.RUNG_DUE: Trigger.RUNG_WITHHELD,
    Trigger.SILENT_RUNG_DUE: Trigger.RUNG_WITHHELD,
    Trigger.LADDER_SPENT: Trigger.ESCALATION_WITHHELD,
}
HANDED_BACK = (Trigger.HANDED_BACK, Trigger.HANDED_BACK_WARNED)


class RuleLadder:
    """Keep the stays and offences of one rule on one camera.

    A plain class: `step` can be called with no stream running. A restart needs `offences`, keyed by
    subject, `last_at`, `sight`, `held` and `repeats.past`.
    """

    def __init__(
        self,
        rule: Rule,
        ladder: Ladder,
        writer: OffenceWriter,
        gate: WarnGate | None = None,
        operators: OperatorSettings | None = None,
        pauses: CallPauses | None = None,
    ) -> None:
        self._rule = rule
        self._ladder = ladder
        self._writer = writer
        self._gate = gate  # None: only what is wrong with the picture holds a rung back
        self._gap = timedelta(seconds=rule.gap_tolerance_s)
        self._away = max(self._gap, timedelta(seconds=rule.restart_tolerance_s))
        self._search: Search | None = None  # for those who were there at an interruption
        self._broken_at: datetime | None = None
        self._operators = operators or OperatorSettings()
        self._hand_back_after = timedelta(seconds=self._operators.hand_back_after_s)
        self.repeats = Repeats(ladder)
        self._schedule = EscalationSchedule(rule, ladder, self.repeats, pauses)
        self.offences: dict[OffenceKey, Offence] = {}
        self.last_at: datetime | None = None
        self.sight = CLEAR  # of the last frame
        self.held: list[PendingCommand] = []  # commands whose moment has not come

    def step(
        self,
        frame: FrameStamp,
        holdings: Sequence[Holding],
        sight: PictureTrust = CLEAR,
        matches: Mapping[int, SubjectMatch] = MappingProxyType({}),
        outlook: Outlook | None = None,
    ) -> list[Event]:
        """Take one frame; return the events that it causes, subject by subject.

        Args:
            frame: frames at or before the last one are passed over.
            holdings: what the rule's condition says of everybody seen; () still says that time
                went on.
            sight: how far the picture can be believed.
            matches: of those seen who were out of sight, by number, whom they are taken for.
            outlook: tells who was on the way out; None: nobody was.
        """
        at = frame.captured_at
        if self.last_at is not None and at <= self.last_at:
            return []  # a replayed frame
        # in this order: an offence that cannot be found again ends as unknown before anybody is
        # looked for, and after a silence nobody who was there before counts as still there
        events = self._give_up_missing(at)
        if self.last_at is not None and at - self.last_at > self._gap:
            silent_s = (at - self.last_at).total_seconds()
            events += self.lose_sight(trouble("silent", silent_s=silent_s))
        self.repeats.forget(at)
        seen: dict[OffenceKey, Holding] = {holding.subject: holding for holding in holdings}
        # judged before this frame's sightings are taken in: at any frame rate, a longer gap is two stays
        events += self._end_interrupted(seen, at, outlook)
        self.last_at, self.sight = at, sight
        find_again(self.offences, seen)
        for subject, holding in seen.items():
            if holding.holds and subject not in self.offences:
                self.offences[subject] = Offence.begin(frame, holding)
            if isinstance(subject, Track) and subject in self.offences:
                self._note_match(self.offences[subject], matches.get(subject.number))
        for subject in _in_order(self.offences):
            events += self._climb(subject, frame, seen.get(subject), sight, outlook)
        return events + self.take_held(at)

    def adopt(
        self, stories: Mapping[str, Sequence[Event]], broken_at: datetime | None = None
    ) -> None:
        """Go on from a saved state (or none) on a live camera whose frames went by meanwhile.

        Every offence is brought to where its story in the log ends, and then has to be found again.

        Args:
            stories: events by offence id, from the opening on: of the offences here, and of those
                that only the log knows.
            broken_at: nobody knows how long it was from what lies before until then; None: it is known.
        """
        self._broken_at = broken_at
        self.offences = adopt(self.offences, stories, self.id_of, self._ladder, self.repeats)
        logged = {event.id for story in stories.values() for event in story}
        self.held = [each for each in self.held if answer_id(each.event.id) not in logged]
        # commands wait for a frame, and the search begins with it
        self.last_at = self._search = None

    def id_of(self, offence: Offence) -> str:
        """Return the offence's id in events."""
        return self._writer.offence_id(offence.stay)

    def command(self, pending: PendingCommand) -> list[Event]:
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

    def _carry_out(self, pending: PendingCommand, at: datetime) -> list[Event]:
        """Make the move that a command asks for, or refuse it; either is its one answer."""
        wanted = pending.given.offence_id
        offence = next((o for o in self.offences.values() if self.id_of(o) == wanted), None)
        unfit = (
            self._gate.why_withheld(self.sight, self._writer.wall(at))
            if self._gate
            else self.sight.faults
        )
        if offence is not None and offence.was_done(pending.event.id):
            return []  # before a restart; its answer was taken out of the log
        answer = evaluate_command(pending, offence, self._operators, self._ladder, unfit, at)
        if offence is None or not isinstance(answer, AcceptedCommand):
            assert not isinstance(answer, AcceptedCommand)
            # a replay may come to another state than the one in which the command was carried out;
            # what stands in the log is not answered a second time
            return [] if pending.is_answered else [refuse(pending.event, *answer)]
        details: MoveDetails = {"by_hand": answer.by_hand}
        offence.operators_did.append(answer.by_hand)
        holder = offence.hold.operator if offence.hold else ""
        if answer.trigger is Trigger.TAKEN_OVER:
            details |= {"taken_from": holder, "hand_back_at": at + self._hand_back_after}
            offence.hold = OperatorHold(answer.by_hand.operator, at)
        elif answer.trigger in HANDED_BACK:
            details |= {"cause": "operator", "taken_by": holder}
        elif answer.own_words is not None:
            details |= answer.own_words
            if pending.given.text_id:
                details["text"] = self._writer.words(details["text"], offence, at)
        return self._move(offence, answer.trigger, at, details)

    def renumber(self, link: SubjectLink, at: datetime) -> list[Event]:
        """Go on with the stay of somebody who came under a new number and was seen before.

        Returns:
            The end of an offence, where both numbers had one.
        """
        was = Track(link.was)
        taken = self.offences[was].taken if was in self.offences else None
        if taken is not None and taken.was != link.track_id:
            self._give_back(was)
        self.repeats.renumber(Track(link.track_id), was)
        ends = renumber(self.offences, link)
        if ends is None:
            return []
        goes_on = self.offences[Track(link.track_id)]
        details: MoveDetails = {
            "goes_on_as": self.id_of(goes_on),
            "recognition": self._recognition(link.match),
        }
        return self._move(ends, Trigger.RECOGNISED, at, details)

    def _note_match(self, offence: Offence, match: SubjectMatch | None) -> None:
        """Put on record whom the subject is taken for, and how sure that is, before an offence tells of it."""
        if offence.state not in TOLD:
            offence.stay.recognition = None if match is None else self._recognition(match)

    def _recognition(self, match: SubjectMatch) -> Recognition:
        earlier_offence_id = self.repeats.last_offence(Track(match.number))
        return recognition_by(match, self._writer.camera_id, earlier_offence_id)

    def come_out(self, holdings: Sequence[Holding], outlook: Outlook) -> list[ComingOut]:
        """Go on with the stays of hidden people who came out under new numbers; undo what was wrong.

        To be called before `step`, with what that will be given.
        """
        at = outlook.tracked.frame.captured_at
        for number in wrongly_taken(self.offences, outlook):
            self._give_back(number)
        seen: dict[OffenceKey, Holding] = {holding.subject: holding for holding in holdings}
        out = coming_out(self.offences, seen, outlook, self._rule.threshold_s)
        for pair in out:
            go_on(self.offences, pair, at)
            self.repeats.renumber(pair.now, pair.was)
        return out

    def _give_back(self, number: Track) -> None:
        self.repeats.renumber(give_back(self.offences, number), number)

    def notice(self, notice: CameraNotice) -> list[Event]:
        """Take news of the camera; if it gives no pictures, nobody is watching any more."""
        if notice.status in WATCHED:
            return []
        why = notice.said or trouble("footage_ended")
        return self.lose_sight(why) + self.take_held(None)

    def lose_sight(self, why: BothLanguages) -> list[Event]:
        """End all offences as unknown and drop all other stays: nobody is watching any more."""
        return [event for subject in _in_order(self.offences) for event in self._lose(subject, why)]

    def _give_up_missing(self, at: datetime) -> list[Event]:
        """End the offences of those who were there at an interruption and were not found in time."""
        events: list[Event] = []
        if self._search is None:  # the first frame
            self._search = Search(at, self._gap, self._away, self._broken_at)
            self.repeats.forget_the_future(at)
        for subject in _in_order(self._search.given_up(self.offences, at)):
            offence = self.offences[subject]
            away_s = (at - offence.stay.last_seen_at).total_seconds()
            is_known = away_s >= 0 and not self._search.is_broken(offence)
            why = ("restarted", {"silent_s": away_s}) if is_known else ("clock_unknown", {})
            events += self._lose(subject, trouble(why[0], **why[1]))
        return events

    def _climb(
        self,
        subject: OffenceKey,
        frame: FrameStamp,
        holding: Holding | None,
        sight: PictureTrust,
        outlook: Outlook | None,
    ) -> list[Event]:
        """Move one subject's offence as far as this frame takes it."""
        offence, at = self.offences[subject], frame.captured_at
        stay = offence.stay
        stay.note(frame, holding)
        if outlook is not None and isinstance(subject, Track) and subject.number in outlook.rows:
            stay.whereabouts = outlook.whereabouts(outlook.rows[subject.number])
        if holding is not None and holding.is_seen:
            if self._schedule.has_left(stay, at):
                return self._leave(subject, at, stay.basis)
        elif self._schedule.is_gone(stay, at):
            ended = self._end_unseen(subject, at, sight, outlook)
            if subject not in self.offences:
                return ended
        events: list[Event] = []
        hold = offence.hold
        if hold is not None and at - hold.since >= self._hand_back_after:
            details: MoveDetails = {"cause": "time limit", "taken_by": hold.operator}
            events += self._move(offence, back_to_the_ladder(offence), at, details)
        if holding is not None and holding.holds:
            # nobody is warned on the strength of a frame in which they were not seen
            for trigger in self._schedule.due(offence, at):
                events += self._move_if_fit(offence, trigger, at, sight)
        return events

    def _end_interrupted(
        self, seen: Mapping[OffenceKey, Holding], at: datetime, outlook: Outlook | None
    ) -> list[Event]:
        """Judge the gap of those who are seen now, but were unseen for longer than the rule tolerates."""
        return [
            event
            for subject in _in_order(self.offences)
            if subject in seen
            and seen[subject].is_seen
            and self._schedule.is_gone(self.offences[subject].stay, at)
            # by the last picture in which they might have been seen
            for event in self._end_unseen(subject, at, self.sight, outlook)
        ]

    def _end_unseen(
        self, subject: OffenceKey, at: datetime, sight: PictureTrust, outlook: Outlook | None
    ) -> list[Event]:
        """End the stay of somebody unseen for too long, unless they may be there and are only hidden.

        As unknown where the picture may hide them, or they were hidden for too long.
        """
        offence = self.offences[subject]
        stay = offence.stay
        if sight.is_doubtful(stay.place_id):
            return []  # a moment later it is known whether the picture hides them
        hidden_by = sight.faults or tuple(filter(None, [sight.unfit_areas.get(stay.place_id)]))
        if not hidden_by and sight.hides(stay.last_place):
            hidden_by = (Unfit.PARTLY_COVERED,)  # seen last outside the zone, or only in part
        if hidden_by:
            since = sight.unfit_since.get(stay.place_id)
            return self._lose(subject, explain_to_all(hidden_by), since)
        if stay.is_unjudged or not isinstance(subject, Track):
            return self._lose(subject, trouble("not_judged"))
        last = stay.whereabouts
        if stay.hidden is None and outlook is not None and last is not None:
            if outlook.was_on_the_way_out(subject, last):
                is_outside = stay.outside_since is not None
                return self._leave(
                    subject, at, stay.basis if is_outside else "last seen on the way out"
                )
            stay.hidden = OutOfSight(stay.last_seen_at, outlook.was_in_a_group(subject, last))
        if at - stay.last_seen_at <= tolerance(offence, self._gap):
            return []
        in_a_group = stay.hidden is not None and stay.hidden.in_a_group
        why = "hidden_in_a_group" if in_a_group else "hidden"
        unseen_s = (at - stay.last_seen_at).total_seconds()
        return self._lose(subject, trouble(why, unseen_s=unseen_s), trigger=Trigger.HIDDEN)

    def _move_if_fit(
        self, offence: Offence, trigger: Trigger, at: datetime, sight: PictureTrust
    ) -> list[Event]:
        """Make the move; of a camera that is not fit to warn, record once that it was withheld."""
        if trigger not in WITHHELD:
            return self._move(offence, trigger, at)
        reasons = (
            self._gate.why_withheld(sight, self._writer.wall(at)) if self._gate else sight.faults
        )
        if not reasons:
            before = offence.escalation.call_before
            details: MoveDetails = {"call_before": before} if before else {}
            is_doubtful = self._gate.is_doubtful(sight) if self._gate else sight.is_in_doubt
            return [] if is_doubtful else self._move(offence, trigger, at, details)
        if not offence.escalation.note_withheld(reasons):
            return []
        move = find_move(offence.state, WITHHELD[trigger])
        return [self._writer.write_withheld(move, offence, at, reasons)]

    def _lose(
        self,
        subject: OffenceKey,
        why: BothLanguages,
        since: datetime | None = None,
        trigger: Trigger = Trigger.SIGHT_LOST,
    ) -> list[Event]:
        """Forget a subject; end its offence as unknown: nobody can say any more what it does.

        `since` is when the picture began to hide a place, which is known only a moment later; what
        was said in that moment stands.
        """
        offence = self.offences.pop(subject)
        if offence.state in FINAL:
            return []
        details: MoveDetails = {"reason": why.en, "reason_zh": why.zh}
        at = offence.stay.last.at
        if since is not None and offence.stay.is_of_the_place:
            at = min(at, max(since, offence.escalation.waits_since or since))
        return self._move(offence, trigger, at, details)

    def _leave(self, subject: OffenceKey, at: datetime, basis: LeavingBasis) -> list[Event]:
        """Forget a subject that has left; after a call that is compliance, whoever made it."""
        offence = self.offences.pop(subject)
        if offence.state in FINAL:
            return []
        is_warned = offence.state is State.TAKEN_OVER and offence.escalation.is_warned
        return self._move(
            offence, Trigger.LEFT_WARNED if is_warned else Trigger.LEFT, at, {"basis": basis}
        )

    def _move(
        self,
        offence: Offence,
        trigger: Trigger,
        at: datetime,
        details: MoveDetails | None = None,
    ) -> list[Event]:
        move = find_move(offence.state, trigger)
        # an operator's own words say what they are called; a rung is named by the ladder
        offence.make(move, at, is_rung="rung_id" not in (details or {}))
        if move.after in FINAL:
            self.repeats.note_end(offence, at, self.id_of(offence))
        if move.event_type is None:
            return []
        event = self._writer.write(move, offence, at, details or {})
        offence.note_call(event)
        return [event]


def _in_order(subjects: Iterable[OffenceKey]) -> list[OffenceKey]:
    """Sort tracks by number, then places by name: the same order on every run."""
    return sorted(subjects, key=order_of)
