"""Find out who of those who are out of sight came out where somebody came a moment ago.

A number that begins in the middle of what is looked at is nobody who just walked in: it is somebody who
was there before, and whom the tracker did not know again. Which of those who are out of sight, is said
by place and time first: colours of who was half hidden are those of what hid them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from domain.tracks import SubjectLink, SubjectMatch, Track
from flows.conditions.condition import Holding
from flows.conditions.verdict import Verdict
from flows.escalation.out_of_sight.outlook import Outlook
from flows.escalation.stays.offence import TOLD, Offence
from flows.escalation.stays.stay import OffenceKey
from flows.escalation.stays.whereabouts import Whereabouts
from flows.tracking.matching import NEVER, assign

DECIDE_AFTER_S = 1.0  # the tracker may know somebody again who was unseen for a moment
CAME_WITHIN_S = 3.0  # who came longer ago is known
OVERLAP_S = 0.5  # two boxes of one person at once, before the old number is lost
# lengths in heights of the person
NEAR = 0.75  # so far from where they were somebody may come out at once,
PACE = 0.8  # and so much farther for each second,
FAR = 3.0  # up to this
AS_TALL = (0.38, 2.6)  # times as high as the box before: half of somebody, or whole
# of colours, in [0, 1]
UNLIKE = 0.6  # less, and it is somebody else,
AT_ONCE_S = 2.0  # unless it was a moment ago
ALIKE = 0.88  # so much, and it is they also where the condition does not hold,
APART = 0.08  # unless somebody else seen lately looks about as much like it: in uniforms, all do
UNKNOWN_LIKENESS = 0.8
BRIEF_S = 2.0  # who was there for less may be a box around nobody


@dataclass(frozen=True, slots=True)
class ComingOut:
    """Say that somebody under a new number is taken to be somebody who was hidden."""

    was: Track
    now: Track
    gap_s: float
    away: float  # heights between where they were and where they came out
    similarity: float | None  # of their colours; None: not known
    is_one_of_many: bool = False  # dressed as others are: known by the place alone

    def links(self) -> tuple[SubjectLink, SubjectLink]:
        """Return what brings a condition's memory of both under the new number, in this order."""
        return self._link(self.was, self.now), self._link(self.now, self.was)

    def _link(self, now: Track, was: Track) -> SubjectLink:
        alike = UNKNOWN_LIKENESS if self.similarity is None else self.similarity
        match = SubjectMatch(now.number, "occlusion", self.gap_s, alike, 0.0, 0.0, is_sure=True)
        return SubjectLink(now.number, was.number, match)


def coming_out(
    offences: Mapping[OffenceKey, Offence],
    seen: Mapping[OffenceKey, Holding],
    outlook: Outlook,
    threshold_s: float,
) -> list[ComingOut]:
    """Pair those who are out of sight with those who came where they can be.

    Args:
        offences: of one rule, by subject.
        seen: what the condition says of everybody seen, by subject.
        outlook: the frame.
        threshold_s: of the rule: whose own stay is about to be an offence is decided upon now.
    """
    newcomers = [
        each for each in seen if isinstance(each, Track) and _is_new(each, offences, outlook)
    ]
    if not newcomers:
        return []
    unseen = [
        each for each in offences if isinstance(each, Track) and _is_unseen(each, offences, outlook)
    ]
    if not unseen:
        return []
    pairs = [[_pair(was, now, offences, seen, outlook) for now in newcomers] for was in unseen]
    costs = np.array(
        [
            [NEVER if pair is None else _cost(pair, offences[was]) for pair in row]
            for was, row in zip(unseen, pairs, strict=True)
        ]
    )
    matched = (pairs[row][column] for row, column in assign(costs, NEVER))
    return [
        pair
        for pair in matched
        if pair is not None and _is_ripe(pair, offences, outlook, threshold_s)
    ]


def _is_new(subject: Track, offences: Mapping[OffenceKey, Offence], outlook: Outlook) -> bool:
    """Tell whether somebody came a moment ago, and is not taken for anybody yet."""
    tracked = outlook.tracked
    if tracked.came_at_s is None or tracked.came_xyxy is None:
        return False
    row = outlook.rows[subject.number]
    young = offences.get(subject)
    if young is not None and (young.state in TOLD or young.taken is not None):
        return False
    here_s = tracked.frame.captured_at.timestamp() - float(tracked.came_at_s[row])
    return here_s <= CAME_WITHIN_S


