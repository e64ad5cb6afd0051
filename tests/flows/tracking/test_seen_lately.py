"""Everybody seen lately is asked at once: it decides as a comparison one by one does, written out here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tracks import SubjectMatch
from flows.tracking.colours import SIZE
from flows.tracking.likelihood import KINDS, LikenessKind, UsualLikeness, likelihood_ratio
from flows.tracking.relink import BestMatch, best_match
from flows.tracking.seen_lately import SeenLately
from flows.tracking.settings import SubjectSettings
from flows.tracking.subject import Subject
from flows.tracking.ways_out import was_walking_out

WANTED = SubjectSettings()
PARTS = np.array([[0, 0, 768, 576]], np.float32)
CAME_S = 100.0


def one_by_one(
    subject: Subject,
    lost: Sequence[Subject],
    present: Sequence[Subject],
    usual: UsualLikeness,
    kind: LikenessKind,
) -> BestMatch | None:
    known = [
        each
        for each in (*lost, *present)
        if each.kind == 1 and kind.views(each) and each.number and each is not subject
    ]
    away = {id(each) for each in lost if each.last_s < subject.first_s}
    ways = [way_back(subject, each, kind) if id(each) in away else None for each in known]
    if not any(ways):
        return None

    def are_others(one: Subject) -> list[bool]:
        return [
            each is not one and each.number != one.may_be and one.number != each.may_be
            for each in known
        ]

    alike = kind.alike(known, [subject])[:, 0]
    hidden, back = ways.count("occlusion"), ways.count("return")
    left = 1 - WANTED.hidden_share * (hidden > 0)
    of_way = {
        None: 0.0,
        "occlusion": WANTED.hidden_share / max(hidden, 1),
        "return": left * WANTED.returning_share / max(back, 1),
    }
    chances = np.array([of_way[way] for way in ways])
    new = 1 - chances.sum()
    for row in np.flatnonzero(chances).tolist():
        others = alike[are_others(known[row])]
        chances[row] *= likelihood_ratio(
            float(alike[row]),
            kind,
            usual,
            says=min(float(kind.says([each])[0]) for each in (subject, known[row])),
            as_alike=int((others >= alike[row] - WANTED.margin).sum()),
            asked=len(others),
        )
    best = int(chances.argmax())
    is_other = np.array(are_others(known[best]))
    probably = chances[~is_other].sum() / (chances.sum() + new)
    stranger = max(usual.typical(kind), float(alike[is_other].max(initial=-1)))
    similarity, how, error = float(alike[best]), ways[best], 1 - probably
    if how == "return" and not any(is_other) and not usual.pairs:
        error = max(error, WANTED.unrivalled_error)
    return BestMatch(known[best], how, similarity, similarity - stranger, error)  # type: ignore[arg-type]


def way_back(subject: Subject, earlier: Subject, kind: LikenessKind) -> str | None:
    views = min(kind.views(subject), kind.views(earlier))
    gap_s = subject.first_s - earlier.last_s
    x, y, variance = earlier.foresee(subject.first_s, WANTED)
    away = np.hypot(subject.begin_x - x, subject.begin_y - y) / earlier.height
    reach = min(3 * variance**0.5, WANTED.hidden_reach + WANTED.hidden_pace * gap_s)
    is_hidden = away <= reach and not was_walking_out(earlier, PARTS, WANTED)
    if gap_s <= WANTED.occlusion_s and views >= WANTED.occlusion_sightings and is_hidden:
        return "occlusion"
    if gap_s <= WANTED.repeat_window_s and views >= kind.enough_views:
        return "return"
    return None


def drawn(rng: np.random.Generator, row: int, wardrobe: np.ndarray) -> Subject:
    """Draw somebody in clothes that others wear as well, walking anywhere, gone for a while or not."""
    x, y = rng.uniform(20, 740), rng.uniform(100, 480)
    one = Subject.begin(0.0, np.array([x - 20, y - 60, x + 20, y + 60]), 0.8, 1, WANTED)
    one.number = row + 1 if rng.random() < 0.9 else 0
    one.kind = 1 if rng.random() < 0.9 else 3
    one.speed_x, one.speed_y = rng.normal(0, 40, 2).tolist()
    one.first_s = CAME_S - rng.uniform(0, 40)
    one.last_s = CAME_S - rng.choice([0.0, rng.uniform(0, 9), rng.uniform(0, 700)])
    one.sightings = int(rng.integers(0, 9))
    if one.sightings:
        worn = wardrobe[rng.integers(len(wardrobe))] + np.abs(rng.normal(0, 0.02, SIZE))
        one.looks = (worn / np.linalg.norm(worn)).astype(np.float16)
    one.likeness_views = int(rng.integers(0, 4))
    if one.likeness_views:
        vector = wardrobe[rng.integers(len(wardrobe))] + rng.normal(0, 0.03, SIZE)
        one.likeness = (vector / np.linalg.norm(vector)).astype(np.float16)
    if rng.random() < 0.3:
        one.match = SubjectMatch(int(rng.integers(1, 9)), "return", 1.0, 0.9, 0.1, 0.2, False)
    return one


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 24), st.integers(1, 4))
def test_it_decides_as_one_by_one(kind: LikenessKind, seed: int, people: int, clothes: int) -> None:
    rng = np.random.default_rng(seed)
    wardrobe = np.zeros((clothes, SIZE))
    for row in range(clothes):
        wardrobe[row, rng.choice(SIZE, 6, replace=False)] = 0.4
    everybody = [drawn(rng, row, wardrobe) for row in range(people)]
    present = [each for each in everybody if each.last_s == CAME_S]
    lost = [each for each in everybody if each.last_s < CAME_S and each.number]
    usual = UsualLikeness(pairs=int(rng.integers(0, 40)), mean=float(rng.uniform(0.2, 1.4)))
    came = [each for each in present if each.kind == 1 and kind.views(each)]
    known = SeenLately(lost, present, came, PARTS, kind, WANTED)
    for subject in came:
        slow = one_by_one(subject, lost, present, usual, kind)
        quick = best_match(subject, known, usual, WANTED)
        assert (quick is None) == (slow is None)
        if quick is not None and slow is not None:
            assert (quick.earlier, quick.how) == (slow.earlier, slow.how)
            for name in ("similarity", "margin", "error"):
                assert getattr(quick, name) == pytest.approx(getattr(slow, name), abs=1e-5)
            assert quick.is_sure(WANTED) == slow.is_sure(WANTED)
        # they get a number, or are perhaps somebody, before the next one is compared
        subject.number = subject.number or 100 + len(everybody)
        if rng.random() < 0.5:
            match = SubjectMatch(int(rng.integers(1, 9)), "return", 1.0, 0.9, 0.1, 0.2, False)
            subject.match = replace(match, is_sure=rng.random() < 0.2)
        known.note(subject)
        if lost and rng.random() < 0.3:
            dropped = lost.pop()
            known.drop(dropped)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_where_nobody_lost_was_ever_seen_clearly_nobody_is_compared(kind: LikenessKind) -> None:
    lost = Subject.begin(0.0, np.array([0, 0, 40, 120]), 0.8, 1, WANTED)
    lost.number = 1
    known = SeenLately([lost], [], [lost], PARTS, kind, WANTED)
    assert len(known) == 0 and not known.can_compare(lost)
