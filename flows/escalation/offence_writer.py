"""Write the events of offences; their ids are minted from what was seen, so a replay writes the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypedDict

from domain.base import BothLanguages
from domain.events.catalog import (
    ByHand,
    CallBefore,
    Event,
    EventData,
    LeavingBasis,
    OffenceClimbed,
    OffenceHandedBack,
    OffenceOpened,
    OffenceWarned,
    OffenceWithheld,
    OutcomeData,
    Recognition,
)
from domain.events.commands import answer_id
from domain.events.wall_time import Convert, same_time
from domain.fitness import explain
from domain.ids import mint
from domain.offence_states import Move, State, Trigger
from domain.site.ladders import Ladder, Recording
from domain.site.rules import Rule
from flows.escalation.stays.offence import Offence
from flows.escalation.stays.stay import Stay
from flows.speech.voice.wording import Surroundings, as_recorded, words_of


class MoveDetails(TypedDict, total=False):
    """List what single kinds of events say beside what the offence knows."""

    by_hand: ByHand  # of whatever an operator had done
    taken_from: str  # taken over
    hand_back_at: datetime
    paused_until: datetime
    taken_by: str  # handed back
    cause: Literal["operator", "time limit"]
    call_before: CallBefore  # of a call: what came of the one before
    rung_id: str  # of an operator's words, no rung of the ladder
    rung_number: int
    text: BothLanguages
    languages: tuple[str, ...]
    recordings: tuple[Recording, ...]
    basis: LeavingBasis  # of who has left: why they count as having left
    goes_on_as: str  # merged
    recognition: Recognition
    reason: str  # unknown
    reason_zh: str


def _event_id(move: Move, offence_id: str, offence: Offence, by_hand: ByHand | None) -> str:
    """Mint the id: the same move of the same offence has the same one, on every run."""
    if by_hand is not None:
        return answer_id(by_hand.command_id)
    if move.event_type == OffenceHandedBack.event_type:  # by itself; there may be several
        return mint("evt", offence_id, "handed back", len(offence.operators_did))
    return mint("evt", offence_id, move.after.value, len(offence.escalation.calls))


@dataclass(frozen=True, slots=True)
class OffenceWriter:
    """Write the events of one rule on one camera; all ids are minted from what was seen."""

    site_id: str
    camera_id: str
    rule: Rule
    ladder: Ladder
    surroundings: Surroundings | None = None  # None: calls name things by their ids
    wall: Convert = same_time  # what the wall's clock said at a moment of event time

    def write(self, move: Move, offence: Offence, at: datetime, details: MoveDetails) -> Event:
        """Write the event of a move that was made.

        Args:
            move: one that writes an event.
            offence: as it is after the move.
            at: event time.
            details: what this kind of event says beside what the offence knows.
        """
        kind = move.writes
        assert kind is not None
        offence_id = self.offence_id(offence.stay)
        left_at = offence.stay.last.at if move.after in (State.COMPLIED, State.LAPSED) else at
        data = self._common(move, offence, left_at) | self._details(kind, offence, at) | {**details}
        return Event(
            id=_event_id(move, offence_id, offence, details.get("by_hand")),
            source=f"forewarn/{self.site_id}/{self.camera_id}",
            subject=offence_id,
            time=at,
            data=kind.model_validate(data),
        )

    def write_withheld(
        self, move: Move, offence: Offence, at: datetime, reasons: tuple[str, ...]
    ) -> Event:
        """Write the event of a rung or an escalation that came due and was withheld."""
        offence_id, next_rung = self.offence_id(offence.stay), offence.escalation.next_rung
        is_rung = move.trigger is Trigger.RUNG_WITHHELD
        data = self._common(move, offence, at) | {
            "what": "rung" if is_rung else "escalation",
            "rung_id": self.ladder.rungs[next_rung].id if is_rung else "",
            "rung_number": next_rung + 1 if is_rung else 0,
            "reasons": reasons,
            "explanation": explain(reasons),
        }
        return Event(
            id=mint("evt", offence_id, "withheld", len(offence.escalation.withheld)),
            source=f"forewarn/{self.site_id}/{self.camera_id}",
            subject=offence_id,
            time=at,
            data=OffenceWithheld.model_validate(data),
        )

    def _common(self, move: Move, offence: Offence, until: datetime) -> dict[str, Any]:
        """Return what every event of an offence says."""
        stay = offence.stay
        return {
            "offence_id": self.offence_id(stay),
            "site_id": self.site_id,
            "camera_id": self.camera_id,
            "zone_id": stay.place_id,
            "rule_id": self.rule.id,
            "subject_id": f"{self.camera_id}/{stay.number}",
            "state": move.after.value,
            "first_seen_at": stay.first.at,
            "dwell_s": round(stay.lasted_s(until), 3),
            "unseen_s": round(stay.unseen_until(until), 3),
            "sighting": stay.last,
        }

    def offence_id(self, stay: Stay) -> str:
        """Return the id: the same stay has the same one on every run over the same footage."""
        return stay.logged_id or mint(
            "ofc",
            self.site_id,
            self.camera_id,
            self.rule.id,
            stay.place_id,
            stay.first.at,
            stay.subject,
        )

    def _details(self, kind: type[EventData], offence: Offence, at: datetime) -> dict[str, Any]:
        stay, climb = offence.stay, offence.escalation
        if kind is OffenceOpened:
            return {
                "threshold_s": self.rule.threshold_s,
                "first_sighting": stay.first,
                "earlier_offences": climb.earlier_offences,
                "recognition": stay.recognition,
            }
        if kind in (OffenceWarned, OffenceClimbed):
            rung = self.ladder.rungs[climb.next_rung - 1]
            came_due: dict[str, Any] = {
                "rung_id": rung.id,
                "rung_number": climb.next_rung,
                "rung_count": len(self.ladder.rungs),
            }
            if kind is OffenceWarned and rung.text is not None:  # None: an operator's words
                words = self.words(rung.text, offence, at)
                came_due |= {
                    "text": as_recorded(words, rung.recordings),
                    "languages": self.ladder.languages,
                    "recordings": rung.recordings,
                }
            return came_due
        if issubclass(kind, OutcomeData):
            return {
                "first_sighting": stay.first,
                "rung_sightings": tuple(climb.calls),
                "last_sighting": stay.last,
                "came_out": tuple(stay.came_out),
                "operators_did": tuple(offence.operators_did),
                "track": stay.track.points(),
            }
        return {}

    def words(self, text: BothLanguages, offence: Offence, at: datetime) -> BothLanguages:
        """Return what is spoken of a text that may have fields."""
        return words_of(
            text,
            self.surroundings or Surroundings.unnamed(self.site_id, self.camera_id),
            self.rule,
            zone_id=offence.stay.place_id,
            dwell_s=offence.stay.lasted_s(at),
            rung_number=offence.escalation.next_rung,
            rung_count=len(self.ladder.rungs),
            at=self.wall(at),
        )
