"""Say what a model takes and gives, how it is served, and what a detector tells apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from domain.base import FrozenModel
from domain.coco_classes import COCO_IDS, ClassName

ANY = -1


class Tensor(FrozenModel):
    """One input or output."""

    name: str
    dtype: Literal["uint8", "int32", "int64", "float32"]
    shape: tuple[int, ...] = Field(
        min_length=1, description="-1 first is the batch; elsewhere a side of any size"
    )
    at_most: tuple[int, ...] = Field(
        default=(), description="largest size of each side after the batch; (): any size will do"
    )
    meaning: str

    @model_validator(mode="after")
    def _batch_comes_first(self) -> Self:
        sides = self.shape[1:]
        if self.shape[0] != ANY or any(side <= 0 and side != ANY for side in sides):
            raise ValueError(
                f"shape should be [-1, then sides above 0 or -1], got {list(self.shape)}"
            )
        if self.at_most and len(self.at_most) != len(sides):
            raise ValueError(f"at_most should have {len(sides)} sides, got {list(self.at_most)}")
        return self

    @property
    def is_fixed(self) -> bool:
        """Tell whether every row has the same shape."""
        return ANY not in self.shape[1:]

    def fits(self, row_shape: Sequence[int]) -> bool:
        """Tell whether a row, without the batch, may have this shape."""
        sides = self.shape[1:]
        if len(row_shape) != len(sides):
            return False
        if any(side not in (ANY, came) for side, came in zip(sides, row_shape, strict=True)):
            return False
        return all(came <= most for came, most in zip(row_shape, self.at_most, strict=False))


Tensors = Sequence[Tensor]
Batches = Sequence[
    Sequence[np.ndarray]
]  # each of rows; a row has the input's shape without the batch
Answer = dict[str, np.ndarray]  # output name -> array with one row for each row of the batch


class ServedAs(FrozenModel):
    """How a Triton server runs a model; models/triton_config.py writes its config.pbtxt of it."""

    max_batch: int = Field(default=8, ge=0, description="rows in a request; 0: sides of any size")
    chunk: int = Field(default=1, ge=1, description="rows in one inference")
    hint: Literal["THROUGHPUT", "LATENCY"] = Field(
        default="THROUGHPUT", description="LATENCY: all cores work on one picture"
    )


class Detects(FrozenModel):
    """What a detector tells apart, and on which scale its scores are."""

    groups: tuple[tuple[ClassName, ...], ...] = Field(
        min_length=1,
        description="class names that it cannot tell from each other; it answers with the first's number",
    )
    is_reference: bool = Field(
        default=False, description="its scores are the scale that others are calibrated to"
    )

    def cannot_answer(self, class_names: Collection[str]) -> list[str]:
        """List the classes of one rule that it does not know, or would mix up with others.

        A group that the rule names whole is no trouble: whichever it is, the rule means it.
        """
        wanted, answered = set(class_names), set[str]()
        for group in self.groups:
            if wanted.issuperset(group):
                answered.update(group)
        return [name for name in COCO_IDS if name in wanted - answered]
