"""A wire to a server that can be made slow: bytes go through, each piece after a pause."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

PIECE_BYTES = 65_536


class Wire:
    """Listens on a free port of this machine."""

    def __init__(self, server: str) -> None:
        host, _, port = server.rpartition(":")
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.pause_s = 0.0  # before each piece that the server answers
        self._closed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody is let in any more, and what is under way breaks off."""
        self._closed.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(self._server) as server:
            while not self._closed.is_set():
                ready, _, _ = select.select([client, server], [], [], 0.2)
                for source in ready:
                    piece = source.recv(PIECE_BYTES)
                    if not piece:
                        return
                    if source is server:
                        self._closed.wait(self.pause_s)
                    (client if source is server else server).sendall(piece)


@contextlib.contextmanager
def wire_to(server: str) -> Iterator[Wire]:
    """Open a wire to HOST:PORT for the length of a test."""
    wire = Wire(server)
    try:
        yield wire
    finally:
        wire.close()
