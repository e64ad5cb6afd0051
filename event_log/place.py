"""Remember how far a log was read, so that a log which took its place is noticed."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import NonNegativeInt

from event_log.log import EventLog


@dataclass(frozen=True, slots=True)
class LogPlace:
    """How far a log was looked through; plain values, so that it can be saved."""

    log_id: str
    seq: NonNegativeInt
    event_id: str = ""  # of the event with that number; "": not known


def why_not_here(log: EventLog, place: LogPlace) -> str:
    """Say why a place is in none of this log's past, "" if it is.

    An older copy of a log has the same id, and when more was written to it also the same numbers: then
    other events have them. Whoever reads from the start again does nothing twice, for ids are the same.
    """
    if place.log_id != log.log_id:
        return "another log"
    newest = log.highest_seq()
    if place.seq > newest:
        return f"it ends at {newest} and was read up to {place.seq} before: an older copy"
    there = log.id_at(place.seq)
    # an event that was deleted since says nothing
    if place.event_id and there and there != place.event_id:
        return f"its event {place.seq} is not the one that was read before: an older copy, gone on with"
    return ""
