"""Cameras on loopback, RTSP and HTTP, that can be made to misbehave in twenty ways.

Each is a port in front of a server that serves a clip well (good_cameras.py); what goes through it is
held back, cut off or replaced while a fault is set.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.good_cameras import GONE, Clip, Protocol, start_server

CODES = ("401", "403", "404", "454", "500", "503")
# told in place of what the server says, to every connection that is made meanwhile
ANSWERS = (*CODES, "close", "empty", "garbage", "half-header", "redirect-loop", "wrong-scheme")
FAULTS = (
    *ANSWERS,
    "no-codec",
    "refused",  # nobody listens
    "reset",  # half a second after each connection
    "closes",  # a second after each connection
    "drip",  # a byte at a time
    "silence",  # and afterwards every connection goes on
    "lost",  # and connections of that time are never heard of again
)
RESET_AFTER_S, CLOSE_AFTER_S = 0.5, 1.0
NOISE = random.Random(7).randbytes(60_000)


@dataclass(eq=False)
class FaultyCamera:
    """One port; `set_fault` from any thread."""

    protocol: Protocol
    port: int
    upstream_port: int
    unknown_codec: bytes
    loop: asyncio.AbstractEventLoop
    drip_s: float = 1.0
    fault: str = ""
    connections: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Address of its stream."""
        return f"{self.protocol}://127.0.0.1:{self.port}/cam"

    def set_fault(self, fault: str = "") -> None:
        """Misbehave from now on; "": no longer."""
        asyncio.run_coroutine_threadsafe(self._set(fault), self.loop).result(60)

    async def _set(self, fault: str) -> None:
        self.fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault in ("silence", "lost", "drip", ""):
            if fault == "" and self._server is None:
                await self.listen()
            return
        for writer in list(self._open):  # it is rebooting, or was unplugged
            _reset(writer) if fault == "reset" else writer.transport.abort()
        if fault == "refused" and self._server is not None:
            self._server.close()
            self._server = None

    async def listen(self) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        fault = self.fault
        with contextlib.suppress(*GONE):
            if fault in ANSWERS or (fault == "no-codec" and self.protocol == "http"):
                await self._answer(fault, reader, writer)
            else:
                await self._forward(fault, reader, writer)
        self._open.discard(writer)
        with contextlib.suppress(OSError):
            writer.close()

    async def _forward(
        self, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        pumps = [
            asyncio.ensure_future(self._pump(reader, up_writer)),
            asyncio.ensure_future(self._pump(up_reader, writer, answers=True)),
        ]
        after_s = {"reset": RESET_AFTER_S, "closes": CLOSE_AFTER_S}.get(fault)
        try:
            await asyncio.wait(pumps, timeout=after_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            up_writer.close()
        if fault == "reset":
            _reset(writer)

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool = False
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                while data:
                    data = await self._let_through(data, sink, answers=answers)

    async def _let_through(
        self, data: bytes, sink: asyncio.StreamWriter, *, answers: bool
    ) -> bytes:
        """Send what the fault allows; what is left."""
        if self.fault == "silence":
            await self._changed.wait()
            return data
        if self.fault == "lost":
            await asyncio.Event().wait()
        if self.fault == "drip" and answers:
            sink.write(data[:1])
            await sink.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), self.drip_s)
            return data[1:]
        if self.fault == "no-codec":
            data = data.replace(b"H264/90000", b"H999/90000")
        sink.write(data)
        await sink.drain()
        return b""

    async def _answer(
        self, fault: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if fault == "close":
            return
        version = b"RTSP/1.0" if self.protocol == "rtsp" else b"HTTP/1.1"
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            asked = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if b": " in line)
            number = b"CSeq: " + asked.get(b"CSeq", b"0") + b"\r\n"
            if fault == "garbage":
                is_http = self.protocol == "http"
                writer.write((version + b" 200 OK\r\n\r\n" if is_http else b"") + NOISE)
            elif fault == "half-header":
                writer.write(version + b" 200 OK\r\n" + number + b"Content-Ty")
                await writer.drain()
                await self._changed.wait()
            elif fault == "empty":
                writer.write(version + b" 200 OK\r\n" + number + b"\r\n")
            elif fault == "no-codec":
                writer.write(version + b" 200 OK\r\n\r\n" + self.unknown_codec)
            elif fault in CODES:
                writer.write(
                    version
                    + b" "
                    + fault.encode()
                    + b" No\r\n"
                    + number
                    + b"Content-Length: 0\r\n\r\n"
                )
            else:
                to = self.url if fault == "redirect-loop" else "gopher://127.0.0.1/cam"
                writer.write(
                    version + b" 302 Found\r\n" + number + b"Location: " + to.encode() + b"\r\n\r\n"
                )
            await writer.drain()
            if self.protocol == "http" or fault in ("garbage", "half-header"):
                return


def _reset(writer: asyncio.StreamWriter) -> None:
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@contextlib.contextmanager
def faulty_cameras(
    ts_clip: Path, unknown_codec: Path, wanted: list[Protocol]
) -> Iterator[list[FaultyCamera]]:
    """Start cameras that show an MPEG-TS clip, all in one thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="faulty-cameras", daemon=True)
    thread.start()

    async def start() -> list[FaultyCamera]:
        clip = Clip.read(ts_clip)
        ports = {}
        for protocol in set(wanted):
            server = await start_server(protocol, clip)
            ports[protocol] = server.sockets[0].getsockname()[1]
        odd = unknown_codec.read_bytes()
        cameras = [FaultyCamera(protocol, 0, ports[protocol], odd, loop) for protocol in wanted]
        for camera in cameras:
            await camera.listen()
        return cameras

    async def stop() -> None:
        loop.set_exception_handler(lambda *_: None)  # streams complain of being cancelled
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.sleep(0.05)

    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
