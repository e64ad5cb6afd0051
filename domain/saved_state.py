"""Save what a program must remember over a restart as one JSON text, and restore it.

Nothing of ours is pickled: Bytewax stores a dict of two strings and a number, so a class may be renamed or
moved and the state of the run before is still read. A value keeps its exact float. A checksum tells whether
a byte was changed since.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import GenericAlias
from typing import Any, Generic, TypeVar

import numpy as np
from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, core_schema

from domain.errors import PutAside

Saved = dict[str, Any]  # see StateFormat
StateT = TypeVar("StateT")


class StateUnusable(PutAside):
    """Saved state that this program cannot read: of another version, or damaged."""


class StateFormat(Generic[StateT]):
    """Save one kind of state as a version, a checksum and a JSON text, and restore it.

    >>> StateFormat(tuple[int, str]).save((7, "gate"))
    {'version': 1, 'sum': '4e1e484bc1fb6194', 'state': '[[7,"gate"]]'}
    """

    def __init__(self, kind: Any, version: int = 1) -> None:
        """Describe the state by its type: a dataclass, or what dataclasses are made of.

        Args:
            kind: the type `StateT`. A field that is added later needs a default, which states of
                older programs then have.
            version: to be raised when a field changes its name or meaning.
        """
        self._kind = kind
        self._version = version

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        # a tuple around it, for Pydantic takes no settings for a dataclass from outside
        wrapped: Any = GenericAlias(tuple, (self._kind,))
        return TypeAdapter(wrapped, config=ConfigDict(extra="forbid", ser_json_inf_nan="constants"))

    def save(self, state: StateT) -> Saved:
        """Return the state as text, which later changes of it do not reach.

        Raises:
            ValueError: something in it is no plain value.
        """
        text = self._adapter.dump_json((state,), fallback=_number, warnings="none").decode()
        return {"version": self._version, "sum": _checksum(self._version, text), "state": text}

    def restore(self, saved: object) -> StateT:
        """Return a new state; StateUnusable: damaged, of another version, or a field missing, strange, new."""
        match saved:
            case {"version": int(version), "sum": str(checksum), "state": str(text), **rest} if (
                not rest
            ):
                pass
            case _:
                raise StateUnusable("it is not in the form of this version")
        if checksum != _checksum(version, text):
            raise StateUnusable("it is damaged: its checksum is another")
        if version != self._version:
            raise StateUnusable(f"it has version {version}, needed is {self._version}")
        try:
            state: StateT
            (state,) = self._adapter.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"][1:])
            raise StateUnusable(f"{where or 'the whole'}: {first['msg']}") from error
        return state


def _checksum(version: int, text: str) -> str:
    content = f"{version:x} {text}".encode(errors="surrogatepass")
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def _number(value: object) -> float | int | bool:
    """Return a number of NumPy's as Python's: one that slipped into a state must not end the program."""
    if isinstance(value, np.generic):
        number: float | int | bool = value.item()
        return number
    raise TypeError(f"{type(value).__name__} is no plain value")


@dataclass(frozen=True, slots=True)
class SavedArray:
    """Annotate an array in a state with its element type and shape, which are checked when it is restored."""

    dtype: str
    shape: tuple[int, ...]

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Describe it as base64 of its bytes."""
        return core_schema.no_info_plain_validator_function(
            self._from_text,
            serialization=core_schema.plain_serializer_function_ser_schema(self._to_text),
        )

    def _to_text(self, array: np.ndarray) -> str:
        plain = array.astype(self.dtype, copy=False).reshape(self.shape)
        return base64.b64encode(plain.tobytes()).decode()

    def _from_text(self, text: Any) -> np.ndarray:
        try:
            data = base64.b64decode(text, validate=True)
        except TypeError as error:
            raise ValueError(f"needed an array, got {type(text).__name__}") from error
        return np.frombuffer(data, self.dtype).reshape(self.shape).copy()


Formats = Mapping[str, StateFormat[Any]]  # of one dataflow, by "step", or "step/key" for one
