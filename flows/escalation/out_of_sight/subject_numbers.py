"""Keep the offences of one rule under the numbers by which their subjects go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from domain.events.catalog import Event, Recognition
from domain.offence_states import Trigger
from domain.tracks import SubjectLink, SubjectMatch, Track
from flows.conditions.condition import Holding
from flows.escalation.moves import OffenceBook
from flows.escalation.offence_writer import MoveDetails
from flows.escalation.out_of_sight.coming_out import ComingOut, coming_out
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.out_of_sight.renumbering import give_back, go_on, renumber, wrongly_taken
from flows.escalation.stays.offence import TOLD, Offence
from flows.escalation.stays.stay import OffenceKey


class SubjectNumbers:
    """Bring the tracker's word, and what a frame shows of the hidden, into the book of offences."""

    def __init__(self, book: OffenceBook, threshold_s: float) -> None:
        self._book = book
        self._threshold_s = threshold_s

    def renumber(self, link: SubjectLink, at: datetime) -> list[Event]:
        """Go on with the stay of somebody who came under a new number and was seen before.

        Returns:
            The end of an offence, where both numbers had one.
        """
        offences, was = self._book.offences, Track(link.was)
        taken = offences[was].taken if was in offences else None
        if taken is not None and taken.was != link.track_id:
            self._give_back(was)
        self._book.repeats.renumber(Track(link.track_id), was)
        ends = renumber(offences, link)
        if ends is None:
            return []
        goes_on = offences[Track(link.track_id)]
        details: MoveDetails = {
            "goes_on_as": self._book.id_of(goes_on),
            "recognition": self._recognition(link.match),
        }
        return self._book.move(ends, Trigger.RECOGNISED, at, details)

    def come_out(self, holdings: Sequence[Holding], outlook: Outlook) -> list[ComingOut]:
        """Go on with the stays of hidden people who came out under new numbers; undo what was wrong."""
        at, offences = outlook.tracked.frame.captured_at, self._book.offences
        for number in wrongly_taken(offences, outlook):
            self._give_back(number)
        seen: dict[OffenceKey, Holding] = {holding.subject: holding for holding in holdings}
        out = coming_out(offences, seen, outlook, self._threshold_s)
        for pair in out:
            go_on(offences, pair, at)
            self._book.repeats.renumber(pair.now, pair.was)
        return out

    def note_match(self, offence: Offence, match: SubjectMatch | None) -> None:
        """Put on record whom the subject is taken for, and how sure that is, before an offence tells of it."""
        if offence.state not in TOLD:
            offence.stay.recognition = None if match is None else self._recognition(match)

    def _give_back(self, number: Track) -> None:
        self._book.repeats.renumber(give_back(self._book.offences, number), number)

    def _recognition(self, match: SubjectMatch) -> Recognition:
        earlier_offence_id = self._book.repeats.last_offence(Track(match.number))
        return recognition_by(match, self._book.writer.camera_id, earlier_offence_id)


def recognition_by(
    match: SubjectMatch, camera_id: str, earlier_offence_id: str = ""
) -> Recognition:
    """Return what an event says of a match."""
    return Recognition(
        how=match.how,
        gap_s=match.gap_s,
        similarity=match.similarity,
        margin=match.margin,
        error=match.error,
        verdict="same" if match.is_sure else "perhaps",
        earlier_subject_id=f"{camera_id}/{match.number}",
        earlier_offence_id=earlier_offence_id,
        by=match.by,
    )
