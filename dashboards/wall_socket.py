"""Send every camera over one websocket a page, no faster than the page draws.

A frame is `4 bytes, big endian: length of the JSON | JSON | JPEG`. After each round the server
sends the text "drawn?" and waits for any answer, so a slow browser gets fewer pictures instead of
a queue of old ones. (An <img> a camera as MJPEG would stop at six: browsers open no more
connections to a host.)
"""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

from tornado.websocket import WebSocketClosedError, WebSocketHandler

from dashboards.access.origin import is_allowed_host, is_allowed_origin
from dashboards.access.request_guard import RequestGuard
from dashboards.data.poller import Poller
from dashboards.data.tiles import Tile
from domain.access.permissions import Permission

ENDED = 4401  # tells the page's script to load itself again, which leads to the login
LOOK_EVERY_S = 0.05
MAX_SOCKETS = 64  # each may be sent a few megabytes a second


class WallSocket(WebSocketHandler):
    """Sends the tiles that this page has not drawn yet."""

    open_sockets = 0  # of the whole process, on its one event loop

    def initialize(self, poller: Poller, guard: RequestGuard, boot_id: str) -> None:
        """Take what `routes` shares with each connection."""
        self.poller, self.hosts, self.boot_id = poller, guard.hosts, boot_id
        self.visitor = guard.visitor(self.request.headers)
        self.drawn = asyncio.Event()
        self.is_counted, self.is_over = False, False

    @property
    def max_message_size(self) -> int:
        """Return the bytes that a page may send at once: it only says that it has drawn."""
        return 1024

    def check_origin(self, origin: str) -> bool:
        """Refuse pages of other sites: browsers let any page open a websocket to any host."""
        return is_allowed_origin(origin, self.hosts)

    def prepare(self) -> None:
        """Refuse names that are not ours; see ConsoleSettings.hosts."""
        if not is_allowed_host(self.request.host, self.hosts) or not self.visitor.may(
            Permission.WATCH
        ):
            self.set_status(403)
            self.finish()

    async def open(self, *args: str, **kwargs: str) -> None:
        """Begin to send tiles, unless too many pages are open."""
        if WallSocket.open_sockets >= MAX_SOCKETS:
            self.close(1013, "too many pages are open")
            return
        WallSocket.open_sockets += 1
        self.is_counted = True
        self.pump_task = asyncio.ensure_future(self._pump())

    def on_message(self, message: str | bytes) -> None:
        """Note that the page has drawn the last round."""
        self.drawn.set()

    def on_close(self) -> None:
        """Stop sending; the pump sees it at its next step."""
        self.is_over = True
        self.drawn.set()
        if self.is_counted:
            WallSocket.open_sockets -= 1

    async def _pump(self) -> None:
        sent: dict[str, int] = {}
        try:
            # a page whose server was started anew has lost its session and loads itself again
            await self.write_message(json.dumps({"boot": self.boot_id}))
            while not self.is_over:
                if not self.visitor.may(Permission.WATCH):
                    self.close(code=ENDED, reason="not allowed any more")
                    return
                tiles = self.poller.snapshot.tiles
                news = [tile for tile in tiles.values() if sent.get(tile.camera_id) != tile.version]
                for tile in news:
                    await self.write_message(encode_tile(tile), binary=True)
                    sent[tile.camera_id] = tile.version
                if news:
                    self.drawn.clear()
                    await self.write_message("drawn?")
                    await self.drawn.wait()
                await asyncio.sleep(LOOK_EVERY_S)
        except WebSocketClosedError:
            return


def encode_tile(tile: Tile) -> bytes:
    """Pack one camera's frame for the wire; the JPEG part is empty where there is no picture."""
    header = json.dumps(_describe(tile), ensure_ascii=False).encode()
    return struct.pack(">I", len(header)) + header + tile.jpeg


def _describe(tile: Tile) -> dict[str, Any]:
    view = tile.view
    return {
        "camera_id": tile.camera_id,
        "status": tile.status,
        "reason": {"zh": tile.reason_in("zh"), "en": tile.reason_in("en")},
        "is_learning": view.is_learning if view else False,
        "unfit": list(view.unfit) if view else [],
        "unfit_places": list(tile.unfit_places),
        "hidden": [each.model_dump(mode="json") for each in tile.hidden],
        "boxes_left_out": view.boxes_left_out if view else 0,
        "age_s": round(tile.age_s, 1),
        "replaced_at": tile.replaced_at.isoformat() if tile.replaced_at else None,
        "captured_at": view.captured_at.isoformat() if view and view.captured_at else None,
        "width_px": view.width_px if view else 0,
        "height_px": view.height_px if view else 0,
        "tracks": [track.model_dump(mode="json") for track in view.tracks] if view else [],
    }
