"""A camera with a loudspeaker on loopback: ONVIF back channel over RTSP, well or badly behaved."""

from __future__ import annotations

import hashlib
import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from network_speaker import NONCE, PASSWORD, REALM, USER

SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=camera
t=0 0
a=control:*
m=video 0 RTP/AVP 96
a=recvonly
a=rtpmap:96 H264/90000
a=control:track1
m=audio 0 RTP/AVP 0
a=recvonly
a=control:track2
m=audio 0 RTP/AVP {payload_type}
a=sendonly
{rtpmap}a=control:track3
"""


@dataclass
class Camera:
    """What it does, and what it got."""

    url: str = ""
    payload_type: int = 0
    rtpmap: str = ""  # a whole line of the description
    description: str = SDP
    has_password: bool = False
    status_of: dict[str, str] = field(default_factory=dict)  # method -> status line, else 200 OK
    silent_at: str = ""  # a method that is never answered
    closes_after: int = 0  # packets of sound
    chatters: bool = False  # sends data of its own all the time
    methods: list[str] = field(default_factory=list)
    urls: dict[str, str] = field(default_factory=dict)
    packets: list[bytes] = field(default_factory=list)  # RTP, as they came

    @property
    def heard(self) -> bytes:
        """The sound, G.711."""
        return b"".join(packet[12:] for packet in self.packets)


class _Visit(socketserver.StreamRequestHandler):
    camera: Camera

    def handle(self) -> None:
        self.counts: list[int] = []
        with suppress(OSError):
            while first := self.rfile.read(1):
                if first == b"$":
                    channel, size = struct.unpack("!BH", self.rfile.read(3))
                    self._hear(channel, self.rfile.read(size))
                    if 0 < self.camera.closes_after <= len(self.camera.packets):
                        return
                else:
                    self._answer(first + self.rfile.readline())

    def _hear(self, channel: int, packet: bytes) -> None:
        assert channel == 0
        self.camera.packets.append(packet)
        if self.camera.chatters:
            self.wfile.write(b"$\x01" + struct.pack("!H", 2_000) + bytes(2_000))

    def _answer(self, line: bytes) -> None:
        camera = self.camera
        method, url, _ = line.decode().split()
        headers = {}
        while (each := self.rfile.readline().decode().strip()) != "":
            name, _, value = each.partition(":")
            headers[name.lower()] = value.strip()
        camera.methods.append(method)
        camera.urls[method] = url
        assert headers["require"] == "www.onvif.org/ver20/backchannel"
        assert method in ("DESCRIBE", "SETUP") or headers["session"] == "8a3c"
        if method == camera.silent_at:
            return
        status, more, body = camera.status_of.get(method, "200 OK"), "", ""
        if camera.has_password and not self._lets_in(method, url, headers.get("authorization", "")):
            status = "401 Unauthorized"
            more = f'WWW-Authenticate: Digest realm="{REALM}", nonce="{NONCE}", qop="auth"\r\n'
        elif method == "DESCRIBE":
            body = camera.description.format(
                payload_type=camera.payload_type, rtpmap=camera.rtpmap
            ).replace("\n", "\r\n")
            more = f"Content-Base: {camera.url}/\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            more = f"Session: 8a3c;timeout=60\r\nTransport: {headers['transport']}\r\n"
        if camera.chatters:
            self.wfile.write(b"$\x01" + struct.pack("!H", 7) + b"$1\r\n\r\nx")
        answer = f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\n{more}\r\n{body}"
        self.wfile.write(answer.encode())

    def _lets_in(self, method: str, url: str, header: str) -> bool:
        """Worked out from RFC 7616, apart from the client's way; an answer is good once."""
        given = {k: q or p for k, q, p in re.findall(r'(\w+)=(?:"([^"]*)"|([^ ,]+))', header)}

        def digest(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        secret, request = digest(f"{USER}:{REALM}:{PASSWORD}"), digest(f"{method}:{url}")
        middle = f"{NONCE}:{given.get('nc')}:{given.get('cnonce')}:auth"
        if given.get("response") != digest(f"{secret}:{middle}:{request}"):
            return False
        self.counts.append(int(given["nc"], 16))
        return self.counts == list(range(1, len(self.counts) + 1))


@contextmanager
def rtsp_speaker(**behaviour: object) -> Iterator[Camera]:
    camera = Camera(**behaviour)  # type: ignore[arg-type]
    visit = type("Visit", (_Visit,), {"camera": camera})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), visit) as server:
        server.daemon_threads = True
        camera.url = f"rtsp://127.0.0.1:{server.server_address[1]}/live"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield camera
        finally:
            server.shutdown()
            thread.join()
