"""Uploads: what is taken, and which message people get about the rest."""

from __future__ import annotations

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dashboards.data.uploaded_picture import BadPicture, read_picture
from dashboards.settings import MAX_UPLOAD_BYTES


def _encoded(kind: str, size: tuple[int, int] = (40, 80), mode: str = "RGB", **more) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, 200).save(buffer, kind, **more)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "1")]
)
def test_jpeg_and_png_of_any_colour_kind_become_rgb(kind: str, mode: str):
    image = read_picture(_encoded(kind, mode=mode), "a")
    assert image.shape == (80, 40, 3)
    assert image.dtype == np.uint8


def test_a_photograph_is_turned_upright():
    turned = Image.Exif()
    turned[0x0112] = 6  # Orientation: the camera was held sideways
    assert read_picture(_encoded("JPEG", exif=turned), "a").shape == (40, 80, 3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither"),
        (b"hello, I am a text", "neither"),
        (_encoded("GIF"), "neither"),
        (_encoded("JPEG", (200, 200))[:300], "damaged"),
        (_encoded("PNG", (8, 80)), "too few"),
        (b"\xff" * (MAX_UPLOAD_BYTES + 1), "at most 10 MB"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_in_both_languages(content: bytes, words: str):
    with pytest.raises(BadPicture, match=words) as refused:
        read_picture(content, "photo.jpg")
    assert refused.value.message_in("zh") != refused.value.message_in("en")


def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    png += struct.pack(">I", zlib.crc32(chunk)) + b"\0\0\0\0IDAT" + struct.pack(">I", 0x35AF061E)
    with pytest.raises(BadPicture, match="too many pixels"):
        read_picture(png, "bomb.png")


def test_a_small_file_of_many_pixels_is_refused():
    with pytest.raises(BadPicture, match="at most 12 million"):
        read_picture(_encoded("PNG", (7000, 7000), "1"), "wide.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_phones_photograph_is_made_as_small_as_what_is_compared(kind: str):
    image = read_picture(_encoded(kind, (4032, 3024)), "phone")
    assert image.shape == (768, 1024, 3)


def test_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch):
    inside, most, turn = [], [], ImageOps.exif_transpose

    def slow_turn(picture: Image.Image) -> Image.Image:
        inside.append(picture)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        return turn(picture)

    monkeypatch.setattr(ImageOps, "exif_transpose", slow_turn)
    content = _encoded("JPEG")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read_picture, [content] * 4, "abcd"))
    assert max(most) == 1


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_picture_raises_anything_else(data: st.DataObject):
    content = bytearray(_encoded(data.draw(st.sampled_from(["JPEG", "PNG"]))))
    for _ in range(data.draw(st.integers(1, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = read_picture(bytes(content), "a")
    except BadPicture:
        return
    assert image.ndim == 3
