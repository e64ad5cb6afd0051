"""A ladder that is stepped by hand with an event log beside it, as the watch flow has one."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from by_operators import command_event
from people import BEGAN, HERE, presence

from domain.cameras.status import CameraNotice, ReadCounts
from domain.events.catalog import (
    CommandGiven,
    CommandRefused,
    Event,
    OffenceClimbed,
    OffenceData,
    OffenceEscalated,
    OffenceExempted,
    OffenceHandedBack,
    OffenceOpened,
    OffencePaused,
    OffenceTakenOver,
    OffenceUnknown,
    OffenceWarned,
    OutcomeData,
)
from domain.events.commands import CommandKind, Refusal, answer_id
from domain.rule_key import RuleKey
from domain.saved_state import Saved
from event_log.rows import LoggedEvent
from flows.escalation.commands.command_intake import CommandContext, PendingCommand, take_up
from flows.escalation.ladder import RuleLadder
from flows.escalation.watched_rule import RULE_FORMAT, RuleState

FRAMES = 120  # two a second
NO_FRAME = "no frame"
BY_ITSELF = (OffenceWarned, OffenceClimbed, OffenceEscalated, OffenceExempted)
Shown = bool | str | None
Wish = tuple[int, CommandKind, str, str]  # frame, what, who, text


@dataclass
class Log:
    """What the event log keeps: an id once, with its first content."""

    events: dict[str, LoggedEvent] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)

    def append(self, events: Sequence[Event]) -> None:
        for event in events:
            logged = LoggedEvent(len(self.events) + 1, event, BEGAN)
            if self.events.setdefault(event.id, logged).event != event:
                self.conflicts.append(event.id)

    def about(self, offence_id: str) -> list[LoggedEvent]:
        return [each for each in self.events.values() if each.event.subject == offence_id]

    def stories(self, known: Sequence[str], since: datetime | None) -> dict[str, list[Event]]:
        """As LoggedOffences gives them."""
        opened = [e.subject for e in self.story() if isinstance(e.data, OffenceOpened)]
        ended = {e.subject: e.time for e in self.story() if isinstance(e.data, OutcomeData)}
        wanted = [
            each
            for each in opened
            if each in known or each not in ended or (since is not None and ended[each] >= since)
        ]
        return {each: [logged.event for logged in self.about(each)] for each in wanted}

    def story(self) -> list[Event]:
        return [each.event for each in self.events.values()]


@dataclass
class Watch:
    """A ladder that reads commands from the log, as the watch flow does; may be saved and killed."""

    log: Log
    make: Callable[[], RuleLadder]

    def __post_init__(self) -> None:
        self.ladder = self.make()
        self.read_to = 0
        self.number, self.box_xyxy = 1, HERE  # of the one who comes and goes
        self.desk = CommandContext(
            self.log.events.get, self.log.about, {RuleKey("north", "keep-off")}
        )

    def step(self, n: int, shown: Shown) -> None:
        if shown == NO_FRAME:
            return
        people = {} if shown is None else {self.number: bool(shown)}
        frame = presence(n / 2, people, self.box_xyxy)
        self.log.append(self.ladder.step(frame.frame, frame.holdings))

    def read(self) -> None:
        for logged in list(self.log.events.values())[self.read_to :]:
            if isinstance(logged.event.data, CommandGiven):
                taken = take_up(logged, self.desk)
                if isinstance(taken, PendingCommand):
                    self.log.append(self.ladder.command(taken))
                elif taken is not None:
                    self.log.append([taken])
            self.read_to += 1

    def adopt(self) -> None:
        """Go on with a live camera: no frame is shown again."""
        known = [self.ladder.id_of(each) for each in self.ladder.offences.values()]
        self.ladder.adopt(self.log.stories(known, self.ladder.last_at))

    def end(self) -> None:
        at = BEGAN + timedelta(seconds=FRAMES)
        notice = CameraNotice("north", "ended", None, at, ReadCounts(FRAMES, 0), FRAMES / 2)
        self.log.append(self.ladder.notice(notice))
        self.read()

    def save(self) -> tuple[Saved, int]:
        return save_ladder(self.ladder), self.read_to

    def restore(self, saved: tuple[Saved, int]) -> None:
        state, self.read_to = saved
        restore_ladder(self.ladder, state)


def save_ladder(ladder: RuleLadder) -> Saved:
    """Save a rule's state as recovery does, and read it out of the store."""
    state = RuleState(
        offences=ladder.offences,
        last_at=ladder.last_at,
        past=ladder.repeats.past,
        held=ladder.held,
        sight=ladder.sight,
    )
    saved: Saved = pickle.loads(pickle.dumps(RULE_FORMAT.save(state)))
    return saved


def restore_ladder(ladder: RuleLadder, saved: Saved) -> RuleLadder:
    """Let the ladder go on from what was stored."""
    state = RULE_FORMAT.restore(saved)
    ladder.restore(state.offences, state.last_at, state.past, state.held, state.sight)
    return ladder


def ask(log: Log, wish: Wish, key: int) -> None:
    """Log an operator's command about the offence that opened last; none where there is no offence."""
    opened = [each for each in log.story() if isinstance(each.data, OffenceOpened)]
    if not opened:
        return
    _, kind, operator, text = wish
    more = {"text_id": text} if kind is CommandKind.SPEAK else {}
    log.append([command_event(kind, opened[-1].subject, operator=operator, key=str(key), **more)])


def check(log: Log) -> None:
    """Check what holds of every story."""
    refused = [e.data for e in log.story() if isinstance(e.data, CommandRefused)]
    assert all(
        each.why is not Refusal.NOT_WATCHED for each in refused
    )  # commands got to the ladder
    by_offence: dict[str, list[Event]] = {}
    for event in log.story():
        if isinstance(event.data, OffenceData):
            by_offence.setdefault(event.subject, []).append(event)
    for events in by_offence.values():
        assert [type(event.data) for event in events].count(OffenceOpened) == 1
        assert isinstance(events[0].data, OffenceOpened)
        ends = [event for event in events if isinstance(event.data, OutcomeData)]
        assert len(ends) == 1, "an offence ends, once"
        assert events[-1] is ends[0]
        times = [event.time for event in events if not isinstance(event.data, OffenceUnknown)]
        assert times == sorted(times), "nothing happens before what is on record"
        rungs = [e.data.rung_number for e in events if isinstance(e.data, OffenceWarned)]
        climbed = [number for number in rungs if number]
        assert climbed == list(range(1, len(climbed) + 1)), "each rung once, in order"
        holder, deciding = "", dict[str, datetime]()
        for event in events:
            data = event.data
            by_hand = getattr(data, "by_hand", None)
            if isinstance(data, BY_ITSELF) and by_hand is None:
                assert all(event.time >= until for until in deciding.values())
            if by_hand is not None:
                deciding.pop(by_hand.operator, None)
            if isinstance(data, OffencePaused):
                deciding[data.by_hand.operator] = data.paused_until
            if isinstance(data, OffenceTakenOver):
                holder = data.by_hand.operator
            elif isinstance(data, OffenceHandedBack):
                assert data.taken_by == holder
                holder = ""
            elif holder:
                assert not isinstance(data, OffenceEscalated | OffenceExempted)
                assert not isinstance(data, OffenceWarned) or data.by_hand is not None
    for event in log.story():
        if isinstance(event.data, CommandGiven):
            assert answer_id(event.id) in log.events, "every command is answered"
