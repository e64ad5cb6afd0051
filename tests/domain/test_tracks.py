"""Subjects have a text that says which kind they are, whatever a zone is called."""

from __future__ import annotations

import pytest

from domain.saved_state import StateFormat, StateUnusable
from domain.tracks import Place, SubjectKey, Track, order_of, parse_subject
from tests.support.plain_state import saved_as

BY_SUBJECT = StateFormat[dict[SubjectKey, int]](dict[SubjectKey, int])


@pytest.mark.parametrize("subject", [Track(7), Place("7"), Place("gate"), Place("place-7")])
def test_a_subject_is_read_back_from_its_text(subject: SubjectKey) -> None:
    assert parse_subject(str(subject)) == subject


def test_tracks_and_zones_are_written_as_they_always_were() -> None:
    assert (str(Track(7)), str(Place("gate"))) == ("7", "gate")


def test_a_zone_of_digits_is_no_track() -> None:
    assert len({Track(7), Place("7")}) == 2
    assert str(Place("7")) != str(Track(7))


def test_tracks_come_by_number_then_places_by_name() -> None:
    everybody = [Place("gate"), Track(10), Place("7"), Track(9)]
    assert sorted(everybody, key=order_of) == [Track(9), Track(10), Place("7"), Place("gate")]


def test_states_are_keyed_by_subjects() -> None:
    state: dict[SubjectKey, int] = {Track(7): 1, Place("7"): 2}
    assert BY_SUBJECT.restore(BY_SUBJECT.save(state)) == state
    before = saved_as({"7": 1, "gate": 2})  # by a version whose keys were texts
    assert BY_SUBJECT.restore(before) == {Track(7): 1, Place("gate"): 2}


def test_what_names_nobody_is_refused() -> None:
    with pytest.raises(StateUnusable):
        StateFormat[SubjectKey](SubjectKey).restore(saved_as(7))
