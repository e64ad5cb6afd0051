"""Which faces count as left visible in a masked copy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.quality.faces import Count
from flows.masks.pixelate import mask_regions

PICTURE = np.random.default_rng(3).integers(0, 255, (120, 160, 3), np.uint8)
FACES = np.array([[20.0, 20, 50, 60], [90, 30, 120, 70]])


class KnowsFaces:
    """Finds them in every picture."""

    def find_in_all(
        self, images_rgb: Sequence[np.ndarray], min_score: float
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(FACES, np.ones(len(FACES))) for _ in images_rgb]


def test_a_face_under_a_mask_is_hidden_and_one_beside_it_is_not() -> None:
    count = Count()
    count.look(PICTURE, mask_regions(PICTURE, FACES[:1]), KnowsFaces())
    assert (count.pictures, count.faces, count.visible) == (1, 2, 1)
    assert len(count.seen) == 1


def test_compression_alone_hides_nothing() -> None:
    count = Count()
    noisy = (PICTURE.astype(int) + 3).clip(0, 255).astype(np.uint8)
    count.look(PICTURE, noisy, KnowsFaces())
    assert count.visible == 2