def _is_unseen(subject: Track, offences: Mapping[OffenceKey, Offence], outlook: Outlook) -> bool:
    stay = offences[subject].stay
    return (
        subject.number not in outlook.rows
        and not stay.is_missing
        and stay.whereabouts is not None
        and not outlook.was_leaving_the_view(stay.whereabouts)
    )


def _pair(
    was: Track,
    now: Track,
    offences: Mapping[OffenceKey, Offence],
    seen: Mapping[OffenceKey, Holding],
    outlook: Outlook,
) -> ComingOut | None:
    """Return what speaks for it that they are the same; None: something speaks against it."""
    last, row, tracked = offences[was].stay.whereabouts, outlook.rows[now.number], outlook.tracked
    assert last is not None and tracked.came_at_s is not None and tracked.came_xyxy is not None
    box = tracked.came_xyxy[row]
    gap_s = float(tracked.came_at_s[row]) - last.at.timestamp()
    taller = float(box[3] - box[1]) / last.height_px
    is_same_kind = last.class_id == tracked.class_ids[row]
    if gap_s <= -OVERLAP_S or not is_same_kind or not AS_TALL[0] <= taller <= AS_TALL[1]:
        return None
    away = _away(last, box, max(gap_s, 0.0))
    if away > min(NEAR + PACE * max(gap_s, 0.0), FAR):
        return None
    is_right_there = gap_s <= OVERLAP_S and away <= NEAR
    if not is_right_there and outlook.came_over_the_border(row):
        return None
    looks = tracked.resemblances.of(now.number, was.number)
    alike = None if looks is None else looks.similarity
    if alike is not None and alike < UNLIKE and gap_s > AT_ONCE_S:
        return None
    is_outside = seen[now].verdict is Verdict.DOES_NOT_HOLD
    if is_outside and (looks is None or looks.similarity < ALIKE or looks.margin < APART):
        return None
    one_of_many = looks is not None and looks.similarity >= ALIKE and looks.margin < APART
    return ComingOut(was, now, round(gap_s, 3), round(away, 2), alike, one_of_many)


def _away(last: Whereabouts, box_xyxy: np.ndarray, gap_s: float) -> float:
    """Return how far from their way somebody came out, heights: from where they were to where they went.

    Heads are compared: feet are hidden more often.
    """
    x1, y1, x2, _ = last.box_xyxy
    off = np.array([(box_xyxy[0] + box_xyxy[2]) / 2 - (x1 + x2) / 2, box_xyxy[1] - y1])
    way = np.array(last.speed_px) * min(gap_s, CAME_WITHIN_S)
    length = float(way @ way)
    share = min(max(float(off @ way) / length, 0.0), 1.0) if length else 0.0
    height_px = max(last.height_px, float(box_xyxy[3] - box_xyxy[1]))
    return float(np.hypot(*(off - share * way))) / height_px


def _cost(pair: ComingOut, offence: Offence) -> float:
    """Return how unlikely it is: by a normal distribution that widens while they are out of sight."""
    spread = 0.5 + 0.4 * max(pair.gap_s, 0.0)
    unlike = 1 - (UNKNOWN_LIKENESS if pair.similarity is None else pair.similarity)
    brief = float(offence.stay.seen_s < BRIEF_S)
    return (pair.away / spread) ** 2 / 2 + 2 * float(np.log(spread)) + 3 * unlike + brief


def _is_ripe(
    pair: ComingOut,
    offences: Mapping[OffenceKey, Offence],
    outlook: Outlook,
    threshold_s: float,
) -> bool:
    """Tell whether it is time to decide."""
    at = outlook.tracked.frame.captured_at
    assert outlook.tracked.came_at_s is not None
    here_s = at.timestamp() - float(outlook.tracked.came_at_s[outlook.rows[pair.now.number]])
    young = offences.get(pair.now)
    about_to_open = young is not None and young.stay.lasted_s(at) >= threshold_s
    return here_s >= DECIDE_AFTER_S or about_to_open
