"""Check one move of an offence against what is known of it, and against what really happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.events.announcements import AnnouncementMade, announcement_of
from domain.events.catalog import (
    Event,
    OffenceClimbed,
    OffenceData,
    OffenceDispatched,
    OffenceEscalated,
    OffenceExempted,
    OffenceHandedBack,
    OffenceOpened,
    OffencePaused,
    OffenceWarned,
    OutcomeData,
)
from domain.events.commands import LONGEST_PAUSE_S, answer_id
from domain.events.wall_time import steady_time_of_sighting
from domain.offence_states import State
from domain.picture_digest import CLEAR
from domain.site.ladders import Ladder
from domain.site.site import Site
from domain.tracks import Track, parse_subject
from event_log.rows import LoggedEvent
from tests.simulation.street import Shown

EPSILON = timedelta(milliseconds=1)
FRAMES_LATE = 2
ZERO, LONGEST_PAUSE = timedelta(0), timedelta(seconds=LONGEST_PAUSE_S)
BY_ITSELF = (OffenceOpened, OffenceWarned, OffenceClimbed, OffenceEscalated, OffenceExempted)
Logged = Mapping[str, LoggedEvent]


class Violation(AssertionError):
    """What the system promises was not kept."""


@dataclass(frozen=True, slots=True)
class Pause:
    """While it lasts, somebody decides and nothing goes on by itself."""

    since: datetime | None  # steady; None: the clock may have been set since the last sighting
    over_s: float  # of the simulation: by then it is, at the latest


@dataclass
class ToldOffence:
    """What the log has told of one offence."""

    opened: OffenceOpened
    revision: int  # of the site file by which it was watched; -1: by several
    at_s: float  # of the simulation
    state: State = State.SUSPECTED
    passed: list[int] = field(default_factory=list)  # rungs, by number
    pause_from: datetime | None = None  # steady time after which the next rung's pause is counted
    pause_from_s: float = 0.0  # the same, of the simulation
    last_call: str = ""  # id of the last warning
    holder: str = ""
    dispatched: int = 0
    paused: dict[str, Pause] = field(default_factory=dict)  # by operator
    ended_seq: int = 0
    ended_at_s: float = 0.0


@dataclass
class Truth:
    """Whom the model asks what really happened."""

    site: Callable[[], tuple[int, Site]]  # by which the watch program runs
    shown: Callable[[str, datetime], Shown | None]  # what a camera's frame of that moment showed
    last_shown: Callable[[str], Shown | None]
    heard: Callable[[str], int]  # how often a warning's call was heard
    arrived: Callable[[str, str], int]  # how often a request reached a recipient
    now_s: Callable[[], float]
    heard_until: Callable[[str], float | None]  # when a warning's call was over; None: not heard
    told_at: Callable[[str], float]  # when an event came into the log
    is_time_broken: Callable[[], bool]  # the machine was off: steady time is what the wall said
    lately: Callable[[str], Iterable[Shown]]  # a camera's last frames
    watch_began_s: Callable[[], float]  # when the watch program was started last


@dataclass
class MoveChecks:
    """What every move has to keep."""

    truth: Truth
    events: Logged  # of the log so far, by id

    def check(self, event: Event, data: OffenceData, known: ToldOffence) -> None:
        """Check a move that the ladder's table knows."""
        _, site = self.truth.site()
        ladder = ladder_of(data, site)
        self._check_by_hand(event, data, known)
        climbs = getattr(data, "by_hand", None) is None and isinstance(data, BY_ITSELF)
        if climbs:
            self._check_seen(data, site)
        rung = rung_of(data)
        if rung:
            self._check_rung(data, known, rung)
        if isinstance(data, OffenceEscalated | OffenceExempted) and ladder is not None:
            self._check_spent(data, known, ladder)
        if climbs and ladder is not None:
            self._check_pause(data, known, ladder, rung)
            self._check_late(data, known, ladder, rung)
        if isinstance(data, OffenceOpened):
            stayed = steady_of(data) - steady_time_of_sighting(data.first_sighting)
            need(stayed >= timedelta(seconds=data.threshold_s), data, "opened too early")
        if data.state in (State.COMPLIED, State.LAPSED) and isinstance(data, OutcomeData):
            self._check_left(data, site)

    def _check_left(self, data: OffenceData, site: Site) -> None:
        """Check that who has left is not there; a line may be crossed back from either side."""
        condition = site.rule(data.rule_id).condition if has_rule(data, site) else None
        last, subject = self.truth.last_shown(data.camera_id), subject_of(data)
        if isinstance(subject, Track) and last and condition and not condition.line_crossed:
            need(subject.number not in last.inside, data, "left, and was seen inside just now")

    def _check_by_hand(self, event: Event, data: OffenceData, known: ToldOffence) -> None:
        """Check what operators have to do with it."""
        by_hand = getattr(data, "by_hand", None)
        if by_hand is not None:
            is_given = by_hand.command_id in self.events and event.id == answer_id(
                by_hand.command_id
            )
            need(is_given, data, "done by a command that nobody gave")
        elif known.state is State.TAKEN_OVER and isinstance(data, BY_ITSELF):
            need(False, data, f"goes on by itself while {known.holder} has it")
        if by_hand is None and isinstance(data, BY_ITSELF) and not self.truth.is_time_broken():
            for who, pause in known.paused.items():
                is_on = pause.since and ZERO <= steady_of(data) - pause.since < LONGEST_PAUSE
                need(not is_on, data, f"goes on by itself while {who} is deciding")
        if isinstance(data, OffencePaused):
            need(by_hand.operator not in known.paused, data, "waits for somebody twice")
        if isinstance(data, OffenceHandedBack):
            need(data.taken_by == known.holder, data, f"handed back, {known.holder} had it")
        if isinstance(data, OffenceDispatched):
            need(not known.dispatched, data, "a second officer is sent")

    def _check_seen(self, data: OffenceData, site: Site) -> None:
        """Check that nobody is judged by a frame that does not show them there."""
        shown = self.truth.shown(data.camera_id, steady_of(data))
        need(shown is not None, data, "judged by a frame that never was")
        assert shown is not None
        condition = site.rule(data.rule_id).condition if has_rule(data, site) else None
        subject, crossed = subject_of(data), condition is not None and condition.line_crossed
        if isinstance(subject, Track):
            seen = shown.inside | shown.outside if crossed else shown.inside
            need(condition is None or subject.number in seen, data, "judged unseen")
        if condition is not None and condition.at_least is not None:
            need(len(shown.inside) >= condition.at_least.count, data, "there are fewer")
        if condition is not None and condition.absent is not None:
            need(not shown.inside, data, "somebody is there")
        places = condition.places() if condition is not None else ()
        is_unfit = shown.sight.faults or shown.sight.unfit_areas.keys() & set(places)
        needs_fit = not isinstance(data, OffenceOpened | OffenceExempted)
        need(not (is_unfit and needs_fit), data, "goes on by a picture that is not fit")

    def _check_rung(self, data: OffenceData, known: ToldOffence, rung: int) -> None:
        """Check that rungs come one after the other, each once."""
        if known.passed:
            need(rung == known.passed[-1] + 1, data, f"rung {rung} after {known.passed}")
        elif not known.opened.earlier_offences:
            need(rung == 1, data, f"begins with rung {rung}")

    def _check_spent(self, data: OffenceData, known: ToldOffence, ladder: Ladder) -> None:
        """Check that nobody is sent before every call was made; the site file may have got rungs since."""
        first = known.passed[0] if known.passed else 1
        left = set(range(first, len(ladder.rungs) + 1)) - set(known.passed)
        need(not left or not self._is_of_one_revision(known), data, f"without rungs {left}")

    def _check_pause(
        self, data: OffenceData, known: ToldOffence, ladder: Ladder, rung: int
    ) -> None:
        """Check that what comes due waited as long as the ladder says, after what was before."""
        is_first = not known.passed and bool(rung)
        if known.pause_from is None or not self._is_of_one_revision(known):
            return
        if is_first and known.opened.earlier_offences:
            return  # a repeater's first call is due at once
        pause_s = ladder.rungs[rung - 1].after_s if rung else ladder.escalate_after_s
        passed = steady_of(data) - known.pause_from
        words = f"{rung or 'the end'} only {passed.total_seconds()} s after what was before"
        need(passed >= timedelta(seconds=pause_s) - EPSILON, data, words)
        until_s = self._heard_until(known.last_call)
        if until_s is None or ladder.next_rung_counts_from == "due" or self.truth.is_time_broken():
            return
        # whatever was done to the wall's clock: nobody is called again before they had time to go
        until_s = min(until_s, self.truth.told_at(known.last_call) + ladder.waits_for_call_s)
        heard_s = self.truth.now_s() - until_s
        words = f"{rung or 'the end'} only {heard_s} s after a call was over"
        need(heard_s >= pause_s - 0.01, data, words)

    def _check_late(self, data: OffenceData, known: ToldOffence, ladder: Ladder, rung: int) -> None:
        """Check that nobody was seen there, well and often, after the time of what comes due now."""
        subject = subject_of(data)
        if isinstance(data, OffenceOpened) or not isinstance(subject, Track):
            return
        if not self._is_of_one_revision(known) or self.truth.is_time_broken():
            return
        is_first = not known.passed and bool(rung) and bool(known.opened.earlier_offences)
        pause_s = ladder.rungs[rung - 1].after_s if rung else ladder.escalate_after_s
        since_s = known.pause_from_s + (0.0 if is_first else pause_s)
        if known.last_call and ladder.next_rung_counts_from == "said":
            since_s = max(since_s, self._counted_from_s(known.last_call, ladder, pause_s))
        paused_s = (pause.over_s for pause in known.paused.values())
        since_s = max(since_s, self.truth.watch_began_s() + 1.0, *paused_s)
        frames = [
            each
            for each in self.truth.lately(data.camera_id)
            if since_s < each.at_s < self.truth.now_s()
            and subject.number in each.inside
            and each.sight == CLEAR
        ]
        words = f"{rung or 'the end'} after {len(frames)} frames in which it was due"
        need(len(frames) <= FRAMES_LATE, data, words)

    def _counted_from_s(self, call: str, ladder: Ladder, pause_s: float) -> float:
        """Return when the pause after a call is over, and the ladder can know it."""
        called_s = self.truth.told_at(call)
        patient_until_s = called_s + ladder.waits_for_call_s
        word = announcement_of(call)
        if word not in self.events:
            return patient_until_s
        heard_s = min(self._heard_until(call) or called_s, patient_until_s)
        return max(heard_s + pause_s, min(self.truth.told_at(word), patient_until_s))

    def _heard_until(self, call: str) -> float | None:
        """Return when a call was over, or the one that stood for it; None: nobody heard one."""
        word = self.events.get(announcement_of(call))
        if word is not None and isinstance(word.event.data, AnnouncementMade):
            other = self.events.get(word.event.data.said_with)
            if other is not None and isinstance(other.event.data, AnnouncementMade):
                call = other.event.data.warned_event_id
        return self.truth.heard_until(call)

    def _is_of_one_revision(self, known: ToldOffence) -> bool:
        return known.revision == self.truth.site()[0]


def need(is_kept: bool, data: OffenceData, words: str) -> None:
    """Raise a Violation that names the offence, where something is not kept."""
    if not is_kept:
        raise Violation(f"{data.offence_id}: {data.state}: {words}")


def rung_of(data: OffenceData) -> int:
    """Return the rung that came due, 0 for none and for an operator's words."""
    return data.rung_number if isinstance(data, OffenceWarned | OffenceClimbed) else 0


def subject_of(data: OffenceData) -> object:
    """Return who it is about."""
    return parse_subject(data.subject_id.removeprefix(f"{data.camera_id}/"))


def steady_of(data: OffenceData) -> datetime:
    """Return the steady time of the frame that an event arose from."""
    return steady_time_of_sighting(data.sighting)


def has_rule(data: OffenceData, site: Site) -> bool:
    """Tell whether the site file still has the rule."""
    return any(rule.id == data.rule_id for rule in site.rules)


def ladder_of(data: OffenceData, site: Site) -> Ladder | None:
    """Return the ladder of an offence's rule; None: the rule was taken out of the site file."""
    return site.ladder(site.rule(data.rule_id).ladder) if has_rule(data, site) else None
