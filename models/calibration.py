"""Put a detector's scores on the common scale, so that `min_score: 0.3` means the same after a swap.

The common scale is that of the reference detector. A table in the detector's folder, calibration.json,
says which of its scores lets as many wrong boxes through as which score of the reference does;
`python -m benchmarks.calibration NAME` makes it on labelled clips.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from domain.errors import Stop
from models.registry import ModelEntry

CALIBRATION = "calibration.json"


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Calibration:
    """Two columns of scores that mean the same, both rising from 0 to 1."""

    given: np.ndarray  # (k,) as the model gives them
    meant: np.ndarray  # (k,) on the common scale

    def to_common(self, scores: np.ndarray) -> np.ndarray:
        """Turn the model's scores, (n,) in [0, 1], into those of the common scale, float32."""
        turned: np.ndarray = np.interp(scores, self.given, self.meant).astype(np.float32)
        return turned

    def to_given(self, score: float) -> float:
        """Turn a score of the common scale into the model's."""
        return float(np.interp(score, self.meant, self.given))


def read_calibration(entry: ModelEntry) -> Calibration | None:
    """Read a detector's table; None where its scores are taken as they are.

    Raises:
        Stop: the table is none.
    """
    path = entry.folder / CALIBRATION
    if not path.exists():
        return None
    try:
        given, meant = np.array(json.loads(path.read_text(encoding="utf-8"))["scores"], float).T
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Stop(f"{path}: no table of two columns of scores: {error}") from error
    for column in (given, meant):
        if column[0] != 0 or column[-1] != 1 or not (np.diff(column) > 0).all():
            raise Stop(f"{path}: each column should rise from 0 to 1, got {column.tolist()}")
    return Calibration(given, meant)


def is_calibrated(entry: ModelEntry) -> bool:
    """Tell whether the detector's scores are on the common scale."""
    if entry.detects is not None and entry.detects.is_reference:
        return True
    return read_calibration(entry) is not None
