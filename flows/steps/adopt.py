"""A live camera is taken up again: every offence is brought to where its story in the log ends.

What happened in the last second before a crash stands in the log, and not in the state that was saved.
A recording is read again, and the ladder gets there by itself; a live camera's frames are gone. So the
log is believed: what it tells of an offence is made again, whatever the saved state knew of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from domain.events import (
    Event,
    OffenceData,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
    OffenceWithheld,
)
from domain.ladder import FINAL, MOVES, Move, State
from domain.site import Ladder
from flows.steps.offence import Offence
from flows.steps.repeats import Repeats
from flows.steps.track_notes import TrackNotes

log = structlog.get_logger()

Story = Sequence[Event]
# whose subject is not there any more; of the other ends it may be, and nothing more is said to it
GONE = frozenset({State.COMPLIED, State.LAPSED, State.UNKNOWN})
_MOVES_TOLD = frozenset(move.event_type for move in MOVES)


def adopt(
    offences: Mapping[str, Offence],
    stories: Mapping[str, Story],
    id_of: Callable[[Offence], str],
    ladder: Ladder,
    repeats: Repeats,
) -> dict[str, Offence]:
    """Offences as they stand when a live camera is taken up again, each still to be found again.

    Args:
        offences: as they were saved, by the subject's number or place.
        stories: by offence: of those that were saved, and of those that only the log knows.
        repeats: is told of offences that were saved as open and have ended since.
    Returns:
        by number or place; those that only the log knows by their own id, for their number may
        belong to somebody else by now. A place stays the same place.
    """
    standing: dict[str, Offence] = {}
    saved = {id_of(offence) for offence in offences.values()}
    for subject, offence in offences.items():
        now = offence
        if story := stories.get(id_of(offence)):
            now = retell(story, ladder, offence)
            if now.state in FINAL and offence.state not in FINAL:
                repeats.note_end(now, story[-1].time)
        standing[subject] = now
    for offence_id, story in reversed(list(stories.items())):  # where there are several, the latest
        if offence_id not in saved:
            now = retell(story, ladder)
            is_place = now.number == now.place_id and now.place_id not in standing
            standing[now.place_id if is_place else offence_id] = now
            log.info("offence_adopted", offence_id=offence_id, state=now.state.value)
    left = {subject: each for subject, each in standing.items() if each.state not in GONE}
    return {subject: replace(each, is_missing=True) for subject, each in left.items()}


def retell(story: Story, ladder: Ladder, saved: Offence | None = None) -> Offence:
    """An offence as its story tells it.

    Args:
        story: its events in order, from the opening on; others than moves are passed over.
        saved: what was known of it before; only that of it is kept which events do not tell.
    """
    opened = story[0].data
    assert isinstance(opened, OffenceOpened)
    first, number = opened.first_sighting, opened.subject_id.removeprefix(f"{opened.camera_id}/")
    offence = Offence(number, opened.zone_id, first, first, first.at, number=number)
    offence.earlier_offences = opened.earlier_offences
    offence.first_rung = ladder.first_rung(opened.earlier_offences)
    offence.recognition = opened.recognition
    if saved is not None:
        offence.subject, offence.number, offence.track = saved.subject, saved.number, saved.track
    else:
        offence.told_as = opened.offence_id  # the number may have changed before the opening
        offence.track = TrackNotes()
        offence.track.note_sighting(first)
    for event in story:
        if event.type in _MOVES_TOLD:
            _make_again(offence, event)
    offence.last_seen_at = offence.last.at
    if saved is not None:
        offence.last = max(offence.last, saved.last, key=lambda sighting: sighting.at)
        offence.last_seen_at = max(offence.last_seen_at, saved.last_seen_at)
        offence.outside_since = saved.outside_since
    return offence


def _make_again(offence: Offence, event: Event) -> None:
    """Make the move that an event tells of; the offence is left as the ladder had left it."""
    data = event.data
    assert isinstance(data, OffenceData)
    move = _move_told(event, offence.state)
    if move is None:
        log.warning("move_not_known", event_id=event.id, type=event.type, state=data.state)
        return
    offence.last = data.sighting
    offence.track.note_sighting(data.sighting)
    by_hand = getattr(data, "by_hand", None)
    if by_hand is not None:
        offence.operators_did.append(by_hand)
    if isinstance(data, OffenceTakenOver):
        offence.taken_by, offence.taken_at = data.by_hand.operator, event.time
    if isinstance(data, OffenceWarned) and data.rung_number == 0:
        offence.words += 1
    if isinstance(data, OffenceWithheld):
        offence.note_withheld(data.reasons)
    offence.make(move, event.time)
    offence.note_call(event)


def _move_told(event: Event, before: State) -> Move | None:
    """The move of the table that wrote an event; where an event before it is missing, one like it."""
    assert isinstance(event.data, OffenceData)
    told = (event.type, event.data.state)
    alike = [move for move in MOVES if (move.event_type, move.after.value) == told]
    return next((move for move in alike if move.before is before), alike[0] if alike else None)
