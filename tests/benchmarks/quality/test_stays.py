"""What is told of stays, judged by the truth."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from benchmarks.quality.crowd import made_stamp
from benchmarks.quality.footage import STARTS_AT
from benchmarks.quality.naming import Naming, Return
from benchmarks.quality.stays import Stay, StayMarks, compare
from benchmarks.quality.true_stays import Path, TrueStay
from domain.tracks import SubjectLink, SubjectMatch, TrackedFrame

BEGAN_S = STARTS_AT.timestamp()
ANNA, BEN = 1, 2


def stay(number: int, from_s: float, to_s: float, state: str, *, told_s: float = 2.0) -> Stay:
    return Stay(
        number=number,
        opened_at=STARTS_AT + timedelta(seconds=from_s + 5),
        first_at=STARTS_AT + timedelta(seconds=from_s),
        is_repeat=False,
        dwell_s=to_s - from_s,
        first_rung=1,
        state=state,
        ended_s=BEGAN_S + to_s + told_s,
    )


def naming_of(*spans: tuple[int, int, int, int]) -> Naming:
    """Name by (number, person, from second, to second)."""
    people: dict[int, list[tuple[float, int]]] = {}
    for number, person, from_s, to_s in spans:
        people.setdefault(number, []).extend(
            (BEGAN_S + at_s, person) for at_s in range(from_s, to_s + 1)
        )
    return Naming(people, {number: [who for _, who in seen] for number, seen in people.items()})


def true(person: int, from_s: float, to_s: float, *, is_seen_leaving: bool = False) -> TrueStay:
    return TrueStay(person, BEGAN_S + from_s, BEGAN_S + to_s, is_seen_leaving)


def inside(from_s: int, to_s: int) -> Path:
    at_s = BEGAN_S + np.arange(from_s, to_s + 1)
    there = np.ones(len(at_s), bool)
    return Path(at_s, there, there, ~there)


def judge(expected: list[TrueStay], found: list[Stay], naming: Naming, **paths: Path) -> StayMarks:
    by_person = {{"anna": ANNA, "ben": BEN}[name]: path for name, path in paths.items()}
    return compare(expected, found, naming, by_person, "a clip")


def test_a_stay_is_found_with_the_error_of_its_length() -> None:
    marks = judge([true(ANNA, 0, 20)], [stay(5, 1, 19, "unknown")], naming_of((5, ANNA, 1, 19)))
    assert (marks.expected, marks.found, marks.matched) == (1, 1, 1)
    assert marks.dwell_errors_s == [2.0]
    assert (marks.precision, marks.recall) == (1.0, 1.0)


def test_somebody_elses_stay_is_none_and_theirs_is_missed() -> None:
    marks = judge([true(ANNA, 0, 20)], [stay(5, 1, 19, "unknown")], naming_of((5, BEN, 1, 19)))
    assert (marks.matched, len(marks.invented), len(marks.missed)) == (0, 1, 1)
    assert (marks.precision, marks.recall) == (0.0, 0.0)


def test_a_second_offence_within_one_stay_is_a_second_first_call() -> None:
    found = [stay(5, 0, 9, "complied"), stay(6, 12, 20, "unknown")]
    naming = naming_of((5, ANNA, 0, 9), (6, ANNA, 12, 20))
    marks = judge([true(ANNA, 0, 20)], found, naming, anna=inside(0, 20))
    assert (marks.matched, len(marks.second_warnings)) == (1, 1)
    assert marks.precision == 0.5


def test_a_merged_offence_counts_as_nothing_but_its_call_was_heard() -> None:
    found = [stay(5, 0, 20, "unknown"), stay(6, 12, 14, "merged")]
    naming = naming_of((5, ANNA, 0, 10), (6, ANNA, 12, 14))
    marks = judge([true(ANNA, 0, 20)], found, naming, anna=inside(0, 20))
    assert (marks.found, marks.matched, marks.precision) == (1, 1, 1.0)
    assert len(marks.second_warnings) == 1


def test_complied_is_false_of_who_stands_there_and_true_of_who_went() -> None:
    found, naming = [stay(5, 0, 9, "complied")], naming_of((5, ANNA, 0, 9))
    there = judge([true(ANNA, 0, 20)], found, naming, anna=inside(0, 20))
    gone = judge([true(ANNA, 0, 9)], found, naming, anna=inside(0, 9))
    assert (len(there.false_complied), len(gone.false_complied)) == (1, 0)


def test_unknown_is_never_a_false_compliance() -> None:
    found, naming = [stay(5, 0, 9, "unknown")], naming_of((5, ANNA, 0, 9))
    assert not judge([true(ANNA, 0, 20)], found, naming, anna=inside(0, 20)).false_complied


def test_an_outcome_is_said_of_whom_the_number_was_on_at_the_end() -> None:
    naming = naming_of((5, ANNA, 0, 7), (5, BEN, 8, 9))
    found = [stay(5, 0, 9, "complied")]
    of_ben = judge([true(ANNA, 0, 20)], found, naming, anna=inside(0, 20), ben=inside(0, 9))
    assert not of_ben.false_complied


def test_of_those_seen_leaving_the_last_word_counts() -> None:
    left = [true(ANNA, 0, 20, is_seen_leaving=True), true(BEN, 0, 20, is_seen_leaving=True)]
    found = [stay(5, 0, 20, "complied"), stay(6, 0, 9, "lapsed"), stay(7, 12, 20, "unknown")]
    naming = naming_of((5, ANNA, 0, 20), (6, BEN, 0, 9), (7, BEN, 12, 20))
    marks = judge(left, found, naming)
    assert (marks.leaving, marks.known_to_have_left, marks.known_share) == (2, 1, 0.5)
    assert len(marks.not_known) == 1


def test_who_was_not_seen_leaving_may_be_unknown() -> None:
    found, naming = [stay(5, 0, 20, "unknown")], naming_of((5, ANNA, 0, 20))
    assert judge([true(ANNA, 0, 20)], found, naming).leaving == 0


def test_of_two_stays_of_one_person_the_one_at_that_time_is_meant() -> None:
    expected = [true(ANNA, 0, 10), true(ANNA, 10.5, 30)]
    marks = judge(expected, [stay(5, 9, 30, "unknown")], naming_of((5, ANNA, 9, 30)))
    assert marks.dwell_errors_s == [1.5]


def test_marks_of_clips_add_up() -> None:
    one, other = StayMarks(expected=2, found=1, matched=1), StayMarks(expected=1, missed=["x"])
    one.add(other)
    assert (one.expected, one.found, one.matched, one.missed) == (3, 1, 1, ["x"])


def test_a_return_is_recognised_by_one_number_before_and_after() -> None:
    again = Return("a clip", before=ANNA, after=ANNA, after_s=30.0)
    assert naming_of((5, ANNA, 0, 9), (5, ANNA, 40, 49)).is_recognised(again)
    assert not naming_of((5, ANNA, 0, 9), (6, ANNA, 40, 49)).is_recognised(again)
    assert not naming_of((5, BEN, 0, 9), (5, ANNA, 40, 49)).is_recognised(again)


def test_a_link_is_wrong_where_the_number_was_on_somebody_else_before() -> None:
    linked = TrackedFrame(
        frame=made_stamp(20.0, 100),
        boxes_xyxy=np.zeros((0, 4), np.float32),
        scores=np.zeros(0, np.float32),
        class_ids=np.zeros(0, np.int64),
        track_ids=np.zeros(0, np.int64),
        links=(SubjectLink(5, 6, SubjectMatch(5, "return", 9.0, 0.9, 1.0, 0.005, True)),),
    )
    wrong = naming_of((5, ANNA, 0, 9), (5, BEN, 20, 25))
    right = naming_of((5, ANNA, 0, 9), (5, ANNA, 20, 25))
    assert wrong.wrong_links([linked], {}) == {(ANNA, BEN)}
    assert wrong.wrong_links([linked], {BEN: ANNA}) == set()
    assert right.wrong_links([linked], {}) == set()
    assert linked.frame.captured_at.timestamp() == BEGAN_S + 20
