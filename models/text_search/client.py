"""Describe pictures and texts as vectors: ask Triton, by the installed pair."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from domain.errors import PutAside
from models.embedder.postprocess import to_unit_length
from models.serving.client import Inference, in_batches
from models.text_search.build import BATCH, PICTURE_MODEL, TEXT_MODEL
from models.text_search.installed import InstalledPair
from models.text_search.pair import Pair
from models.text_search.tokens import Tokens

MODELS = (PICTURE_MODEL, TEXT_MODEL)
GREY = 127


class TextSearch:
    """Pictures and texts as vectors of one space."""

    def __init__(self, connection: Inference, installed: InstalledPair) -> None:
        """Read the pair's tokenizer, or Stop; the server at `connection` has the pair's models."""
        self._connection, self.pair = connection, installed.pair
        texts, self._who = self.pair.texts, f"{self.pair.name}:"
        self._tokens = Tokens(installed.tokenizer_json, texts.tokens, texts.pad_id)

    def describe_pictures(self, pictures_rgb: Sequence[np.ndarray]) -> np.ndarray:
        """Describe what is on pictures, each (h, w, 3) uint8 of any size.

        Returns:
            (n, size) float32, each row of unit length.
        Raises:
            PutAside: a picture is empty.
            TryAgain, Stop: see Connection.infer.
        """
        batches = in_batches([square(picture, self.pair) for picture in pictures_rgb], BATCH)
        given, output = self.pair.picture_input, self.pair.output
        answers = self._connection.infer(PICTURE_MODEL, given, batches, [output])
        if not answers:
            return np.empty((0, self.pair.size), np.float32)
        return to_unit_length(
            np.concatenate([answer[output.name] for answer in answers]), self._who
        )

    def describe_text(self, text: str) -> np.ndarray:
        """Describe what a text says, in one of the pair's languages.

        Returns:
            (size,) float32 of unit length.
        Raises:
            PutAside: there is no word in it.
            TryAgain, Stop: see Connection.infer.
        """
        words = text.strip()
        row = self._tokens.of(self.pair.prompt.replace("{text}", words) if words else "")
        given, output = self.pair.text_input, self.pair.output
        (answer,) = self._connection.infer(TEXT_MODEL, given, [[row]], [output])
        unit: np.ndarray = to_unit_length(answer[output.name], self._who)[0]
        return unit


def square(image_rgb: np.ndarray, pair: Pair) -> np.ndarray:
    """Make (h, w, 3) of any size square, as the pair's picture tower takes it: (side, side, 3) uint8 RGB.

    Raises:
        PutAside: it is no picture.
    """
    if image_rgb.ndim != 3 or image_rgb.shape[2] != 3 or 0 in image_rgb.shape:
        raise PutAside(f"a picture should be (h, w, 3), h and w 1 at least, got {image_rgb.shape}")
    side, (height, width) = pair.pictures.side_px, image_rgb.shape[:2]
    image = np.ascontiguousarray(image_rgb, np.uint8)
    if pair.pictures.fit == "crop":
        edge = min(height, width)
        top, left = (height - edge) // 2, (width - edge) // 2
        image = image[top : top + edge, left : left + edge]
    elif pair.pictures.fit == "pad":
        edge = max(height, width)
        padded = np.full((edge, edge, 3), GREY, np.uint8)
        top, left = (edge - height) // 2, (edge - width) // 2
        padded[top : top + height, left : left + width] = image
        image = padded
    shrinks = side < max(image.shape[:2])
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    squared: np.ndarray = cv2.resize(image, (side, side), interpolation=how)
    return squared
