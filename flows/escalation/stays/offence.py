"""Hold one offence: a stay under a rule, how far its ladder has come, and which operator has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime, FiniteFloat, NonNegativeInt

from domain.events.catalog import (
    ByHand,
    CallBefore,
    Event,
    OffenceClimbed,
    OffenceWarned,
    Sighting,
)
from domain.events.commands import LONGEST_PAUSE_S, CommandKind
from domain.frames import FrameStamp
from domain.offence_states import START, Move, State, Trigger
from flows.conditions.condition import Holding
from flows.escalation.call_pauses import Call
from flows.escalation.stays.stay import OutOfSight, Stay
from flows.escalation.stays.whereabouts import Whereabouts

# states that events have told of
TOLD = frozenset(State) - {State.SUSPECTED, State.DROPPED}
CALLS = (OffenceWarned.event_type, OffenceClimbed.event_type)


@dataclass(slots=True)
class Escalation:
    """Say how far the ladder of one offence has come; saved with every epoch."""

    next_rung: NonNegativeInt = 0  # index of the rung that comes next
    first_rung: NonNegativeInt = 0  # index of the rung that this ladder began with
    earlier_offences: NonNegativeInt = 0  # of the same subject, within the repeat window
    # one for each rung that came due, spoken or not, and for each time an operator had words spoken
    calls: list[Sighting] = field(default_factory=list)
    is_warned: bool = False  # something was said to them
    # (calls before, reasons) of what was withheld, each written once
    withheld: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    # pauses count from here: last call, opening, hand-back
    waits_since: AwareDatetime | None = None
    call: Call | None = None  # the last one, a rung's or an operator's
    call_before: CallBefore | None = None  # what was known of it when the pause was over

    def begin_at(self, rung: int, earlier_offences: int) -> None:
        """Begin higher for who offended before."""
        self.first_rung = self.next_rung = rung
        self.earlier_offences = earlier_offences

    @property
    def is_repeaters_first_call(self) -> bool:
        """Whether the rung that comes next is the first for somebody who offended before."""
        return self.first_rung > 0 and not self.calls

    def note_withheld(self, reasons: tuple[str, ...]) -> bool:
        """Remember that what is due was withheld; False if that was known."""
        withheld = (len(self.calls), reasons)
        if withheld in self.withheld:
            return False
        self.withheld.append(withheld)
        return True


@dataclass(frozen=True, slots=True)
class OperatorHold:
    """Say which operator has taken an offence over, and since when."""

    operator: str
    since: AwareDatetime


@dataclass(frozen=True, slots=True)
class DecisionPause:
    """Say who is deciding what to do about an offence, and since when."""

    operator: str
    since: AwareDatetime

    def lasts(self, at: datetime) -> bool:
        """Tell whether the ladder waits for them; one of a clock that was ahead holds up nothing."""
        return 0 <= (at - self.since).total_seconds() < LONGEST_PAUSE_S


@dataclass(slots=True)
class Taken:
    """Hold what is needed to undo that somebody under a new number was taken for this subject."""

    was: NonNegativeInt  # number before
    at: AwareDatetime  # when it was decided
    young: Stay | None  # of the newcomer until then
    # of the stay until then
    last: Sighting
    last_seen_at: AwareDatetime
    whereabouts: Whereabouts | None
    hidden: OutOfSight | None
    unseen_s: FiniteFloat
    back_at: AwareDatetime | None = None  # when the number before was seen again


@dataclass(slots=True)
class Offence:
    """Hold the state of one stay under a rule, an offence from the opening on."""

    stay: Stay
    state: State = START
    escalation: Escalation = field(default_factory=Escalation)
    hold: OperatorHold | None = None  # None: the ladder has it
    operators_did: list[ByHand] = field(default_factory=list)  # commands that were carried out
    pauses: list[DecisionPause] = field(default_factory=list)  # at most one of each operator
    taken: Taken | None = None  # a moment ago

    @classmethod
    def begin(cls, frame: FrameStamp, holding: Holding) -> Offence:
        """Begin with the first frame in which the condition holds."""
        return cls(Stay.begin(frame, holding))

    def make(self, move: Move, at: datetime, *, is_rung: bool = True) -> None:
        """Make a move of the ladder.

        Args:
            move: from the state in which the offence is.
            at: event time.
            is_rung: of a call: it is the next rung's, and no words of an operator beside the ladder.
        """
        climb = self.escalation
        if move.trigger in (Trigger.THRESHOLD_REACHED, Trigger.MARKED):
            climb.waits_since = at
        elif move.event_type in CALLS:
            climb.calls.append(self.stay.last)
            climb.next_rung += is_rung
            climb.waits_since = at
            climb.is_warned |= move.event_type == OffenceWarned.event_type
        elif move.before is State.TAKEN_OVER and move.after is not State.TAKEN_OVER:
            self.hold, climb.waits_since = None, at
        self.state = move.after

    def take_in(self, other: Offence) -> None:
        """Take in what was seen and said under another offence of the same subject."""
        self.stay.take_in(other.stay)
        # the rungs stay this one's own, for its record shows what was said under it
        self.escalation.is_warned |= other.escalation.is_warned
        said = other.escalation.waits_since
        if self.escalation.waits_since is not None and said is not None:
            self.escalation.waits_since = max(self.escalation.waits_since, said)

    def note_call(self, event: Event) -> None:
        """Remember which call was the last, so that the next rung can wait for it."""
        if event.type == OffenceWarned.event_type:
            self.escalation.call = Call(event.id, event.time)
            self.escalation.call_before = None

    def note_by_hand(self, by_hand: ByHand, at: datetime) -> None:
        """Remember what somebody had done; whatever it is, they are not deciding any more, or just begin to."""
        self.operators_did.append(by_hand)
        self.pauses = [each for each in self.pauses if each.operator != by_hand.operator]
        if by_hand.command is CommandKind.PAUSE:
            self.pauses.append(DecisionPause(by_hand.operator, at))

    @property
    def was_started_by_hand(self) -> bool:
        """Tell whether a person saw it and marked it, and no camera."""
        return any(act.command is CommandKind.START for act in self.operators_did)

    def is_paused(self, at: datetime) -> bool:
        """Tell whether somebody is deciding, so that nothing comes due."""
        return any(pause.lasts(at) for pause in self.pauses)

    def was_done(self, command_id: str) -> bool:
        """Tell whether an operator's command was carried out."""
        return any(act.command_id == command_id for act in self.operators_did)
