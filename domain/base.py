"""Base types of the site file, the people file and events: frozen models, ids, bilingual texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

Identifier = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="lower-case letters, digits, '-'")
]
ModelName = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="as `forewarn models list` has it")
]
Fault = tuple[tuple[str | int, ...], str]  # where in the site file, what is wrong
Fraction01 = Annotated[float, Field(ge=0, le=1)]


class FrozenModel(BaseModel):
    """Read once, never changed, and nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BothLanguages(FrozenModel):
    """A text that people read or hear: always in Chinese and in English."""

    zh: str = Field(min_length=1, description="Chinese")
    en: str = Field(min_length=1, description="English")


def both(zh: str, en: str) -> BothLanguages:
    """Return a text in both languages, for tables of them."""
    return BothLanguages(zh=zh, en=en)


def repeated(values: Sequence[str], start: int = 0) -> Iterator[tuple[int, str]]:
    """Yield (row, value), from row `start` on, of each value that an earlier row has too."""
    for row in range(start, len(values)):
        if values[row] in values[:row]:
            yield row, values[row]


def refuse_faults(faults: Iterable[Fault]) -> None:
    """Fail the validation of a model in which a check found faults; none: do nothing.

    Raises:
        PydanticCustomError: there are some; the places ride along, so that the reader of the file
            can name their lines.
    """
    if faults := list(faults):
        text = "; ".join(words for _, words in faults)
        raise PydanticCustomError("references", "{text}", {"text": text, "faults": faults})
