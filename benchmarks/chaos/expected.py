"""Compare a disturbed run with what one that nobody disturbs leaves of the same recordings."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.chaos.left import Left
from benchmarks.chaos.tally import Tally
from domain.events.catalog import CommandGiven, Event, OffenceData, OffenceOpened


def compare(calm: Left, left: Left, tally: Tally) -> None:
    """Compare the events, but for subjects whose offences operators had a hand in."""
    touched = _subjects(left, {event.subject for event, _ in left.of(CommandGiven)})
    wanted, came = _content(calm, touched), _content(left, touched)
    tally.seen["event"] += len(wanted)
    tally.lose("event", (_name(calm, each) for each in wanted.keys() - came.keys()))
    tally.double("event", (_name(left, each) for each in came.keys() - wanted.keys()))
    for each in wanted.keys() & came.keys():
        if wanted[each] != came[each]:
            tally.double("event", [f"{_name(left, each)} with other content"])
    # an offence that somebody interfered with began as it would have
    first = {event.id for event, data in calm.of(OffenceOpened) if _subject(data) in touched}
    began = {event.id for event, data in left.of(OffenceOpened)}
    begun_once = {each for each in first if _is_first(calm, each)}
    tally.lose("event", (_name(calm, each) for each in begun_once - began))


def _content(left: Left, touched: set[str]) -> dict[str, str]:
    return {
        event.id: f"{event.time} {data.model_dump_json()}"
        for event, data in left.of(OffenceData)
        if _subject(data) not in touched
    }


def _subjects(left: Left, offence_ids: Iterable[str]) -> set[str]:
    wanted = set(offence_ids)
    return {_subject(data) for _, data in left.of(OffenceData) if data.offence_id in wanted}


def _subject(data: OffenceData) -> str:
    return f"{data.camera_id}|{data.rule_id}|{data.subject_id}"


def _is_first(left: Left, event_id: str) -> bool:
    """Tell whether it is its subject's first offence: later ones depend on how that ended."""
    seen: set[str] = set()
    for event, data in left.of(OffenceOpened):
        if event.id == event_id:
            return _subject(data) not in seen
        seen.add(_subject(data))
    return False


def _name(left: Left, event_id: str) -> str:
    event: Event = next(each for each in left.events if each.id == event_id)
    return f"{event.type} {event.id} of {event.subject}"
