"""Colour vectors."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.evidence import APPEARANCE_SIZE
from models.appearance import SIZE, describe

pictures = st.tuples(st.integers(1, 40), st.integers(1, 30)).flatmap(
    lambda size: arrays(np.uint8, (*size, 3))
)


@settings(max_examples=60, deadline=None)
@given(pictures)
def test_every_crop_gives_a_vector_of_unit_length_and_no_negative_part(crop: np.ndarray) -> None:
    vector = describe(crop)
    assert vector.shape == (SIZE,) == (APPEARANCE_SIZE,) and vector.dtype == np.float32
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5
    assert (vector >= 0).all()


def person(top_rgb: tuple[int, int, int], legs_rgb: tuple[int, int, int]) -> np.ndarray:
    crop = np.full((80, 32, 3), 120, np.uint8)
    crop[8:40, 5:27], crop[40:72, 5:27] = top_rgb, legs_rgb
    return crop


RED, BLUE = (200, 20, 20), (20, 20, 200)


def test_the_same_clothes_are_alike_at_another_size() -> None:
    crop = person(RED, BLUE)
    larger = crop.repeat(2, axis=0).repeat(2, axis=1)
    assert describe(crop) @ describe(larger) > 0.99


def test_swapping_top_and_legs_is_another_person() -> None:
    assert describe(person(RED, BLUE)) @ describe(person(BLUE, RED)) < 0.1
