"""A webhook on loopback that counts what it is told, by the path it was told at."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Told:
    """Texts of messages that arrived, by path."""

    def __init__(self) -> None:
        self.port = 0
        self.messages: defaultdict[str, Counter[str]] = defaultdict(Counter)


@contextmanager
def webhook() -> Iterator[Told]:
    """Takes what apprise's json:// posts, and answers 200."""
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.messages[self.path.strip("/")][said["message"]] += 1
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
