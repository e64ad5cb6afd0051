"""Draw into a picture what was measured in it: the place, the subject's box, and a caption below."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from domain.events.catalog import Box
from evidence_store.media.fonts import font_file

PLACE_RGB = (255, 196, 0)
PLACE_OPACITY = 40  # of 255: what happens in the zone must stay visible
SUBJECT_RGB = (0, 224, 255)
PAPER_RGB, INK_RGB = (18, 22, 30), (235, 240, 246)
# a caption has to be read on pictures of 240 and of 2160 lines
TEXT_SHARE, LEAST_TEXT_PX = 0.026, 11


@dataclass(frozen=True, slots=True)
class Drawing:
    """Place, box and caption to draw into one picture."""

    place: tuple[tuple[float, float], ...]  # fractions of the picture; () draws none
    place_is_closed: bool  # True: a zone's polygon; False: a line
    box_xyxy: Box | None  # pixels of the picture
    label: str  # beside the box
    caption: tuple[str, ...]  # lines below the picture


def draw_on(image_rgb: np.ndarray, drawing: Drawing) -> np.ndarray:
    """Copy an (h, w, 3) uint8 picture with a drawing in it, and the caption in rows added below.

    Raises:
        Stop: the font is not installed.
    """
    height, width = image_rgb.shape[:2]
    text_px = max(LEAST_TEXT_PX, round(TEXT_SHARE * height))
    picture = Image.fromarray(image_rgb)
    _draw_place(picture, drawing)
    pen = ImageDraw.Draw(picture)
    if drawing.box_xyxy is not None:
        _draw_box(pen, drawing.box_xyxy, drawing.label, (width, height), text_px)
    lines = [part for line in drawing.caption for part in _wrapped(line, width - text_px, text_px)]
    line_px = round(1.45 * text_px)
    sheet = Image.new("RGB", (width, height + len(lines) * line_px + text_px // 2), PAPER_RGB)
    sheet.paste(picture, (0, 0))
    pen = ImageDraw.Draw(sheet)
    for row, line in enumerate(lines):
        at = (text_px // 2, height + text_px // 4 + row * line_px)
        pen.text(at, line, fill=INK_RGB, font=_font(text_px))
    return np.asarray(sheet).copy()


def _draw_place(picture: Image.Image, drawing: Drawing) -> None:
    corners = [(x * picture.width, y * picture.height) for x, y in drawing.place]
    if len(corners) < 2:
        return
    thick = max(2, picture.height // 300)
    if drawing.place_is_closed:
        veil = Image.new("RGBA", picture.size, (0, 0, 0, 0))
        ImageDraw.Draw(veil).polygon(corners, fill=(*PLACE_RGB, PLACE_OPACITY))
        picture.paste(Image.alpha_composite(picture.convert("RGBA"), veil).convert("RGB"))
        corners = [*corners, corners[0]]
    ImageDraw.Draw(picture).line(corners, fill=PLACE_RGB, width=thick, joint="curve")


def _draw_box(
    pen: ImageDraw.ImageDraw, box: Box, label: str, size: tuple[int, int], text_px: int
) -> None:
    thick = max(2, size[1] // 300)
    left, top = max(0.0, box[0]), max(0.0, box[1])
    right, bottom = min(size[0] - 1.0, box[2]), min(size[1] - 1.0, box[3])
    if right <= left or bottom <= top:
        return
    pen.rectangle((left, top, right, bottom), outline=SUBJECT_RGB, width=thick)
    if not label:
        return
    wide, high = _font(text_px).getlength(label), round(1.3 * text_px)
    # above the box, or below it where there is no room; never outside the picture
    x = min(left, max(0.0, size[0] - wide - 4))
    y = top - high if top >= high else min(bottom, size[1] - high)
    pen.rectangle((x, y, x + wide + 4, y + high), fill=PAPER_RGB)
    pen.text((x + 2, y), label, fill=SUBJECT_RGB, font=_font(text_px))


def _wrapped(line: str, width_px: float, text_px: int) -> list[str]:
    """Break a line where it is too wide: between words, or between any two Chinese characters."""
    font, lines, rest = _font(text_px), [], line
    while rest and font.getlength(rest) > width_px:
        fits = max(
            1, next(n for n in range(1, len(rest) + 1) if font.getlength(rest[:n]) > width_px) - 1
        )
        space = rest.rfind(" ", 0, fits + 1)
        cut = space if space > fits // 2 else fits
        lines.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*lines, rest] if rest or not lines else lines


@cache
def _font(text_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_file()), text_px)
