"""Keep what the models say by what they were shown: nothing is asked twice, not even after a break.

A measurement asks about the same pictures again and again: at four frame rates, in several kinds of zones, and
whenever the tracker changed. Answers are kept in one SQLite file as they come, so whoever is interrupted loses
a batch. Worktrees may share the file: it knows a model by the bytes that were built.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from benchmarks.quality.darkness import CACHE
from models.building import GRAPH, WEIGHTS
from models.contract import Answer, Batches, Tensor, Tensors
from models.direct import DirectInference
from models.registry import TRITON_REPO
from models.serving.client import Inference

KEPT = CACHE / "model-answers.sqlite3"


class KeptInference:
    """Answer like another `Inference`, which is asked only what it was never asked before."""

    def __init__(
        self,
        inference: Inference | None = None,
        path: Path = KEPT,
        triton_repo: Path = TRITON_REPO,
    ) -> None:
        """Keep answers in that file, made where there is none; `inference` is this process by default."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._inference = inference or DirectInference(triton_repo)
        self._triton_repo = triton_repo
        self._built: dict[str, bytes] = {}
        # several may measure at once
        self._kept = sqlite3.connect(path, isolation_level=None, timeout=60)
        # what a crash of the machine loses can be asked again
        self._kept.execute("PRAGMA synchronous = OFF")
        self._kept.execute("CREATE TABLE IF NOT EXISTS answers (asked BLOB PRIMARY KEY, said BLOB)")

    def infer(self, model: str, given: Tensor, batches: Batches, wanted: Tensors) -> list[Answer]:
        """Answer each batch, in order; see Connection.infer."""
        return [self._answer(model, given, rows, wanted) for rows in batches]

    def _answer(
        self, model: str, given: Tensor, rows: Sequence[np.ndarray], wanted: Tensors
    ) -> Answer:
        asked = [self._digest(model, row, wanted) for row in rows]
        said = {key: self._said(key) for key in asked}
        new = {key: row for key, row in zip(asked, rows, strict=True) if said[key] is None}
        if new:
            (answer,) = self._inference.infer(model, given, [list(new.values())], wanted)
            for row, key in enumerate(new):
                said[key] = _packed([answer[each.name][row] for each in wanted])
            kept = [(key, said[key]) for key in new]
            self._kept.execute("BEGIN")
            self._kept.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", kept)
            self._kept.execute("COMMIT")
        return _joined([said[key] or b"" for key in asked], wanted)

    def _digest(self, model: str, row: np.ndarray, wanted: Tensors) -> bytes:
        if model not in self._built:
            folder = self._triton_repo / model / "1"
            built = b"".join((folder / name).read_bytes() for name in (WEIGHTS, GRAPH))
            self._built[model] = hashlib.sha256(built).digest()
        names = " ".join(each.name for each in wanted)
        told = self._built[model] + f"{names} {row.dtype} {row.shape}".encode()
        return hashlib.sha256(told + np.ascontiguousarray(row).tobytes()).digest()

    def _said(self, key: bytes) -> bytes | None:
        found = self._kept.execute("SELECT said FROM answers WHERE asked = ?", (key,)).fetchone()
        return None if found is None else bytes(found[0])


def _packed(arrays: Sequence[np.ndarray]) -> bytes:
    packed = BytesIO()
    for array in arrays:
        np.save(packed, array, allow_pickle=False)
    return packed.getvalue()


def _joined(said: Sequence[bytes], wanted: Tensors) -> Answer:
    """Lay kept rows out as the tensors that they were."""
    rows = []
    for each in said:
        packed = BytesIO(each)
        rows.append([np.load(packed, allow_pickle=False) for _ in wanted])
    return {each.name: np.stack([row[place] for row in rows]) for place, each in enumerate(wanted)}
