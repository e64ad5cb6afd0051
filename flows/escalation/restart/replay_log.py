"""Bring every offence of a live camera to where its history in the log ends.

What happened in the last second before a crash stands in the log, and not in the state that was saved.
A recording is read again, and the ladder gets there by itself; a live camera's frames are gone. So the
log is believed: what it tells of an offence is made again, whatever the saved state knew of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import structlog

from domain.events.catalog import (
    Event,
    OffenceData,
    OffenceOpened,
    OffenceTakenOver,
    OffenceWarned,
    OffenceWithheld,
    expect_event,
)
from domain.offence_states import FINAL, MOVES, Move, State
from domain.site.ladders import Ladder
from domain.tracks import Place, parse_subject
from flows.escalation.repeat_offenders import Repeats
from flows.escalation.stays.offence import Offence, OperatorHold
from flows.escalation.stays.stay import LostNumber, OffenceKey, Stay

log = structlog.get_logger()

Story = Sequence[Event]
# whose subject is not there any more, or has another offence; of the other ends it may be, and nothing more is said to it
GONE = frozenset({State.COMPLIED, State.LAPSED, State.UNKNOWN, State.MERGED})
_LOGGED_MOVES = frozenset(move.event_type for move in MOVES)


def adopt(
    offences: Mapping[OffenceKey, Offence],
    stories: Mapping[str, Story],
    id_of: Callable[[Offence], str],
    ladder: Ladder,
    repeats: Repeats,
) -> dict[OffenceKey, Offence]:
    """Rebuild the offences as they stand when a live camera is taken up again, each still to be found.

    Args:
        offences: as they were saved, by the subject's number or place.
        stories: by offence: of those that were saved, and of those that only the log knows.
        id_of: the id of a saved offence.
        ladder: of the rule.
        repeats: notes the ends of offences that were saved as open and have ended since.
    Returns:
        By number or place; those that only the log knows by their own id, for their number may
        belong to somebody else by now. A place stays the same place.
    """
    standing: dict[OffenceKey, Offence] = {}
    saved = {id_of(offence) for offence in offences.values()}
    for subject, offence in offences.items():
        now = offence
        if story := stories.get(id_of(offence)):
            now = rebuild_offence(story, ladder, offence)
            if now.state in FINAL and offence.state not in FINAL:
                repeats.note_end(now, story[-1].time, id_of(now))
        standing[subject] = now
    # the latest first: of several offences of one place, only the last can still be going on there
    for offence_id, story in reversed(list(stories.items())):
        if offence_id not in saved:
            now = rebuild_offence(story, ladder)
            who = now.stay.number
            is_place = isinstance(who, Place) and who not in standing
            standing[who if is_place else LostNumber(offence_id)] = now
            log.info("offence_adopted", offence_id=offence_id, state=now.state.value)
    left = {subject: each for subject, each in standing.items() if each.state not in GONE}
    return {
        subject: replace(each, stay=replace(each.stay, is_missing=True))
        for subject, each in left.items()
    }


def rebuild_offence(story: Story, ladder: Ladder, saved: Offence | None = None) -> Offence:
    """Rebuild an offence as its history has it.

    Args:
        story: its events in order, from the opening on; others than moves are passed over.
        ladder: of the rule.
        saved: what was known of it before; only what events do not say is kept of it.
    """
    opened = expect_event(story[0], OffenceOpened).data
    first = opened.first_sighting
    number = parse_subject(opened.subject_id.removeprefix(f"{opened.camera_id}/"))
    stay = Stay(number, opened.zone_id, first, first, first.at, number)
    stay.recognition = opened.recognition
    offence = Offence(stay)
    earlier = opened.earlier_offences
    offence.escalation.begin_at(ladder.first_rung(earlier), earlier)
    # no event says what the id was minted from: without a saved state, the id itself is kept, for
    # the number may have changed before the opening
    if saved is not None:
        before = saved.stay
        stay.subject, stay.number, stay.track = before.subject, before.number, before.track
    else:
        stay.logged_id = opened.offence_id
        stay.track.note_sighting(first)
    for event in story:
        if event.type in _LOGGED_MOVES:
            _make_again(offence, event)
    stay.last_seen_at = stay.last.at
    # the saved state may be older than the log, and it may have seen more than events say
    if saved is not None:
        # also as another offence, which was the same person's
        offence.escalation.is_warned |= saved.escalation.is_warned
        stay.last = max(stay.last, before.last, key=lambda sighting: sighting.at)
        stay.last_seen_at = max(stay.last_seen_at, before.last_seen_at)
        stay.outside_since, stay.basis = before.outside_since, before.basis
        stay.is_unjudged = before.is_unjudged
        # who was hidden is so until found again, and it stays on record how they were
        stay.hidden, stay.whereabouts = before.hidden, before.whereabouts
        stay.came_out = list(before.came_out)
        stay.unseen_s = max(stay.unseen_s, before.unseen_s)
        stay.unseen_since_s = before.unseen_since_s
    return offence


def _make_again(offence: Offence, event: Event) -> None:
    """Make the move that wrote an event; the offence is left as the ladder had left it."""
    data = expect_event(event, OffenceData).data
    move = _logged_move(event.type, data.state, offence.state)
    if move is None:
        log.warning("move_not_known", event_id=event.id, type=event.type, state=data.state)
        return
    offence.stay.last = data.sighting
    if data.sighting.at == event.time:  # else it is of somebody who was hidden, and may be so still
        offence.stay.unseen_s = data.unseen_s
    offence.stay.track.note_sighting(data.sighting)
    by_hand = getattr(data, "by_hand", None)
    if by_hand is not None:
        offence.note_by_hand(by_hand, event.time)
    if isinstance(data, OffenceTakenOver):
        offence.hold = OperatorHold(data.by_hand.operator, event.time)
    if isinstance(data, OffenceWithheld):
        offence.escalation.note_withheld(data.reasons)
    is_own_words = isinstance(data, OffenceWarned) and data.rung_number == 0
    offence.make(move, event.time, is_rung=not is_own_words)
    offence.note_call(event)


def _logged_move(event_type: str, after: str, before: State) -> Move | None:
    """Return the move of the table that wrote an event.

    Where an event before it is missing, a move from another state that writes the same.
    """
    written = (event_type, after)
    alike = [move for move in MOVES if (move.event_type, move.after.value) == written]
    return next((move for move in alike if move.before is before), alike[0] if alike else None)
