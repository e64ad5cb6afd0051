"""Follow the log as a small sequential model, and object where it says what cannot be.

It is fed event by event, in the order of the log, and asks the devices and the street what really happened.
"""

from __future__ import annotations

from collections import Counter

from domain.events.announcements import MAY_HAVE_BEEN_HEARD, announcement_of
from domain.events.catalog import (
    AnnouncementMade,
    CommandGiven,
    CommandRefused,
    Event,
    EvidenceSealed,
    NotificationMade,
    NotificationRequested,
    OffenceClimbed,
    OffenceData,
    OffenceDispatched,
    OffenceEscalated,
    OffenceHandedBack,
    OffenceMerged,
    OffenceOpened,
    OffencePaused,
    OffenceTakenOver,
    OffenceWarned,
    OffenceWithheld,
    OutcomeData,
)
from domain.events.commands import LONGEST_PAUSE_S, answer_id
from domain.ids import mint
from domain.offence_states import MOVES, OPEN, State
from domain.rule_key import RuleKey
from domain.site.site import Site
from event_log.rows import LoggedEvent
from flows.notices.deliver import made_id
from tests.simulation.promises import (
    LONGEST_PAUSE,
    MoveChecks,
    Pause,
    ToldOffence,
    Truth,
    Violation,
    ladder_of,
    need,
    rung_of,
    steady_of,
)

MOVE_TYPES = frozenset(move.event_type for move in MOVES if move.event_type)
LEGAL = {(move.before, move.event_type, move.after) for move in MOVES}
REQUEST_TYPES = {
    "notify": "forewarn.notification.requested.v1",
    "open_case": "forewarn.case.requested.v1",
    "request_officer": "forewarn.officer.requested.v1",
}


