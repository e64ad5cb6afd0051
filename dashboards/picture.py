"""Take in a picture that somebody uploads: small enough, JPEG or PNG, whole; or say why not."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dashboards.settings import MAX_UPLOAD_BYTES
from dashboards.texts import Lang, text
from domain.errors import PutAside

MAX_PIXELS = 50_000_000  # 150 MB as RGB; a small file can claim to hold far more
MIN_SIDE_PX = 16


class BadPicture(PutAside):
    """The upload cannot be used; `said_in` tells the reader why in their language."""

    def __init__(self, key: str, **facts: Any) -> None:
        self._key, self._facts = f"upload.{key}", facts
        super().__init__(self.said_in("en"))

    def said_in(self, lang: Lang) -> str:
        """The message for the page."""
        return text(self._key, lang, **self._facts)


def read_picture(content: bytes, name: str) -> np.ndarray:
    """Decode an uploaded file.

    Args:
        content: the file, JPEG or PNG.
        name: as the user's machine calls it, for messages.
    Returns:
        (h, w, 3) uint8 RGB, turned upright as its EXIF says.
    Raises:
        BadPicture: too large, neither JPEG nor PNG, damaged, or too few pixels.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise BadPicture("too_large", size_mb=f"{len(content) / 1024 / 1024:.1f}")
    try:
        picture = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
    except UnidentifiedImageError as error:
        raise BadPicture("not_a_picture", name=name) from error
    except Image.DecompressionBombError as error:
        raise BadPicture("too_many_pixels", name=name) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise BadPicture("broken", name=name) from error
    width, height = picture.size  # from the header: nothing is decoded yet
    if width * height > MAX_PIXELS:
        raise BadPicture("too_many_pixels", name=name)
    if min(width, height) < MIN_SIDE_PX:
        raise BadPicture("too_small", name=name, width=width, height=height)
    try:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except Exception as error:  # Pillow raises whatever its decoders meet
        raise BadPicture("broken", name=name) from error
