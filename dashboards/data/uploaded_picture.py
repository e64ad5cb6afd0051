"""Decode a picture that somebody uploads: small enough, JPEG or PNG, whole; or say why not."""

from __future__ import annotations

import io
import threading
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dashboards.settings import MAX_UPLOAD_BYTES
from dashboards.texts import Lang, text
from domain.errors import PutAside

MAX_PIXELS = 4096 * 3072  # 12 megapixels as phones have them; a small file can claim far more
COMPARED_PX = 1024  # the longer side of what is compared: models look at far less
MIN_SIDE_PX = 16
_decoding = threading.Lock()  # one picture at a time: several would need a gigabyte


class BadPicture(PutAside):
    """The upload cannot be used; `message_in` says why in the reader's language."""

    def __init__(self, key: str, **values: Any) -> None:
        self._key, self._values = f"upload.{key}", values
        super().__init__(self.message_in("en"))

    def message_in(self, lang: Lang) -> str:
        """Return the message for the page."""
        return text(self._key, lang, **self._values)


def read_picture(content: bytes, name: str) -> np.ndarray:
    """Decode an uploaded JPEG or PNG to (h, w, 3) uint8 RGB, turned upright as its EXIF says.

    Larger ones are made smaller, to 1024 pixels at the longer side.

    Raises:
        BadPicture: too large, neither JPEG nor PNG, damaged, or too few pixels; it gives `name`.
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
        with _decoding:
            # a JPEG is shrunk while it is decoded, so the large picture never exists
            picture.draft(None, (COMPARED_PX, COMPARED_PX))
            upright = ImageOps.exif_transpose(picture.convert("RGB"))
            upright.thumbnail((COMPARED_PX, COMPARED_PX))
            return np.asarray(upright)
    except Exception as error:  # Pillow raises whatever its decoders meet
        raise BadPicture("broken", name=name) from error
