"""Let people walk about before the cameras, under the numbers that a tracker might give them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

import numpy as np

from domain.fitness import Unfit
from domain.frames import FrameStamp
from domain.picture_digest import CLEAR, PictureTrust
from domain.tracks import SubjectLink, SubjectMatch, TrackedFrame

WIDTH_PX, HEIGHT_PX = 768, 576
SLOTS, APART_PX = 8, 80.0  # places to stand
INSIDE_Y, OUTSIDE_Y = 420.0, 230.0  # feet; the zone begins at 288
TALL_PX, WIDE_PX = 90.0, 30.0
PERSON = 1
LATELY = 60  # frames
OUT_FOR = 6  # ticks that somebody is seen on the way before they are gone

# how a picture may be, and what a rule's places are called there
PICTURES = (
    CLEAR,
    CLEAR,
    CLEAR,
    PictureTrust(is_in_doubt=True),
    PictureTrust(faults=(Unfit.COVERED,)),
    PictureTrust(unfit_areas={"lawn": Unfit.PARTLY_COVERED}),
    PictureTrust(doubted_areas=("lawn",)),
)


@dataclass
class Walker:
    """Somebody real, whatever number they are seen under."""

    slot: int
    number: int
    came_at_s: float  # under this number, by the frames' clock
    came_box: tuple[float, ...]
    is_inside: bool = True
    is_hidden: bool = False
    gone_in: int | None = None  # ticks; None: stays

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return where they are, pixels."""
        x, y = 60.0 + APART_PX * self.slot, INSIDE_Y if self.is_inside else OUTSIDE_Y
        return x, y - TALL_PX, x + WIDE_PX, y


@dataclass(frozen=True)
class Shown:
    """What one frame showed, for whoever checks what was made of it."""

    inside: frozenset[int]
    outside: frozenset[int]
    sight: PictureTrust
    at_s: float  # of the simulation


@dataclass
class Camera:
    """What is before one camera, and how it gives it."""

    camera_id: str
    walkers: list[Walker] = field(default_factory=list)
    next_number: int = 1
    silent_for: int = 0  # ticks
    sight: PictureTrust = CLEAR
    links: list[SubjectLink] = field(default_factory=list)  # to be told with the next frame
    gone: list[int] = field(default_factory=list)  # numbers of who left or was lost
    frames: int = 0
    before: dict[int, float] = field(default_factory=dict)  # where feet were in the frame before
    shown: dict[datetime, Shown] = field(default_factory=dict)  # by event time
    last: Shown | None = None
    lately: deque[Shown] = field(default_factory=lambda: deque(maxlen=LATELY))

    def visible(self) -> Iterator[Walker]:
        """Yield who is seen."""
        return (each for each in self.walkers if not each.is_hidden)

    def new_number(self, walker: Walker, at_s: float) -> None:
        """Lose somebody, and see them under another number."""
        self.gone.append(walker.number)
        walker.number, self.next_number = self.next_number, self.next_number + 1
        walker.came_at_s, walker.came_box = at_s, walker.box

    def come(self, at_s: float, *, inside: bool) -> None:
        """Let somebody come to a free place; where there is none, whoever came first goes."""
        free = [slot for slot in range(SLOTS) if all(w.slot != slot for w in self.walkers)]
        if not free:
            self.walkers[0].is_inside, self.walkers[0].gone_in = False, 1
            return
        walker = Walker(free[0], self.next_number, at_s, (), inside)
        walker.came_box = walker.box
        self.next_number += 1
        self.walkers.append(walker)

    def recognise(self, walker: Walker, earlier: int) -> None:
        """Take somebody for somebody who was here before."""
        match = SubjectMatch(earlier, "return", 5.0, 0.95, 0.3, 0.01, is_sure=True)
        self.links.append(SubjectLink(earlier, walker.number, match))
        walker.number = earlier
        self.gone.remove(earlier)

    def move(self) -> None:
        """Go on for one tick."""
        for walker in list(self.walkers):
            if walker.gone_in is None:
                continue
            walker.gone_in -= 1
            if walker.gone_in <= 0:
                self.walkers.remove(walker)
                self.gone.append(walker.number)
        self.silent_for = max(self.silent_for - 1, 0)

    def frame(self, at: datetime, wall_ahead_s: float, run: str, at_s: float) -> TrackedFrame:
        """Return who is seen now; `at_s` is the simulation's time."""
        seen = sorted(self.visible(), key=lambda walker: walker.number)
        self.frames += 1
        boxes = np.array([walker.box for walker in seen], np.float32).reshape(-1, 4)
        feet = {walker.number: walker.box[3] for walker in seen}
        speeds = [[0.0, y - self.before.get(number, y)] for number, y in feet.items()]
        self.before = feet
        stamp = FrameStamp(
            self.camera_id,
            self.frames * 1000,
            Fraction(1, 1000),
            float(self.frames),
            at,
            WIDTH_PX,
            HEIGHT_PX,
            wall_ahead_s,
            run,
        )
        links, self.links = tuple(self.links), []
        self.last = self.shown[at] = Shown(
            frozenset(walker.number for walker in seen if walker.is_inside),
            frozenset(walker.number for walker in seen if not walker.is_inside),
            self.sight,
            at_s,
        )
        self.lately.append(self.last)
        return TrackedFrame(
            stamp,
            boxes,
            np.full(len(seen), 0.8, np.float32),
            np.full(len(seen), PERSON, np.int64),
            np.array([walker.number for walker in seen], np.int64),
            self.sight,
            links,
            {link.track_id: link.match for link in links},
            speeds_px=np.array(speeds, np.float32).reshape(-1, 2),
            came_at_s=np.array([walker.came_at_s for walker in seen], np.float64),
            came_xyxy=np.array([walker.came_box for walker in seen], np.float32).reshape(-1, 4),
        )
