"""Made-up vectors that lie as pictures of people do: a large common part, cameras, subjects, sightings.

Vectors that point anywhere are the hardest case for an index and the easiest for a claim. Those of
people on cameras resemble one another: same kind of thing, same scene, same person. Each vector here
is the sum of four parts, scaled so that their squared lengths are the shares below; the cosine of two
vectors is then the sum of the shares that they have in common.

| two vectors | cosine, about |
| --- | --- |
| different cameras | .50 |
| same camera | .60 |
| same subject | .85 |

Each part but the common one is normal with a falling spectrum (standard deviation of the i-th of 512
turned axes: i to the power -1/2), as pooled features have: some directions vary much, most little.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

SHARES = {"common": 0.50, "camera": 0.10, "subject": 0.25, "sighting": 0.15}
SIGHTINGS_OF_A_SUBJECT = 5  # in the mean


@dataclass(slots=True, eq=False)
class ClusteredVectors:
    """As many rows as wanted, always the same for a seed."""

    rows: int
    size: int = 512
    cameras: int = 50
    seed: int = 7
    _spread: np.ndarray = field(init=False)
    _turn: np.ndarray = field(init=False)
    _common: np.ndarray = field(init=False)
    _cameras: np.ndarray = field(init=False)
    _subjects: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        spread = np.arange(1, self.size + 1) ** -0.5
        self._spread = (spread / np.linalg.norm(spread)).astype(np.float32)
        self._turn = np.linalg.qr(rng.normal(size=(self.size, self.size)))[0].astype(np.float32)
        common = rng.normal(size=self.size)
        self._common = (common / np.linalg.norm(common)).astype(np.float32)
        self._cameras = self._part(rng, self.cameras)
        # turned when used: half a gigabyte for a million rows is enough
        subjects = max(1, self.rows // SIGHTINGS_OF_A_SUBJECT)
        self._subjects = self._part(rng, subjects)

    def sightings(self, count: int, stream: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw new sightings of subjects at random.

        Args:
            count: how many.
            stream: another number gives other sightings (of the same subjects).
        Returns:
            (count, size) float32 of unit length; (count,) numbers of their cameras.
        """
        rng = np.random.default_rng((self.seed, stream))
        subjects = rng.integers(0, len(self._subjects), count)
        cameras = subjects % self.cameras
        weight = {name: np.float32(np.sqrt(share)) for name, share in SHARES.items()}
        varying = (
            weight["camera"] * self._cameras[cameras]
            + weight["subject"] * self._subjects[subjects]
            + weight["sighting"] * self._part(rng, count)
        )
        vectors = weight["common"] * self._common + varying @ self._turn
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors.astype(np.float32), cameras

    def _part(self, rng: np.random.Generator, count: int) -> np.ndarray:
        part: np.ndarray = rng.standard_normal((count, self.size), dtype=np.float32)
        part *= self._spread
        return part
