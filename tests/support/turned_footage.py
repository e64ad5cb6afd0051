"""Footage that lies on its side, with a note how to turn it: as telephones and tilted cameras store it."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np

WIDTH_PX, HEIGHT_PX = 96, 64  # as stored
BLOCK_PX = 24  # a white square in the stored picture's first corner
# ISO/IEC 14496-12, 8.3.2: (x, y) as stored is shown at (a x + c y, b x + d y), moved into view
MATRICES = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def make_turned(path: Path, degrees: int, seconds: int = 4) -> Path:
    """Write an MP4 of a black picture with the block, ten pictures a second, shown turned clockwise."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"g": "10", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        picture = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        picture[:BLOCK_PX, :BLOCK_PX] = 255
        for _ in range(10 * seconds):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    _write_matrix(path, MATRICES[degrees])
    return path


def shown_block(degrees: int) -> tuple[int, int, int, int]:
    """Where the block is in the picture as it is to be shown: x1, y1, x2, y2."""
    a, b, c, d = MATRICES[degrees]
    shown = [
        (a * x + c * y, b * x + d * y)
        for x, y in ((0, 0), (WIDTH_PX, HEIGHT_PX), (WIDTH_PX, 0), (0, HEIGHT_PX))
    ]
    left, top = min(x for x, _ in shown), min(y for _, y in shown)
    corners = [
        (a * x + c * y - left, b * x + d * y - top) for x, y in ((0, 0), (BLOCK_PX, BLOCK_PX))
    ]
    (x1, y1), (x2, y2) = corners
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def found_block(picture: np.ndarray) -> tuple[int, int, int, int]:
    """Where the block is in a picture, to about two pixels: x1, y1, x2, y2."""
    rows, columns = np.nonzero(picture.mean(axis=2) > 128)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def _write_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    content = bytearray(path.read_bytes())
    # a track header of version 0: flags and 5 words, 8 bytes reserved, layer, group, volume
    at = content.index(b"tkhd") + 4 + 4 + 5 * 4 + 8 + 4 * 2
    a, b, c, d = (each << 16 for each in matrix)
    content[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
