"""Hold where and when one subject is under a rule: first seen, last seen, and known by which ids."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, FiniteFloat, PlainSerializer, PlainValidator

from domain.events.catalog import CameOut, LeavingBasis, Recognition, Sighting
from domain.frames import FrameStamp
from domain.tracks import Place, SubjectKey, Track, parse_subject
from flows.conditions.condition import Holding
from flows.conditions.lately_inside import TOLERANCE_S
from flows.conditions.verdict import Verdict
from flows.escalation.stays.track_samples import TrackNotes
from flows.escalation.stays.whereabouts import Whereabouts


@dataclass(frozen=True, slots=True)
class LostNumber:
    """Name an offence's subject that only the log knows: its number may be somebody else's by now."""

    offence_id: str

    def __str__(self) -> str:
        return self.offence_id


def _read_key(value: Any) -> Track | Place | LostNumber:
    if isinstance(value, Track | Place | LostNumber):
        return value
    if re.fullmatch(r"ofc-[0-9a-f]{16}", value):
        return LostNumber(value)
    return parse_subject(value)


# under which an offence is kept; saved as its text
OffenceKey = Annotated[
    Track | Place | LostNumber, PlainValidator(_read_key), PlainSerializer(str, return_type=str)
]


@dataclass(frozen=True, slots=True)
class OutOfSight:
    """Say that somebody is out of sight who was not seen leaving."""

    since: AwareDatetime  # when they were seen last
    in_a_group: bool
    is_followed: bool = False  # by boxes too weak for the rule


@dataclass(slots=True)
class Stay:
    """Say where one subject is, and since when; saved with every epoch.

    Three ids are told apart: `subject` is what the offence's id is minted from and never changes,
    `number` is who it is by now, and `logged_id` is the id of one that is known from the log alone.
    """

    subject: SubjectKey
    place_id: str  # zone or line
    first: Sighting
    last: Sighting  # in the zone
    last_seen_at: AwareDatetime  # in the zone or not
    number: SubjectKey  # by which the subject goes now
    logged_id: str = ""  # "": minted from the first sighting
    outside_since: AwareDatetime | None = None  # the condition does not hold since
    basis: LeavingBasis = "seen outside the zone"  # what was seen then
    is_missing: bool = False  # open when the program was interrupted, and not seen since
    is_unjudged: bool = (
        False  # a place: the last frame did not show whether the condition holds there
    )
    recognition: Recognition | None = None
    came_out: list[CameOut] = field(default_factory=list)  # under new numbers
    # those before; by one of them the tracker may know them again
    went_by: list[SubjectKey] = field(default_factory=list)
    whereabouts: Whereabouts | None = None  # when the tracker had them last, well or weakly
    hidden: OutOfSight | None = None  # None: seen, or unseen for a moment
    # when they were seen last before they came out, one of many dressed alike: who came may be another
    mistakable_since: AwareDatetime | None = None
    unseen_s: FiniteFloat = 0.0  # hidden, and then seen in the zone again
    unseen_since_s: FiniteFloat = 0.0  # hidden, and since then seen outside alone
    track: TrackNotes = field(default_factory=TrackNotes)

    @classmethod
    def begin(cls, frame: FrameStamp, holding: Holding) -> Stay:
        """Begin with the first frame in which the condition holds."""
        sighting, subject = _sighting(frame, holding), holding.subject
        return cls(subject, holding.place_id, sighting, sighting, frame.captured_at, subject)

    def note(self, frame: FrameStamp, holding: Holding | None) -> None:
        """Take in where the subject is in this frame; None: not seen."""
        if holding is None:
            return
        self.is_unjudged = not holding.is_seen
        if self.is_unjudged:
            self.outside_since = None
            return
        self.end_hiding(frame.captured_at)
        self.last_seen_at = frame.captured_at
        self.track.note(frame, holding)
        if holding.verdict is not Verdict.DOES_NOT_HOLD:
            self.outside_since = None
        elif self.outside_since is None:
            self.outside_since, self.basis = frame.captured_at, holding.basis
        if holding.holds:
            self.last = _sighting(frame, holding)
            self._count_unseen()

    def end_hiding(self, at: datetime) -> None:
        """Count the time for which somebody was hidden who was seen again then."""
        if self.hidden is not None:
            self.unseen_since_s += max((at - self.hidden.since).total_seconds(), 0.0)
            self.hidden = None

    def _count_unseen(self) -> None:
        """Make what was unseen part of the stay, which ends where they were last seen in the zone."""
        self.unseen_s, self.unseen_since_s = self.unseen_s + self.unseen_since_s, 0.0

    def unseen_until(self, at: datetime) -> float:
        """Return the seconds of the stay, as it was at a moment, in which the subject was hidden."""
        if at <= self.last.at:
            return self.unseen_s
        hidden_s = max((at - self.hidden.since).total_seconds(), 0.0) if self.hidden else 0.0
        return self.unseen_s + self.unseen_since_s + hidden_s

    def take_in(self, other: Stay) -> None:
        """Take in another stay of the same subject, which goes on with this one."""
        newer = max(self, other, key=lambda stay: stay.last_seen_at)
        if newer is other:
            self.end_hiding(other.first.at)
            self._count_unseen()
        self.last = max(self.last, other.last, key=lambda sighting: sighting.at)
        self.last_seen_at, self.is_missing = newer.last_seen_at, newer.is_missing
        self.outside_since, self.basis = newer.outside_since, newer.basis
        self.whereabouts, self.hidden = newer.whereabouts, newer.hidden
        self.track.take_in(other.track)

    def is_mistakable(self, at: datetime) -> bool:
        """Tell whether somebody dressed alike may be hidden there, so that either of them can be meant."""
        if self.whereabouts is not None and self.whereabouts.is_doubled:
            return True
        since = self.mistakable_since
        return since is not None and (at - since).total_seconds() <= TOLERANCE_S

    @property
    def last_place(self) -> tuple[float, float, float, float]:
        """Return the last box, in the zone or not, x1 y1 x2 y2 as fractions of the picture."""
        x1, y1, x2, y2 = self.track.last.box_xyxy if self.track.last else self.last.box_xyxy
        width, height = self.last.frame_width_px, self.last.frame_height_px
        return x1 / width, y1 / height, x2 / width, y2 / height

    @property
    def is_of_the_place(self) -> bool:
        """Whether nobody in particular is meant: a place stays the same place."""
        return isinstance(self.number, Place)

    @property
    def has_lost_number(self) -> bool:
        """Whether its number may be somebody else's by now."""
        return bool(self.logged_id) and self.is_missing and not self.is_of_the_place

    @property
    def seen_s(self) -> float:
        """Return the seconds in which the subject was in sight."""
        return self.lasted_s(self.last_seen_at) - self.unseen_s - self.unseen_since_s

    def lasted_s(self, at: datetime) -> float:
        """Return the seconds from the first frame in the zone to `at`."""
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
        seen_by=frame.seen_by,
    )
