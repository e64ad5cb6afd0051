"""Cameras on loopback that ask for a password, send on, or answer with lists of other addresses."""

from __future__ import annotations

import http.server
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# status, headers, body; from the request's path and its Authorization header
Answer = tuple[int, dict[str, str], bytes]
Answering = Callable[[str, str], Answer]


@dataclass
class Asked:
    """A camera that runs: where, and what it was asked, as (path, Authorization)."""

    host: str
    port: int
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def http_camera(answering: Answering, host: str = "127.0.0.1") -> Iterator[Asked]:
    """Serve HTTP; on 127.0.0.2 it is another host."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            password = self.headers.get("Authorization", "")
            asked.requests.append((self.path, password))
            status, headers, body = answering(self.path, password)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer((host, 0), Handler) as server:
        asked = Asked(host, server.server_port)
        yield from _served(server, asked)


@contextmanager
def rtsp_camera(answering: Answering, host: str = "127.0.0.1") -> Iterator[Asked]:
    """Serve RTSP; `answering` is for DESCRIBE, everything else is 200."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while line := self.rfile.readline().decode():
                method, url, _ = line.split(" ", 2)
                headers = {}
                while pair := self.rfile.readline().decode().strip():
                    name, _, value = pair.partition(":")
                    headers[name.strip().lower()] = value.strip()
                status, more, body = 200, {"Public": "DESCRIBE, SETUP, PLAY"}, b""
                if method == "DESCRIBE":
                    password = headers.get("authorization", "")
                    asked.requests.append((url.partition("://")[2].partition("/")[2], password))
                    status, more, body = answering(asked.requests[-1][0], password)
                words = [f"RTSP/1.0 {status} Said", f"CSeq: {headers.get('cseq', '1')}"]
                words += [f"{name}: {value}" for name, value in more.items()]
                words += [f"Content-Length: {len(body)}", "", ""]
                self.wfile.write("\r\n".join(words).encode() + body)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((host, 0), Handler) as server:
        asked = Asked(host, int(server.server_address[1]))
        yield from _served(server, asked)


def _served(server: socketserver.BaseServer, asked: Asked) -> Iterator[Asked]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        thread.join()
