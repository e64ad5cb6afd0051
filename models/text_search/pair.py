"""Describe a pair of models: the TOML file that a site writes for the pair that it wants to use."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from domain.base import FrozenModel, ModelName
from domain.errors import Stop
from evidence_store.search.picture_vectors import VectorSpace
from models.contract import Tensor
from models.source_kinds import Sha256, Source

PICTURES, TEXTS, TOKENIZER = "pictures", "texts", "tokenizer"
Three = Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]


class FetchedFile(FrozenModel):
    """One file of the pair, with its hash."""

    source: Source
    sha256: Sha256
    size_bytes: int = Field(gt=0)


class PictureTower(FetchedFile):
    """The ONNX model that describes pictures."""

    input: str = Field(description="name of its input: (n, 3, side, side) float32, or NHWC")
    output: str = Field(description="name of its output: (n, size)")
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    side_px: int = Field(ge=8, le=1024)
    mean: Three = Field(description="of RGB in 0..1, taken away before the network")
    std: Three = Field(description="of RGB in 0..1, divided by")
    fit: Literal["pad", "crop", "squeeze"] = Field(
        default="crop",
        description="how a picture becomes a square: pad keeps all of it, crop cuts the middle out "
        "(as CLIP was trained), squeeze changes its shape",
    )


class TextTower(FetchedFile):
    """The ONNX model that describes texts."""

    input: str = Field(description="name of its input of token ids: (n, tokens) int64 or int32")
    mask: str | None = Field(
        default=None, description="name of its input that says which tokens count, if it has one"
    )
    output: str = Field(description="name of its output: (n, size)")
    tokens: int = Field(ge=2, le=1024, description="of a text: shorter ones are filled up")
    pad_id: int = Field(default=0, ge=0, description="token that fills up")
    end_is_pad: bool = Field(
        default=False, description="the token that ends a text fills up as well (CLIP's does)"
    )


class Pair(FrozenModel):
    """Both towers, the tokenizer, and what one must know to use them."""

    name: ModelName
    licence: str = Field(min_length=1, description="SPDX identifier of the weights")
    trained_on: str
    languages: tuple[Literal["zh", "en"], ...] = Field(
        min_length=1, description="that its texts may be in; others give arbitrary answers"
    )
    size: int = Field(ge=2, le=4096, description="numbers in a vector")
    prompt: str = Field(
        default="{text}", description="the text is put into this; {text} stands for it"
    )
    pictures: PictureTower
    texts: TextTower
    tokenizer: FetchedFile

    @model_validator(mode="after")
    def _prompt_has_room(self) -> Self:
        if self.prompt.count("{text}") != 1:
            raise ValueError(f"prompt should hold {{text}} once, got {self.prompt!r}")
        return self

    @property
    def files(self) -> dict[str, FetchedFile]:
        """Files to fetch, by their role."""
        return {PICTURES: self.pictures, TEXTS: self.texts, TOKENIZER: self.tokenizer}

    @property
    def pair_id(self) -> VectorSpace:
        """Says which vectors are comparable: another file or another way of preparing is another."""
        facts = self.model_dump(
            mode="json",
            include={
                "size": True,
                "pictures": {
                    "sha256",
                    "input",
                    "output",
                    "layout",
                    "side_px",
                    "mean",
                    "std",
                    "fit",
                },
                "texts": {"sha256", "output", "tokens", "pad_id", "end_is_pad"},
                "tokenizer": {"sha256"},
            },
        )
        spelled = repr(_sorted(facts)).encode()
        return VectorSpace(self.name, hashlib.sha256(spelled).hexdigest(), self.size)

    @property
    def picture_input(self) -> Tensor:
        """Input of the served picture model."""
        side = self.pictures.side_px
        return Tensor(
            name="pictures", dtype="uint8", shape=(-1, side, side, 3), meaning="RGB, 0..255"
        )

    @property
    def text_input(self) -> Tensor:
        """Input of the served text model."""
        return Tensor(
            name="tokens", dtype="int32", shape=(-1, self.texts.tokens), meaning="token ids"
        )

    @property
    def output(self) -> Tensor:
        """Output of both."""
        return Tensor(
            name="vector", dtype="float32", shape=(-1, self.size), meaning="not of unit length"
        )


def read_pair(path: Path) -> Pair:
    """Read and check a pair's file; Stop names every fault."""
    try:
        return Pair.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Stop(f"{path}: the pair's file cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Stop(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise Stop("\n".join(faults)) from None


def _sorted(tree: Mapping[str, Any]) -> list[Any]:
    return [
        (name, _sorted(value) if isinstance(value, dict) else value)
        for name, value in sorted(tree.items())
    ]