class Model:
    """Fold the log into what it means, and check each step of it."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self.events: dict[str, LoggedEvent] = {}  # by id, in the order of the log
        self.offences: dict[str, ToldOffence] = {}
        self.warned: dict[str, LoggedEvent] = {}
        self.asked: dict[str, LoggedEvent] = {}  # requests to notify, and what was withheld
        self.sealed: set[str] = set()  # ids of offences
        self.due_requests: dict[str, tuple[float, int, str]] = {}  # id -> when, revision, what
        self.told_at_s: dict[str, float] = {}
        self.counts: Counter[str] = Counter()
        self._checks = MoveChecks(truth, self.events)

    def take(self, logged: LoggedEvent) -> None:
        """Take the next event of the log."""
        event, data = logged.event, logged.event.data
        if event.id in self.events:
            raise Violation(f"{event.id} stands in the log twice")
        self.events[event.id] = logged
        self.told_at_s[event.id] = self._truth.now_s()
        self.counts[event.type] += 1
        if event.type in MOVE_TYPES and isinstance(data, OffenceData):
            self._move(logged, data)
        elif isinstance(data, AnnouncementMade):
            self._announced(event, data)
        elif isinstance(data, NotificationRequested):
            self.asked[event.id] = logged
        elif isinstance(data, NotificationMade):
            self._told(data)
        elif isinstance(data, CommandRefused) and data.command_id not in self.events:
            raise Violation(f"{event.id}: a command was refused that nobody gave")
        elif isinstance(data, EvidenceSealed):
            known = self.offences.get(data.offence_id)
            if known is None or not known.ended_seq or data.offence_id in self.sealed:
                raise Violation(f"{data.offence_id}: sealed before it ended, or twice")
            if data.outcome != known.state:
                raise Violation(f"{data.offence_id}: sealed as {data.outcome}, was {known.state}")
            self.sealed.add(data.offence_id)

    def open_ids(self) -> list[str]:
        """Return the offences that have not ended."""
        return [name for name, each in self.offences.items() if each.state in OPEN]

    def key_of(self, offence_id: str) -> RuleKey:
        """Return under which rule on which camera an offence is."""
        opened = self.offences[offence_id].opened
        return RuleKey(opened.camera_id, opened.rule_id)

    def _move(self, logged: LoggedEvent, data: OffenceData) -> None:
        event, after = logged.event, State(data.state)
        revision, site = self._truth.site()
        known = self.offences.get(data.offence_id)
        if isinstance(data, OffenceOpened):
            need(known is None, data, "opened twice")
            known = ToldOffence(data, revision, self._truth.now_s())
            self.offences[data.offence_id] = known
        need(known is not None, data, "before it was opened")
        assert known is not None
        need(not known.ended_seq, data, f"after its end as {known.state}")
        is_legal = (known.state, event.type, after) in LEGAL
        need(is_legal, data, f"no move from {known.state} by {event.type}")
        self._checks.check(event, data, known)
        self._note(event, data, known, revision, site)
        known.state = after
        if isinstance(data, OutcomeData):
            known.ended_seq, known.ended_at_s = logged.seq, self._truth.now_s()
        if isinstance(data, OffenceWithheld):
            self.asked[event.id] = logged

    def _note(
        self, event: Event, data: OffenceData, known: ToldOffence, revision: int, site: Site
    ) -> None:
        """Remember what a move means for later ones."""
        if isinstance(data, OffenceOpened | OffenceWarned | OffenceClimbed | OffenceHandedBack):
            known.pause_from = steady_of(data)
            known.pause_from_s = self._truth.now_s()
        if isinstance(data, OffenceWarned):
            self.warned[event.id] = self.events[event.id]
            known.last_call = event.id
        if isinstance(data, OffenceMerged):  # into one of them, which waits as long as both would
            for each in self.offences.values():
                each.pause_from_s = self._truth.now_s()
        if rung := rung_of(data):
            known.passed.append(rung)
        if isinstance(data, OffenceTakenOver):
            known.holder = data.by_hand.operator
        elif isinstance(data, OffenceHandedBack):
            known.holder = ""
        self._note_pause(event, data, known)
        known.dispatched += isinstance(data, OffenceDispatched)
        for what in _asks(data, site):
            event_id = mint("evt", event.id, REQUEST_TYPES[what])
            self.due_requests[event_id] = (self._truth.now_s(), revision, what)
        if known.revision != revision:
            known.revision = -1

    def _note_pause(self, event: Event, data: OffenceData, known: ToldOffence) -> None:
        """Remember who is deciding; whatever they have done ends it."""
        by_hand, now_s = getattr(data, "by_hand", None), self._truth.now_s()
        if isinstance(data, OffencePaused):
            is_seen = abs(event.time - data.sighting.at) < LONGEST_PAUSE / 30
            since = steady_of(data) + (event.time - data.sighting.at) if is_seen else None
            known.paused[data.by_hand.operator] = Pause(since, now_s + LONGEST_PAUSE_S)
        elif by_hand is not None and by_hand.operator in known.paused:
            known.paused[by_hand.operator] = Pause(None, now_s)

    def _announced(self, event: Event, data: AnnouncementMade) -> None:
        warned = self.warned.get(data.warned_event_id)
        if warned is None or event.id != announcement_of(data.warned_event_id):
            raise Violation(f"{event.id}: a call of which nobody was warned")
        heard = self._truth.heard(warned.event.id)
        other = self.events.get(data.said_with)
        if data.said_with:
            if heard or other is None or not isinstance(other.event.data, AnnouncementMade):
                raise Violation(f"{event.id}: said with a call that is not there, or twice")
        elif data.result == "played" and heard != 1:
            raise Violation(f"{event.id}: played, and heard {heard} times")
        elif data.result not in MAY_HAVE_BEEN_HEARD and heard:
            raise Violation(f"{event.id}: {data.result}, and heard {heard} times")

    def _told(self, data: NotificationMade) -> None:
        if data.request_event_id not in self.asked:
            raise Violation(f"{data.request_event_id}: told of, and nobody asked for it")
        arrived = self._truth.arrived(data.recipient_id, data.request_event_id)
        if data.result == "sent" and arrived != 1:
            raise Violation(f"{data.request_event_id}: sent, and arrived {arrived} times")
        if data.result not in ("sent", "unknown whether sent") and arrived:
            raise Violation(f"{data.request_event_id}: {data.result}, and arrived")

    def missing(self, since_s: float, revision: int) -> list[str]:
        """Name what should have come of what was told before a moment, and has not.

        `revision` is of the site file that is in force: what a rung asked for under another is not judged.
        """
        old = {name for name, at_s in self.told_at_s.items() if at_s < since_s}
        faults = [
            f"{name}: {each.state}, and does not end"
            for name, each in self.offences.items()
            if each.state in OPEN and each.at_s < since_s
        ]
        faults += [
            f"{name}: ended and not sealed"
            for name, each in self.offences.items()
            if each.ended_seq and each.ended_at_s < since_s and name not in self.sealed
        ]
        faults += [
            f"{name}: nobody says what came of the call"
            for name in self.warned
            if name in old and announcement_of(name) not in self.events
        ]
        faults += [
            f"{name}: a command without an answer"
            for name in old
            if isinstance(self.events[name].event.data, CommandGiven)
            and answer_id(name) not in self.events
        ]
        faults += [
            f"{name}: asked for {what} and not on record"
            for name, (at_s, asked_by, what) in self.due_requests.items()
            if at_s < since_s and asked_by == revision and name not in self.events
        ]
        for name, logged in self.asked.items():
            data = logged.event.data
            if name in old and isinstance(data, NotificationRequested):
                faults += [
                    f"{name}: nobody says what came of telling {whom}"
                    for whom in data.recipients
                    if made_id(logged.event, whom) not in self.events
                ]
        return faults


def _asks(data: OffenceData, site: Site) -> tuple[str, ...]:
    """Return what a move asks of people, as the ladder has it."""
    ladder = ladder_of(data, site)
    if ladder is None:
        return ()
    does: tuple[str, ...] = ()
    if 0 < rung_of(data) <= len(ladder.rungs):
        does = ladder.rungs[rung_of(data) - 1].does
    elif isinstance(data, OffenceEscalated):
        does = ladder.escalation_does
    elif isinstance(data, OffenceDispatched):
        does = ("request_officer",)
    return tuple(each for each in does if each != "announce")
