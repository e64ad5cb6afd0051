"""Offences, their rungs, and operators' commands: what the log tells must be one story."""

from __future__ import annotations

from collections import Counter, defaultdict

from benchmarks.chaos.left import Left
from benchmarks.chaos.tally import Tally
from domain.events.catalog import (
    CommandGiven,
    CommandRefused,
    OffenceClimbed,
    OffenceData,
    OffenceDismissed,
    OffenceDispatched,
    OffenceEscalated,
    OffenceHandedBack,
    OffenceOpened,
    OffencePaused,
    OffenceResumed,
    OffenceTakenOver,
    OffenceWarned,
    OffenceWithheld,
    OutcomeData,
    RequestData,
)
from domain.events.commands import CommandKind

DEEDS: dict[CommandKind, type[OffenceData]] = {
    CommandKind.TAKE_OVER: OffenceTakenOver,
    CommandKind.HAND_BACK: OffenceHandedBack,
    CommandKind.SPEAK: OffenceWarned,
    CommandKind.DISPATCH: OffenceDispatched,
    CommandKind.DISMISS: OffenceDismissed,
    CommandKind.PAUSE: OffencePaused,
    CommandKind.RESUME: OffenceResumed,
}


def count_offences(left: Left, tally: Tally) -> None:
    """Count that each offence opens once and ends once."""
    opened = Counter(event.subject for event, _ in left.of(OffenceOpened))
    ended = Counter(event.subject for event, _ in left.of(OutcomeData))
    tally.compare("offence", opened, ended)
    tally.double("offence", (f"{each} opened {n} times" for each, n in opened.items() if n > 1))


def count_rungs(left: Left, tally: Tally) -> None:
    """Count that each rung comes due at most once, none is passed over, and all before an escalation."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    counts: dict[str, int] = {}
    for event, data in left.of(OffenceData):
        if isinstance(data, OffenceWarned | OffenceClimbed | OffenceWithheld) and data.rung_number:
            numbers[event.subject].append(data.rung_number)
            if not isinstance(data, OffenceWithheld):
                counts[event.subject] = data.rung_count
    for offence_id, came in numbers.items():
        tally.seen["rung"] += len(set(came))
        twice = [number for number, times in Counter(came).items() if times > 1]
        tally.double("rung", (f"{offence_id}: rung {each} came due again" for each in twice))
        missed = sorted(set(range(1, max(came) + 1)) - set(came))
        tally.lose("rung", (f"{offence_id}: rung {each} was passed over" for each in missed))
    for event, _ in left.of(OffenceEscalated):
        came = numbers[event.subject]
        if len(set(came)) < counts.get(event.subject, 1):
            tally.lose("rung", [f"{event.subject}: escalated after rungs {sorted(came)}"])


def count_commands(left: Left, tally: Tally) -> None:
    """Count that each command has one answer; what was done was done once, what was refused not at all."""
    given = {event.id: data for event, data in left.of(CommandGiven)}
    refused = Counter(data.command_id for _, data in left.of(CommandRefused))
    did: Counter[str] = Counter()
    for event, data in left.of(OffenceData):
        by_hand = getattr(data, "by_hand", None)
        if by_hand is None or isinstance(data, RequestData):
            continue
        did[by_hand.command_id] += 1
        wanted = given.get(by_hand.command_id)
        if wanted is None:
            tally.double("command", [f"{event.id} answers {by_hand.command_id}, which nobody gave"])
        elif not isinstance(data, DEEDS[wanted.command]) or data.offence_id != wanted.offence_id:
            tally.double("command", [f"{event.id} is no answer to {by_hand.command_id}"])
    tally.compare("command", Counter(given.keys()), refused + did)
    _check_outcomes(left, did, tally)
    tally.remarks["commands carried out"] += did.total()
    tally.remarks["commands refused"] += refused.total()


def _check_outcomes(left: Left, did: Counter[str], tally: Tally) -> None:
    """Check that what an outcome says operators did is what they did."""
    done_to: defaultdict[str, set[str]] = defaultdict(set)
    for _, data in left.of(OffenceData):
        by_hand = getattr(data, "by_hand", None)
        if by_hand is not None and not isinstance(data, RequestData):
            done_to[data.offence_id].add(by_hand.command_id)
    for event, outcome in left.of(OutcomeData):
        told = Counter(each.command_id for each in outcome.operators_did)
        tally.compare("command", Counter(done_to[event.subject]), told)
