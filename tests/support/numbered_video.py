"""Video whose pictures tell their number, in files that tell when they are shown badly or not at all.

AVI tells only when a packet is decoded. So that nothing has to wait, converters of the 2000s (XviD,
DivX) put a B-frame into the packet of the picture that it refers to, and a placeholder behind.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

FPS = 25
BITS = 8
VOP = b"\0\0\1\xb6"
IS_PACKED = b"\0\0\1\xb2DivX503b1393p"
PLACEHOLDER = VOP + b"\x50\x00\x7f"
I_TYPE, B_TYPE = 0, 2


def write_numbered(path: Path, codec: str, options: dict[str, str], frames: int = 50) -> Path:
    """Encode pictures of 160 x 96 that show their number, over noise that moves."""
    noise = np.random.default_rng(1).integers(0, 255, (96, 160 + 3 * frames, 3), dtype=np.uint8)
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=FPS, options=options)
        video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        for number in range(frames):
            image = noise[:, 3 * number : 3 * number + 160].copy()
            image[:32] = 0
            for bit in range(BITS):
                image[6:26, 20 * bit + 2 : 20 * bit + 18] = 255 * (number >> bit & 1)
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def number_of(image_rgb: np.ndarray) -> int:
    """Read the number of a picture."""
    return sum(
        1 << bit
        for bit in range(BITS)
        if image_rgb[12:20, 20 * bit + 6 : 20 * bit + 14].mean() > 128
    )


def pack(source: Path, target: Path) -> Path:
    """Rewrite MPEG-4 with single B-frames (`bf=1`) as packed AVI; the pictures stay bit by bit."""
    packed: list[bytes] = []
    for payload in _payloads(source):
        if _kind(payload) == B_TYPE:
            packed[-1] += payload
            packed.append(PLACEHOLDER)
        elif _kind(payload) == I_TYPE:
            packed.append(payload.replace(VOP, IS_PACKED + VOP, 1))
        else:
            packed.append(payload)
    return _mux(source, target, packed)


def forget_order(source: Path, target: Path) -> Path:
    """Rewrite a file as a bad converter does: each picture is to be shown when it is decoded."""
    return _mux(source, target, _payloads(source))


def _payloads(source: Path) -> list[bytes]:
    with av.open(str(source)) as came:
        return [bytes(packet) for packet in came.demux(video=0) if packet.size]


def _mux(source: Path, target: Path, payloads: list[bytes]) -> Path:
    with av.open(str(source)) as came, av.open(str(target), "w") as out:
        into = out.add_stream_from_template(came.streams.video[0])
        into.time_base = Fraction(1, FPS)
        for number, payload in enumerate(payloads):
            packet = av.Packet(payload)
            packet.dts = packet.pts = number
            packet.time_base = Fraction(1, FPS)
            packet.is_keyframe = VOP not in payload or _kind(payload) == I_TYPE
            packet.stream = into
            out.mux(packet)
    return target


def _kind(payload: bytes) -> int:
    """Return the type of an MPEG-4 picture: 0 I, 1 P, 2 B."""
    return payload[payload.index(VOP) + len(VOP)] >> 6
