from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evidence_store.media.stills import grab_frame
from flows.masks.pixelate import BLOCKS, MOSAIC_ROWS, mask_pixels, mask_regions

PICTURES = arrays(np.uint8, (40, 60, 3), elements=st.integers(0, 255))
COORDINATE = st.floats(-30, 90)


def test_nothing_of_a_masked_face_is_left_but_flat_blocks(sample_clip: Path) -> None:
    image = grab_frame(sample_clip, 10.0)
    masked = mask_regions(image, np.array([[100.0, 100, 140, 160]]), margin=0.25)
    region = masked[85:175, 90:150].reshape(-1, 3)
    assert len(np.unique(region, axis=0)) <= BLOCKS * BLOCKS
    assert len(np.unique(image[85:175, 90:150].reshape(-1, 3), axis=0)) > BLOCKS * BLOCKS


def test_outside_the_masks_nothing_changes_and_the_original_stays(sample_clip: Path) -> None:
    image = grab_frame(sample_clip, 10.0)
    before = image.copy()
    masked = mask_regions(image, np.array([[100.0, 100, 140, 160]]), margin=0.25)
    assert np.array_equal(image, before)
    changed = np.argwhere((masked != image).any(axis=2))
    assert changed.min(axis=0).tolist() >= [85, 90]
    assert (changed.max(axis=0) < [175, 150]).all()


@given(PICTURES, st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE))
def test_a_mask_does_not_depend_on_the_order_of_pixels_under_it(
    image: np.ndarray, box: tuple[float, float, float, float]
) -> None:
    x0, x1 = sorted((box[0], box[2]))
    y0, y1 = sorted((box[1], box[3]))
    masked = mask_regions(image, np.array([[x0, y0, x1, y1]]), margin=0.0)
    again = mask_regions(masked, np.array([[x0, y0, x1, y1]]), margin=0.0)
    assert masked.shape == image.shape
    assert np.array_equal(masked, again), "masking a masked picture finds nothing more to hide"


def test_no_boxes_no_change() -> None:
    image = np.full((4, 4, 3), 7, np.uint8)
    assert np.array_equal(mask_regions(image, np.empty((0, 4))), image)


def test_every_block_that_holds_a_hidden_pixel_is_flat(sample_clip: Path) -> None:
    image = grab_frame(sample_clip, 10.0)
    hidden = np.zeros(image.shape[:2], bool)
    hidden[300, 400] = True
    masked = mask_pixels(image, hidden)
    changed = np.argwhere((masked != image).any(axis=2))
    side = -(-image.shape[0] // MOSAIC_ROWS)
    assert (np.ptp(changed, axis=0) < side).all() and len(changed) > side * side // 2
    assert len(np.unique(masked[changed[:, 0], changed[:, 1]], axis=0)) == 1
