"""Tracks: detections with a number that stays the same from frame to frame, and what offences call them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import FiniteFloat, NonNegativeInt, PlainSerializer, PlainValidator

from domain.frames import FrameStamp
from domain.picture_digest import CLEAR, PictureTrust

_PLACE = "place:"  # ids have no colon


@dataclass(frozen=True, slots=True)
class Track:
    """Name somebody or something seen, by their number within one camera."""

    number: int

    def __str__(self) -> str:
        return str(self.number)


@dataclass(frozen=True, slots=True)
class Place:
    """Name a zone or line, where nobody in particular is meant."""

    place_id: str

    def __str__(self) -> str:
        # a zone may be called "7"; every other id stands for itself, as it always did in events and states
        return f"{_PLACE}{self.place_id}" if self.place_id.isdigit() else self.place_id


def parse_subject(text: str) -> Track | Place:
    """Read a subject from its text, as events and saved states have it.

    >>> parse_subject("7"), parse_subject(str(Place("7"))), parse_subject("gate")
    (Track(number=7), Place(place_id='7'), Place(place_id='gate'))
    """
    if text.isdigit():
        return Track(int(text))
    return Place(text.removeprefix(_PLACE))


def order_of(subject: object) -> tuple[int, int, str]:
    """Return a key to sort by: tracks by number, then places by name, then whatever else by its text."""
    match subject:
        case Track(number):
            return 0, number, ""
        case Place(place_id):
            return 1, 0, place_id
        case _:
            return 2, 0, str(subject)


def _read(value: Any) -> Track | Place:
    if isinstance(value, Track | Place):
        return value
    if not isinstance(value, str):
        raise ValueError(f"needed a subject's text, got {type(value).__name__}")
    return parse_subject(value)


# saved as its text
SubjectKey = Annotated[Track | Place, PlainValidator(_read), PlainSerializer(str, return_type=str)]

LinkKind = Literal["occlusion", "return"]
# what people were compared by: the colours of their clothes, or the vectors of the likeness model
ComparedBy = Literal["colours", "model"]


@dataclass(frozen=True, slots=True)
class SubjectMatch:
    """Say whom somebody who came is taken for, and how sure that is."""

    number: NonNegativeInt  # of who was here before
    how: LinkKind  # hidden for a moment, or gone and back within the repeat window
    gap_s: FiniteFloat  # unseen for so long
    similarity: FiniteFloat  # of their looks, in [-1, 1]
    margin: (
        FiniteFloat  # how much less alike whoever else was seen lately is, or strangers usually are
    )
    error: FiniteFloat  # chance that it is somebody else, in [0, 1]
    is_sure: bool  # their number goes on; else they are perhaps the same, and keep a new one
    by: ComparedBy = "colours"


@dataclass(frozen=True, slots=True)
class SubjectLink:
    """Link somebody who just came to somebody who was here before; each link is reported once."""

    track_id: int  # their number, from now on and before
    was: int  # the number under which they were reported since they came; 0: under none
    match: SubjectMatch


@dataclass(frozen=True, slots=True)
class Resemblance:
    """Say how alike somebody who came a moment ago and somebody out of sight look."""

    similarity: float  # of their colours, in [0, 1]
    margin: float  # how much less alike whoever else was seen lately is, those present included


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Resemblances:
    """Hold how alike all who came a moment ago and all who are out of sight look; in a crowd they are many."""

    came: tuple[int, ...] = ()  # numbers
    unseen: tuple[int, ...] = ()
    similarities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))  # (unseen, came)
    margins: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))  # likewise

    def of(self, came: int, unseen: int) -> Resemblance | None:
        """Return how alike two of them look; None: it is not known."""
        if came not in self.came or unseen not in self.unseen:
            return None
        at = self.unseen.index(unseen), self.came.index(came)
        return Resemblance(
            round(float(self.similarities[at]), 3), round(float(self.margins[at]), 3)
        )


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class TrackedFrame:
    """Hold who was seen in one frame of one camera; n may be 0 and still says that time went on."""

    frame: FrameStamp
    boxes_xyxy: np.ndarray  # (n, 4) float32, pixels of the decoded frame
    scores: np.ndarray  # (n,) float32 in [0, 1]
    class_ids: np.ndarray  # (n,) int64, COCO's category id
    track_ids: np.ndarray  # (n,) int64, subjects' numbers within the camera, from 1
    sight: PictureTrust = CLEAR
    links: tuple[SubjectLink, ...] = ()
    # of those seen who were out of sight: by number, whom they are taken for, surely or perhaps
    matches: Mapping[int, SubjectMatch] = field(default_factory=dict)
    # (n,) float32: the best score of the subject's last seconds, fading; None: as `scores`. Who was
    # seen well a moment ago is believed to be still there on the strength of a weak box
    steady_scores: np.ndarray | None = None
    boxes_left_out: int = 0  # so far: said to be a person, and none can have that shape
    # (n, 2) float32: pixels a second to the right and down; None: not known
    speeds_px: np.ndarray | None = None
    # (n,) bool: a box that trembles could be all of that speed; None: of nobody's
    trembles: np.ndarray | None = None
    # (n,) float64: seconds of the frames' clock at which each came; None: not known
    came_at_s: np.ndarray | None = None
    # (n, 4) float32, pixels: the first box of each; None: not known
    came_xyxy: np.ndarray | None = None
    # (k, 4) float32, pixels: the parts of the picture that were looked at; None: all of it
    looked_at_xyxy: np.ndarray | None = None
    resemblances: Resemblances = field(default_factory=Resemblances)
    # of those seen who may have changed places with somebody dressed alike: by number, since when that
    # one is hidden, seconds of the frames' clock
    doubled_since_s: Mapping[int, float] = field(default_factory=dict)
    # (n,) float32, pixels: where each one's feet are thought to be, below the box where the lower part is
    # hidden; None: at the lower edge of the box
    feet_y: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.track_ids)

    def keep(self, rows: np.ndarray) -> TrackedFrame:
        """Return the same frame with only these rows, (n,) bool or (k,) int64."""

        def of(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[rows]

        return replace(
            self,
            boxes_xyxy=self.boxes_xyxy[rows],
            scores=self.scores[rows],
            class_ids=self.class_ids[rows],
            track_ids=self.track_ids[rows],
            steady_scores=of(self.steady_scores),
            feet_y=of(self.feet_y),
            speeds_px=of(self.speeds_px),
            trembles=of(self.trembles),
            came_at_s=of(self.came_at_s),
            came_xyxy=of(self.came_xyxy),
        )
