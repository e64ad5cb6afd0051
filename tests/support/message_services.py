"""Services that take messages, on loopback: a webhook and a mail server, well or misbehaving."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Got:
    """One message as it arrived."""

    title: str
    text: str
    pictures: list[bytes]
    path: str = ""  # webhook: that it was told at


@dataclass
class Service:
    """What it does, and what it got."""

    port: int = 0
    status: int = 200  # webhook: the answer; mail: 200, or an SMTP code given to DATA
    hangs_s: float = 0.0
    closes_early: bool = False
    leads_to: str = ""  # webhook: the address that its answer names
    messages: list[Got] = field(default_factory=list)
    requests: int = 0


@contextmanager
def webhook(port: int = 0, **behaviour: object) -> Iterator[Service]:
    """Take what apprise's json:// posts."""
    service = Service(**behaviour)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            service.requests += 1
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if service.status == 200:
                pictures = [base64.b64decode(each["base64"]) for each in told["attachments"]]
                got = Got(told["title"], told["message"], pictures, self.path.strip("/"))
                service.messages.append(got)
            if service.closes_early:
                self.connection.close()
                return
            time.sleep(service.hangs_s)
            self.send_response(service.status)
            if service.leads_to:
                self.send_header("Location", service.leads_to)
            self.end_headers()

        def do_GET(self) -> None:
            service.requests += 1
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    service.port = server.server_port
    with _serving(server):
        yield service


@contextmanager
def mail_server(**behaviour: object) -> Iterator[Service]:
    """Speaks as much SMTP (RFC 5321) as one client needs to hand over a mail."""
    service = Service(**behaviour)  # type: ignore[arg-type]

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 mail.test ready")
            while line := self.rfile.readline():
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"EHLO":
                    self._say("250-mail.test\r\n250 8BITMIME")
                elif verb == b"DATA":
                    self._take()
                elif verb == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 fine")

        def _take(self) -> None:
            service.requests += 1
            if service.status != 200:
                self._say(f"{service.status} not now")
                return
            self._say("354 go on")
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            service.messages.append(_parsed(b"".join(lines)))
            if service.closes_early:
                self.connection.shutdown(socket.SHUT_RDWR)  # closing alone leaves the files open
                return
            time.sleep(service.hangs_s)
            self._say("250 taken")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    service.port = server.server_address[1]
    with _serving(server):
        yield service


def _parsed(mail: bytes) -> Got:
    message = email.message_from_bytes(mail, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    body = message.get_body(("plain",))
    assert body is not None
    pictures = [
        part.get_content() for part in message.walk() if part.get_content_type() == "image/jpeg"
    ]
    return Got(str(message["Subject"]), body.get_content(), pictures)


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
