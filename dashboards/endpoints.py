"""What the console serves beside its pages: evidence files, by key and in ranges."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from typing import Any

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from dashboards.context import Context
from dashboards.door import Door
from dashboards.file_keys import FileKeys
from dashboards.login import Login, LoginDesk, Logout
from dashboards.origin import OwnPagesOnly
from dashboards.poller import Poller
from dashboards.wall_socket import WallSocket
from domain.acts import Act
from domain.errors import ForewarnError, PutAside
from evidence_store.sealed_files import SealedFiles

SENT_AT_ONCE_BYTES = 256 * 1024

Routes = Sequence[tuple[str, type[RequestHandler], dict[str, Any]]]


class EvidenceFile(OwnPagesOnly, StaticFileHandler):
    """One file of the vault, for who holds its key; a player may ask for parts of it.

    Originals may be encrypted: the path is what the file is called, its bytes come from the vault.
    """

    def initialize(  # type: ignore[override]
        self, door: Door, keys: FileKeys, vault: SealedFiles
    ) -> None:
        """Take what the console's start hands to each request."""
        OwnPagesOnly.initialize(self, door.hosts)
        self.door = door
        StaticFileHandler.initialize(self, str(vault.folder))
        self.keys, self.vault = keys, vault

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send the file, or the asked part of it.

        Raises:
            HTTPError: 403 without a key that fits, 404 where the file is gone, 500 where it cannot
                be decrypted.
        """
        until, key = self.get_query_argument("until", ""), self.get_query_argument("key", "")
        visitor = self.door.visitor(self.request.headers)
        if not self.keys.of_session(visitor.handle).is_valid(path, until, key):
            raise HTTPError(403, "no key for %s", path)
        if not visitor.may(Act.SEE_MASKED):
            raise HTTPError(403, "not allowed any more")
        self.evidence_id, _, self.name = path.partition("/")
        await super().get(path, include_body)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Where the bytes lie, which may be under another name."""
        try:
            stored = self.vault.path_of(self.evidence_id, self.name)
        except PutAside as error:
            raise HTTPError(404) from error
        return super().validate_absolute_path(root, str(stored))

    def get_content_type(self) -> str:
        """By the file's own name, not by the one that it is stored under."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def get_content_size(self) -> int:
        """Bytes of the file as it was sealed."""
        try:
            return self.vault.size_of(self.evidence_id, self.name)
        except ForewarnError as error:
            raise HTTPError(500, "%s", error) from error

    def get_content(  # type: ignore[override]
        self, abspath: str, start: int | None = None, end: int | None = None
    ) -> Iterator[bytes]:
        """The asked part, piece by piece; what does not decrypt ends the answer before its length."""
        try:
            file = self.vault.open(self.evidence_id, self.name)
        except ForewarnError as error:
            raise HTTPError(500, "%s", error) from error
        with file:
            file.seek(start or 0)
            left = (self.get_content_size() if end is None else end) - (start or 0)
            while left > 0 and (piece := file.read(min(left, SENT_AT_ONCE_BYTES))):
                left -= len(piece)
                yield piece

    def compute_etag(self) -> str | None:
        """Leave it out: Tornado would read the whole clip on the event loop to hash it."""
        return None

    def get_cache_time(self, path: str, modified: object, mime_type: str) -> int:
        """Seconds that a browser may keep it: none; what was shown should not stay behind."""
        return 0


class Health(OwnPagesOnly):
    """For supervisors: the console answers, and how far it has read."""

    def initialize(self, door: Door, poller: Poller) -> None:  # type: ignore[override]
        """Take what the console's start hands to each request."""
        super().initialize(door.hosts)
        self.door, self.poller = door, poller

    def get(self) -> None:
        """Write it as JSON; to who is not logged in no more than that it answers."""
        snapshot = self.poller.snapshot
        if self.door.needs_login() and not self.door.session_of(self.request):
            self.write({"ok": not snapshot.log_problem})
            return
        self.write(
            {
                "ok": not snapshot.log_problem,
                "log_problem": snapshot.log_problem,
                "caught_up": snapshot.is_caught_up,
                "cameras": {each.camera_id: each.status for each in snapshot.tiles.values()},
            }
        )


def routes(context: Context, vault: SealedFiles, desk: LoginDesk, boot_id: str) -> Routes:
    """All addresses that are not pages."""
    door = context.door
    return [
        ("/wall", WallSocket, {"poller": context.poller, "door": door, "boot_id": boot_id}),
        (r"/evidence/([^?]+)", EvidenceFile, {"door": door, "keys": context.keys, "vault": vault}),
        ("/health", Health, {"door": door, "poller": context.poller}),
        ("/login", Login, {"desk": desk}),
        ("/logout", Logout, {"desk": desk}),
    ]
