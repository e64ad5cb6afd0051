"""A network loudspeaker on loopback: plays well, or misbehaves as it is told."""

from __future__ import annotations

import hashlib
import io
import re
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

REALM, NONCE, USER, PASSWORD = "horn", "dcd98b7102dd2f0e", "forewarn", "open sesame"


def tone(duration_s: float = 0.2) -> bytes:
    """Make a WAV file of 440 Hz as engines make them."""
    times = np.arange(round(22_050 * duration_s)) / 22_050
    content = io.BytesIO()
    with wave.open(content, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(22_050)
        sound.writeframes((9000 * np.sin(2 * np.pi * 440 * times)).astype("<i2").tobytes())
    return content.getvalue()


TONE = tone()


@dataclass
class Horn:
    """What it does, and what it got."""

    url: str = ""
    auth: str = ""  # "", "digest", "digest-sha256", "digest-old", "basic"
    status: int = 200
    hangs_s: float | Callable[[], float] = 0.0
    closes_early: bool = False
    talks: threading.Event | None = None  # answers only once this is set
    # bodies that were not turned away, broken-off ones as far as they came
    sounds: list[bytes] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    requests: int = 0
    talking: int = 0  # calls that it is at

    def challenge(self) -> str:
        if self.auth == "basic":
            return f'Basic realm="{REALM}"'
        more = {"digest": ', qop="auth", opaque="o1"', "digest-old": ""}.get(
            self.auth, ', qop="auth,auth-int", algorithm=SHA-256'
        )
        return f'Digest realm="{REALM}", nonce="{NONCE}"{more}'

    def lets_in(self, header: str, target: str) -> bool:
        """Worked out from the RFCs, apart from the client's way."""
        if not self.auth:
            return True
        if self.auth == "basic":
            return header == "Basic Zm9yZXdhcm46b3BlbiBzZXNhbWU="
        given = {k: q or p for k, q, p in re.findall(r'(\w+)=(?:"([^"]*)"|([^ ,]+))', header)}
        kind = hashlib.sha256 if self.auth == "digest-sha256" else hashlib.md5

        def digest(text: str) -> str:
            return kind(text.encode()).hexdigest()

        secret, request = digest(f"{USER}:{REALM}:{PASSWORD}"), digest(f"POST:{target}")
        middle = NONCE
        if self.auth != "digest-old":
            middle += f":{given.get('nc')}:{given.get('cnonce')}:auth"
        return (
            given.get("response") == digest(f"{secret}:{middle}:{request}")
            and given.get("username") == USER
            and given.get("uri") == target
        )


@contextmanager
def network_speaker(**behaviour: object) -> Iterator[Horn]:
    horn = Horn(**behaviour)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            horn.requests += 1
            horn.talking += 1
            try:
                self._take()
            finally:
                horn.talking -= 1

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not horn.lets_in(self.headers.get("Authorization", ""), self.path):
                self.send_response(401)
                self.send_header("WWW-Authenticate", horn.challenge())
                self.end_headers()
                return
            horn.sounds.append(body)
            horn.types.append(self.headers.get("Content-Type", ""))
            if horn.closes_early:
                self.connection.close()
                return
            time.sleep(horn.hangs_s() if callable(horn.hangs_s) else horn.hangs_s)
            if horn.talks is not None:
                horn.talks.wait(60)
            self.send_response(horn.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]
    horn.url = f"http://127.0.0.1:{server.server_port}/play?zone=1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield horn
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
