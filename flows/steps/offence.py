"""One subject's stay under a rule, and the events that tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.commands import answer_id
from domain.events import (
    DATA_BY_TYPE,
    ByHand,
    CallBefore,
    Event,
    EventData,
    OffenceClimbed,
    OffenceHandedBack,
    OffenceOpened,
    OffenceWarned,
    OffenceWithheld,
    OutcomeData,
    Recognition,
    Sighting,
)
from domain.fitness import explain
from domain.frames import FrameStamp
from domain.ids import mint
from domain.ladder import START, Move, State, Trigger
from domain.site import BothLanguages, Ladder, Rule
from flows.conditions.condition import Holding
from flows.steps.call_words import Surroundings, as_recorded, words_of
from flows.steps.heard_calls import Call
from flows.steps.track_notes import TrackNotes

CALLS = (OffenceWarned.event_type, OffenceClimbed.event_type)


@dataclass(slots=True)
class Offence:
    """State of one stay; small and picklable, saved with every epoch."""

    subject: str  # a track's number, or the place's id where nobody in particular is meant
    place_id: str  # zone or line
    first: Sighting
    last: Sighting  # in the zone
    last_seen_at: datetime  # in the zone or not
    state: State = START
    opened_at: datetime | None = None
    outside_since: datetime | None = None
    rungs: list[Sighting] = field(default_factory=list)  # that came due, spoken or not
    earlier_offences: int = 0  # of the same subject, within the repeat window
    first_rung: int = 0  # index of the rung that this ladder begins with
    number: str = ""  # of the subject now; `subject` stays what the ids were minted from
    recognition: Recognition | None = None
    # (rungs spoken before, reasons) of what was withheld, each told once
    withheld: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    is_warned: bool = False  # something was said to them
    words: int = 0  # how many of `rungs` were an operator's words, and no rung of the ladder
    waits_since: datetime | None = None  # pauses count from here: last call, opening, hand-back
    taken_by: str = ""  # the operator who has it
    taken_at: datetime | None = None
    operators_did: list[ByHand] = field(default_factory=list)
    track: TrackNotes = field(default_factory=TrackNotes)
    told_as: str = ""  # its id, of one that was made again out of the log alone
    is_missing: bool = False  # open when the program was interrupted, and not seen since
    call: Call | None = None  # the last one, a rung's or an operator's
    call_before: CallBefore | None = None  # what was known of it when the pause was over

    def __setstate__(self, state: tuple[None, dict[str, Any]]) -> None:
        """What an earlier version saved lacks the fields that came since: they have their defaults."""
        self.__init__(**state[1])  # type: ignore[misc]

    @classmethod
    def begin(cls, frame: FrameStamp, holding: Holding) -> Offence:
        """A stay begins with the first frame in which the condition holds."""
        sighting = _sighting(frame, holding)
        offence = cls(holding.subject, holding.place_id, sighting, sighting, frame.captured_at)
        offence.number = holding.subject
        return offence

    def note(self, frame: FrameStamp, holding: Holding | None) -> None:
        """Take in where the subject is in this frame; None: not seen."""
        if holding is None:
            return
        self.last_seen_at = frame.captured_at
        self.track.note(frame, holding)
        if holding.holds:
            self.last = _sighting(frame, holding)
            self.outside_since = None
        elif self.outside_since is None:
            self.outside_since = frame.captured_at

    def make(self, move: Move, at: datetime) -> None:
        """Make a move of the ladder."""
        if move.trigger is Trigger.THRESHOLD_REACHED:
            self.opened_at = self.waits_since = at
        elif move.event_type in CALLS:
            self.rungs.append(self.last)
            self.waits_since = at
            self.is_warned |= move.event_type == OffenceWarned.event_type
        elif move.before is State.TAKEN_OVER and move.after is not State.TAKEN_OVER:
            self.taken_by, self.taken_at, self.waits_since = "", None, at
        self.state = move.after

    def note_call(self, event: Event) -> None:
        """Remember which call was the last, so that the next rung can wait for it."""
        if event.type == OffenceWarned.event_type:
            self.call, self.call_before = Call(event.id, event.time), None

    @property
    def next_rung(self) -> int:
        """Index of the rung that comes next."""
        return self.first_rung + len(self.rungs) - self.words

    def note_withheld(self, reasons: tuple[str, ...]) -> bool:
        """Remember that what is due was withheld; False if that was known."""
        told = (len(self.rungs), reasons)
        if told in self.withheld:
            return False
        self.withheld.append(told)
        return True

    @property
    def has_lost_number(self) -> bool:
        """Whether its number may be somebody else's by now; a place stays the same place."""
        return bool(self.told_as) and self.is_missing and self.number != self.place_id

    def was_done(self, command_id: str) -> bool:
        """Whether an operator's command was carried out."""
        return any(act.command_id == command_id for act in self.operators_did)

    def stayed_s(self, at: datetime) -> float:
        """Seconds from the first frame in the zone to `at`."""
        return (at - self.first.at).total_seconds()


