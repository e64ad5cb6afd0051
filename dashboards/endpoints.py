"""What the console serves beside its pages: evidence files, by key and in ranges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from dashboards.file_keys import FileKeys
from dashboards.origin import OwnPagesOnly
from dashboards.poller import Poller
from dashboards.wall_socket import WallSocket

Routes = Sequence[tuple[str, type[RequestHandler], dict[str, Any]]]


class EvidenceFile(OwnPagesOnly, StaticFileHandler):
    """One file of the vault, for who holds its key; a player may ask for parts of it."""

    def initialize(  # type: ignore[override]
        self, hosts: frozenset[str], keys: FileKeys, vault: Path
    ) -> None:
        """Take what the console's start hands to each request."""
        OwnPagesOnly.initialize(self, hosts)
        StaticFileHandler.initialize(self, str(vault))
        self.keys = keys

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send the file, or the asked part of it.

        Raises:
            HTTPError: 403 without a key that fits, 404 where the file is gone.
        """
        until, key = self.get_query_argument("until", ""), self.get_query_argument("key", "")
        if not self.keys.is_valid(path, until, key):
            raise HTTPError(403, "no key for %s", path)
        await super().get(path, include_body)

    def compute_etag(self) -> str | None:
        """Leave it out: Tornado would read the whole clip on the event loop to hash it."""
        return None

    def get_cache_time(self, path: str, modified: object, mime_type: str) -> int:
        """Seconds that a browser may keep it: none; what was shown should not stay behind."""
        return 0


class Health(OwnPagesOnly):
    """For supervisors: the console answers, and how far it has read."""

    def initialize(self, hosts: frozenset[str], poller: Poller) -> None:  # type: ignore[override]
        """Take what the console's start hands to each request."""
        super().initialize(hosts)
        self.poller = poller

    def get(self) -> None:
        """Write it as JSON."""
        snapshot = self.poller.snapshot
        self.write(
            {
                "ok": not snapshot.log_problem,
                "log_problem": snapshot.log_problem,
                "caught_up": snapshot.is_caught_up,
                "cameras": {each.camera_id: each.status for each in snapshot.tiles.values()},
            }
        )


def routes(
    poller: Poller, keys: FileKeys, vault: Path, hosts: frozenset[str], boot_id: str
) -> Routes:
    """All addresses that are not pages."""
    return [
        ("/wall", WallSocket, {"poller": poller, "hosts": hosts, "boot_id": boot_id}),
        (r"/evidence/([^?]+)", EvidenceFile, {"hosts": hosts, "keys": keys, "vault": vault}),
        ("/health", Health, {"hosts": hosts, "poller": poller}),
    ]
