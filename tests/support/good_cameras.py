"""Serve a clip as a camera does, RTSP and HTTP, at its pace and without end; cheap, so many at once.

Alone: python good_cameras.py rtsp|http CLIP.ts PORT
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av

Protocol = Literal["rtsp", "http"]

# the peer, or the whole loop at the end
GONE = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
RTP_HZ = 90_000
SHARE_S = 0.1  # how often the HTTP server sends
SPS, PPS = 7, 8


@dataclass(frozen=True, eq=False)
class Clip:
    """An MPEG-TS file with H.264, in memory."""

    content: bytes
    pictures: list[list[bytes]]  # the NAL units of each
    fps: int

    @classmethod
    def read(cls, path: Path) -> Clip:
        """Read it whole."""
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            pictures = [
                [unit for unit in re.split(rb"\x00*\x00\x00\x01", bytes(packet)) if unit]
                for packet in container.demux(stream)
                if packet.size
            ]
            return cls(path.read_bytes(), pictures, int(stream.average_rate or 10))

    @property
    def sdp(self) -> bytes:
        """Describe the stream for RTSP."""
        units = {unit[0] & 31: unit for unit in self.pictures[0]}
        sets = ",".join(base64.b64encode(units[kind]).decode() for kind in (SPS, PPS))
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=cam\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
            "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}\r\na=control:video\r\n"
        ).encode()


async def serve_http(
    clip: Clip, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one request with the clip, again and again."""
    with contextlib.suppress(*GONE):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nConnection: close\r\n\r\n")
        seconds = len(clip.pictures) / clip.fps
        share = max(188, round(len(clip.content) * SHARE_S / seconds))
        for at in itertools.cycle(range(0, len(clip.content), share)):
            writer.write(clip.content[at : at + share])
            await writer.drain()
            await asyncio.sleep(SHARE_S)
    with contextlib.suppress(OSError):
        writer.close()


async def serve_rtsp(
    clip: Clip, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer one client's requests, and play the clip to it, interleaved, again and again."""
    playing: asyncio.Future[None] | None = None
    with contextlib.suppress(*GONE):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            asked = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
            more, body = b"Session: 12345678\r\n", b""
            if head.startswith(b"OPTIONS"):
                more = b"Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
            elif head.startswith(b"DESCRIBE"):
                body = clip.sdp
                more = b"Content-Type: application/sdp\r\nContent-Length: %d\r\n" % len(body)
            elif head.startswith(b"SETUP"):
                more += b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
            number = asked.get(b"CSeq", b"0")
            writer.write(b"RTSP/1.0 200 OK\r\nCSeq: " + number + b"\r\n" + more + b"\r\n" + body)
            await writer.drain()
            if head.startswith(b"PLAY") and playing is None:
                playing = asyncio.ensure_future(_play(clip, writer))
    if playing is not None:
        playing.cancel()
    with contextlib.suppress(OSError):
        writer.close()


async def _play(clip: Clip, writer: asyncio.StreamWriter) -> None:
    sequence = 0
    with contextlib.suppress(*GONE):
        for number, units in enumerate(itertools.cycle(clip.pictures)):
            stamp = number * RTP_HZ // clip.fps
            for unit in units:
                marker = 0x80 if unit is units[-1] else 0
                head = struct.pack(
                    "!BBHII", 0x80, marker | 96, sequence & 0xFFFF, stamp & 0xFFFFFFFF, 7
                )
                writer.write(struct.pack("!BBH", 0x24, 0, len(head) + len(unit)) + head + unit)
                sequence += 1
            await writer.drain()
            await asyncio.sleep(1 / clip.fps)


SERVE = {"rtsp": serve_rtsp, "http": serve_http}


async def start_server(protocol: Protocol, clip: Clip, port: int = 0) -> asyncio.Server:
    """Serve on loopback; port 0: any that is free."""
    serve = SERVE[protocol]
    return await asyncio.start_server(
        lambda reader, writer: serve(clip, reader, writer), "127.0.0.1", port
    )


@contextlib.contextmanager
def served_apart(protocol: Protocol, clip: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve in a process of its own; (url, process), listening when this returns."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, __file__, protocol, str(clip), str(port)]
    with subprocess.Popen(command) as server:
        try:
            while not _is_listening(port):
                assert server.poll() is None, "it does not start"
                time.sleep(0.05)
            yield f"{protocol}://127.0.0.1:{port}/cam", server
        finally:
            server.kill()  # a process that stands still, too


def _is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _main(protocol: Protocol, clip: Path, port: int) -> None:
    server = await start_server(protocol, Clip.read(clip), port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(
        _main("rtsp" if sys.argv[1] == "rtsp" else "http", Path(sys.argv[2]), int(sys.argv[3]))
    )