def _sighting(frame: FrameStamp, holding: Holding) -> Sighting:
    # built for every person in a zone in every frame: the values are ours, checking them again costs
    return Sighting.model_construct(
        at=frame.captured_at,
        media_time_s=round(frame.media_time_s, 6),
        pts=frame.pts,
        time_base=str(frame.time_base),
        box_xyxy=holding.box_xyxy,
        score=round(holding.score, 4),
        frame_width_px=frame.width_px,
        frame_height_px=frame.height_px,
    )


def _event_id(move: Move, offence_id: str, offence: Offence, by_hand: ByHand | None) -> str:
    """The same move of the same offence has the same id, on every run."""
    if by_hand is not None:
        return answer_id(by_hand.command_id)
    if move.event_type == OffenceHandedBack.event_type:  # by itself; there may be several
        return mint("evt", offence_id, "handed back", len(offence.operators_did))
    return mint("evt", offence_id, move.after.value, len(offence.rungs))


@dataclass(frozen=True, slots=True)
class OffenceWriter:
    """Writes the events of one rule on one camera; all ids are minted from what was seen."""

    site_id: str
    camera_id: str
    rule: Rule
    ladder: Ladder
    surroundings: Surroundings | None = None  # None: calls name things by their ids

    def write(self, move: Move, offence: Offence, at: datetime, details: dict[str, Any]) -> Event:
        """The event of one move.

        Args:
            details: what this kind of event says beside what the offence knows.
        """
        assert move.event_type is not None
        kind = DATA_BY_TYPE[move.event_type]
        offence_id = self.offence_id(offence)
        left_at = offence.last.at if move.after in (State.COMPLIED, State.LAPSED) else at
        data = self._common(move, offence, left_at) | self._details(kind, offence, at) | details
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
        """The event of a rung or an escalation that came due and was withheld."""
        offence_id = self.offence_id(offence)
        is_rung = move.trigger is Trigger.RUNG_WITHHELD
        data = self._common(move, offence, at) | {
            "what": "rung" if is_rung else "escalation",
            "rung_id": self.ladder.rungs[offence.next_rung].id if is_rung else "",
            "rung_number": offence.next_rung + 1 if is_rung else 0,
            "reasons": reasons,
            "explanation": explain(reasons),
        }
        return Event(
            id=mint("evt", offence_id, "withheld", len(offence.withheld)),
            source=f"forewarn/{self.site_id}/{self.camera_id}",
            subject=offence_id,
            time=at,
            data=OffenceWithheld.model_validate(data),
        )

    def _common(self, move: Move, offence: Offence, until: datetime) -> dict[str, Any]:
        """What every event of an offence says."""
        return {
            "offence_id": self.offence_id(offence),
            "site_id": self.site_id,
            "camera_id": self.camera_id,
            "zone_id": offence.place_id,
            "rule_id": self.rule.id,
            "subject_id": f"{self.camera_id}/{offence.number}",
            "state": move.after.value,
            "first_seen_at": offence.first.at,
            "dwell_s": round(offence.stayed_s(until), 3),
            "sighting": offence.last,
        }

    def offence_id(self, offence: Offence) -> str:
        """The same stay has the same id on every run over the same footage."""
        return offence.told_as or mint(
            "ofc",
            self.site_id,
            self.camera_id,
            self.rule.id,
            offence.place_id,
            offence.first.at,
            offence.subject,
        )

    def _details(self, kind: type[EventData], offence: Offence, at: datetime) -> dict[str, Any]:
        if kind is OffenceOpened:
            return {
                "threshold_s": self.rule.threshold_s,
                "first_sighting": offence.first,
                "earlier_offences": offence.earlier_offences,
                "recognition": offence.recognition,
            }
        if kind in (OffenceWarned, OffenceClimbed):
            rung = self.ladder.rungs[offence.next_rung - 1]
            came_due: dict[str, Any] = {
                "rung_id": rung.id,
                "rung_number": offence.next_rung,
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
                "first_sighting": offence.first,
                "rung_sightings": tuple(offence.rungs),
                "last_sighting": offence.last,
                "operators_did": tuple(offence.operators_did),
                "track": offence.track.points(),
            }
        return {}

    def words(self, text: BothLanguages, offence: Offence, at: datetime) -> BothLanguages:
        """What is spoken of a text that may have fields."""
        return words_of(
            text,
            self.surroundings or Surroundings.unnamed(self.site_id, self.camera_id),
            self.rule,
            zone_id=offence.place_id,
            dwell_s=offence.stayed_s(at),
            rung_number=offence.next_rung,
            rung_count=len(self.ladder.rungs),
            at=at,
        )
