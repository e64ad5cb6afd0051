"""Climb the ladder of one rule on one camera: who holds its condition in, events out.

All times are the frames' own. Gap semantics: a stay begins with the first frame in which the
condition holds for a subject ("in the zone", for short). Unseen for up to the rule's
gap_tolerance_s (missed detections, occlusion) the stay goes on and the gap counts as stayed. Seen
outside for comply_after_s, or unseen for longer than the tolerance and last seen on the way out: left.
Unseen for longer, and not on the way out: hidden. The stay goes on and nothing is said, until they are
seen again, under whatever number (out_of_sight/), or were hidden for too long: then nobody can say.
While it is not known whether the condition holds, a stay neither begins nor ends, and nothing is said.
No frames at all for longer than the tolerance, or a notice that the camera ended or failed: nobody
can say, so offences become unknown, and stays that were no offence yet are dropped. The same goes
for who is unseen while something is wrong with the picture; while it is only in doubt, nothing is
said and nobody counts as gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from domain.base import BothLanguages
from domain.cameras.messages import trouble
from domain.cameras.status import WATCHED, CameraNotice
from domain.events.catalog import Event
from domain.frames import FrameStamp
from domain.picture_digest import CLEAR, PictureTrust
from domain.site.ladders import Ladder
from domain.site.operators import OperatorSettings
from domain.site.rules import Rule
from domain.tracks import SubjectKey, SubjectLink, SubjectMatch, Track
from flows.camera_health.warn_gate import WarnGate
from flows.conditions.condition import Holding
from flows.escalation.call_pauses import CallPauses
from flows.escalation.commands.command_intake import PendingCommand
from flows.escalation.commands.held_commands import HeldCommands
from flows.escalation.moves import OffenceBook
from flows.escalation.offence_writer import OffenceWriter
from flows.escalation.out_of_sight.coming_out import ComingOut
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.out_of_sight.subject_numbers import SubjectNumbers
from flows.escalation.out_of_sight.unseen import UnseenStays
from flows.escalation.repeat_offenders import Past, Repeats
from flows.escalation.restart.resume import Resumption, find_again
from flows.escalation.schedule import EscalationSchedule
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import OffenceKey


class RuleLadder:
    """Keep the stays and offences of one rule on one camera.

    A plain class: `step` can be called with no stream running. A restart needs `offences`, keyed by
    subject, `last_at`, `sight`, `held` and `repeats.past`; `restore` takes them.
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
        self._gap = timedelta(seconds=rule.gap_tolerance_s)
        repeats = Repeats(ladder)
        self._book = book = OffenceBook(writer, repeats, gate)
        self._schedule = EscalationSchedule(rule, ladder, repeats, pauses)
        self._unseen = UnseenStays(book, self._schedule, self._gap)
        self._numbers = SubjectNumbers(book, rule.threshold_s)
        self._commands = HeldCommands(book, operators or OperatorSettings(), ladder)
        self._resumption = Resumption(book, rule, ladder)
        self.last_at: datetime | None = None
        self.sight = CLEAR  # of the last frame

    @property
    def offences(self) -> dict[OffenceKey, Offence]:
        """Return the offences, and the stays that are none yet, by subject."""
        return self._book.offences

    @property
    def repeats(self) -> Repeats:
        """Return who offended before."""
        return self._book.repeats

    @property
    def held(self) -> list[PendingCommand]:
        """Return the commands whose moment has not come."""
        return self._commands.held

    def restore(
        self,
        offences: dict[OffenceKey, Offence],
        last_at: datetime | None,
        past: dict[SubjectKey, Past],
        held: list[PendingCommand],
        sight: PictureTrust = CLEAR,
    ) -> None:
        """Go on from a saved state: what the attributes of these names were, `past` of `repeats`."""
        self._book.offences, self._book.repeats.past = offences, past
        self._commands.held = held
        self.last_at, self.sight = last_at, sight

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
        events = self._resumption.give_up_missing(at)
        if self.last_at is not None and at - self.last_at > self._gap:
            silent_s = (at - self.last_at).total_seconds()
            events += self.lose_sight(trouble("silent", silent_s=silent_s))
        self.repeats.forget(at)
        seen: dict[OffenceKey, Holding] = {holding.subject: holding for holding in holdings}
        # judged before this frame's sightings are taken in: at any frame rate, a longer gap is two
        # stays; and by the last picture in which they might have been seen
        events += self._unseen.end_interrupted(seen, at, self.sight, outlook)
        self.last_at, self.sight = at, sight
        offences = self._book.offences
        find_again(offences, seen)
        for subject, holding in seen.items():
            if holding.holds and subject not in offences:
                offences[subject] = Offence.begin(frame, holding)
            if isinstance(subject, Track) and subject in offences:
                self._numbers.note_match(offences[subject], matches.get(subject.number))
        for subject in self._book.in_order():
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
        self._resumption.adopt(stories, broken_at)
        self._commands.adopt({event.id for story in stories.values() for event in story})
        self.last_at = None  # commands wait for a frame, and the search begins with it

    def id_of(self, offence: Offence) -> str:
        """Return the offence's id in events."""
        return self._book.id_of(offence)

    def command(self, pending: PendingCommand) -> list[Event]:
        """Take an operator's command: at once, or when time has come to where it belongs."""
        return self._commands.give(pending, self.last_at, self.sight)

    def take_held(self, at: datetime | None) -> list[Event]:
        """Carry out the commands that belong to this moment or before; None: all there are."""
        return self._commands.take(at, self.sight)

    def renumber(self, link: SubjectLink, at: datetime) -> list[Event]:
        """Take the tracker's word that a new number is somebody who was seen before; return what ends by it."""
        return self._numbers.renumber(link, at)

    def come_out(self, holdings: Sequence[Holding], outlook: Outlook) -> list[ComingOut]:
        """Go on with the stays of hidden people who came out; call it before `step`, with what that will be given."""
        return self._numbers.come_out(holdings, outlook)

    def notice(self, notice: CameraNotice) -> list[Event]:
        """Take news of the camera; if it gives no pictures, nobody is watching any more."""
        if notice.status in WATCHED:
            return []
        why = notice.said or trouble("footage_ended")
        return self.lose_sight(why) + self.take_held(None)

    def lose_sight(self, why: BothLanguages) -> list[Event]:
        """End all offences as unknown and drop all other stays: nobody is watching any more."""
        return self._book.lose_all(why)

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
                return self._book.leave(subject, at, stay.basis)
        elif self._schedule.is_gone(stay, at):
            ended = self._unseen.end(subject, at, sight, outlook)
            if subject not in self.offences:
                return ended
        events = self._commands.hand_back(offence, at)
        if holding is not None and holding.holds:
            # nobody is warned on the strength of a frame in which they were not seen
            for trigger in self._schedule.due(offence, at):
                events += self._book.move_if_fit(offence, trigger, at, sight)
        return events
