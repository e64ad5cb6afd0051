"""Turn pooled features into vectors of unit length."""

from __future__ import annotations

import numpy as np

from domain.errors import Stop


def to_unit_length(features: np.ndarray, who: str = "the embedder") -> np.ndarray:
    """Scale each row of (n, size) float32 to length 1, so that a dot product is the cosine.

    Raises:
        Stop: a row is all zeros or not finite: the model or its server is broken.
    """
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise Stop(f"{who} answered with zeros or numbers that are not finite")
    unit: np.ndarray = (features / lengths).astype(np.float32)
    return unit
