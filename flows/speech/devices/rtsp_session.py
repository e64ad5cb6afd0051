"""Client side of RTSP: requests, passwords, and sound interleaved in the same connection.

Sources: RFC 2326 (RTSP; 10.12 for interleaved data), RFC 3550 and 3551 (RTP).
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import struct
import time
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from flows.speech.devices.http_auth import authorise

LONGEST_HEAD_BYTES = 64 * 1024
DEFAULT_PORT = 554
UNAUTHORIZED = 401


class RtspBroken(Exception):
    """The connection broke, or what came over it is no RTSP."""


@dataclass(frozen=True, slots=True)
class RtspAnswer:
    """What the device said; header names in lower case, several of one name in a list."""

    status: int
    reason: str
    headers: dict[str, list[str]]
    body: str

    def header(self, name: str) -> str:
        """Return the first header of that name; '' if there is none."""
        return self.headers.get(name, [""])[0]


@dataclass
class RtspSession:
    """One connection to rtsp://host[:port]/… without a password; `within_s` is for each answer."""

    url: str
    user: str | None
    password: str | None
    within_s: float
    session_id: str = ""
    _socket: socket.socket = field(init=False)
    _unread: bytes = b""
    _count: int = 0
    _challenges: list[str] = field(default_factory=list)
    _asked_with_password: int = 0
    _taken: bytes = b""

    def __enter__(self) -> Self:
        """Connect; raises OSError where nobody answers."""
        parts = urlsplit(self.url)
        address = (parts.hostname or "", parts.port or DEFAULT_PORT)
        self._socket = socket.create_connection(address, self.within_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, method: str, url: str, **headers: str) -> RtspAnswer:
        """Send a request and wait for its answer; a question for a password is answered once.

        Raises:
            TimeoutError, RtspBroken. PutAside: a password is asked for in a way that is not known.
        """
        answer = self._ask_once(method, url, headers)
        if answer.status == UNAUTHORIZED and self.user is not None:
            self._challenges = answer.headers.get("www-authenticate", [])
            self._asked_with_password = 0
            answer = self._ask_once(method, url, headers)
        return answer

    def send_data(self, channel: int, packet: bytes) -> None:
        """Send a packet of data; raises OSError."""
        self._socket.settimeout(self.within_s)
        self._socket.sendall(struct.pack("!cBH", b"$", channel, len(packet)) + packet)

    def forget_incoming(self) -> None:
        """Throw away what the device sends meanwhile, so that it never has to wait for us.

        Raises:
            RtspBroken: it closed the connection.
        """
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                piece = self._socket.recv(65_536)
                if not piece:
                    raise RtspBroken("the device closed the connection")
                self._unread += piece
        # whole packets of data only: the beginning of an answer may lie behind them
        while self._unread[:1] == b"$" and len(self._unread) >= 4 + self._data_length():
            self._unread = self._unread[4 + self._data_length() :]

    def _data_length(self) -> int:
        return int.from_bytes(self._unread[2:4], "big") if len(self._unread) >= 4 else 1 << 16

    def _ask_once(self, method: str, url: str, headers: dict[str, str]) -> RtspAnswer:
        self._count += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._count}", "User-Agent: forewarn"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"Session: {self.session_id}"] if self.session_id else []
        if self._challenges:
            self._asked_with_password += 1
            user, password = self.user or "", self.password or ""
            times = self._asked_with_password
            header = authorise(self._challenges, method, url, user, password, times)
            lines.append(f"Authorization: {header}")
        try:
            self._socket.settimeout(self.within_s)
            self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
            return self._answer()
        except TimeoutError:
            raise
        except OSError as error:
            raise RtspBroken(f"the connection broke: {error}") from error

    def _answer(self) -> RtspAnswer:
        """Return the answer to the request just sent; data and answers to earlier ones are passed over."""
        give_up_at = time.monotonic() + self.within_s
        while True:
            # packets of data stand between answers: "$", a channel, two bytes of length, the data
            while self._read(1, give_up_at)[:1] == b"$":
                self._take(4, give_up_at)
                self._take(int.from_bytes(self._taken[2:4], "big"), give_up_at)
            head = self._take_head(give_up_at)
            first, *rest = head.split("\r\n")
            headers: dict[str, list[str]] = {}
            for line in rest:
                name, _, value = line.partition(":")
                headers.setdefault(name.strip().lower(), []).append(value.strip())
            body = self._take(_length(headers), give_up_at).decode(errors="replace")
            protocol, _, status = first.partition(" ")
            if not protocol.startswith("RTSP/"):
                raise RtspBroken(f"needs an RTSP answer, got {first[:60]!r}")
            # an answer that came too late for an earlier request has a smaller number
            if headers.get("cseq", [str(self._count)])[0] == str(self._count):
                number, _, reason = status.partition(" ")
                if not number.isdigit():
                    raise RtspBroken(f"needs an RTSP answer, got {first[:60]!r}")
                return RtspAnswer(int(number), reason, headers, body)

    def _take_head(self, give_up_at: float) -> str:
        size = 1
        while b"\r\n\r\n" not in self._read(size, give_up_at):
            size = len(self._unread) + 1
            if size > LONGEST_HEAD_BYTES:
                raise RtspBroken(
                    f"needs an RTSP answer, got {LONGEST_HEAD_BYTES} bytes without one"
                )
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        return head.decode(errors="replace")

    def _take(self, size: int, give_up_at: float) -> bytes:
        self._read(size, give_up_at)
        self._taken, self._unread = self._unread[:size], self._unread[size:]
        return self._taken

    def _read(self, size: int, give_up_at: float) -> bytes:
        """Read at least so many bytes, which stay unread."""
        while len(self._unread) < size:
            left_s = give_up_at - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._socket.settimeout(left_s)
            piece = self._socket.recv(65_536)
            if not piece:
                raise RtspBroken("the device closed the connection")
            self._unread += piece
        return self._unread


def _length(headers: dict[str, list[str]]) -> int:
    length = headers.get("content-length", ["0"])[0]
    if not length.isdigit() or int(length) > LONGEST_HEAD_BYTES:
        raise RtspBroken(f"needs a Content-Length up to {LONGEST_HEAD_BYTES}, got {length[:20]!r}")
    return int(length)


class RtpStream:
    """Packets of one sound, in order; `payload_type` as the device's description numbers it."""

    def __init__(self, payload_type: int) -> None:
        self._payload_type = payload_type
        self._sequence = secrets.randbelow(1 << 16)
        self._timestamp = secrets.randbelow(1 << 32)
        self._source = secrets.randbelow(1 << 32)
        self._is_first = True

    def packet(self, payload: bytes) -> bytes:
        """Return the next packet; one byte of payload is one sample."""
        marker = 0x80 if self._is_first else 0  # a talkspurt begins
        head = struct.pack(
            "!BBHII",
            0x80,
            marker | self._payload_type,
            self._sequence,
            self._timestamp,
            self._source,
        )
        self._is_first = False
        self._sequence = (self._sequence + 1) % (1 << 16)
        self._timestamp = (self._timestamp + len(payload)) % (1 << 32)
        return head + payload
