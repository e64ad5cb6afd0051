"""Addresses that are not pages of Panel's: evidence files (by token, in ranges), records, health, login, wall."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from typing import Any

from tornado.web import HTTPError, RequestHandler, StaticFileHandler

from dashboards.access.file_tokens import FileTokens
from dashboards.access.origin import OwnPagesOnly
from dashboards.access.request_guard import RequestGuard
from dashboards.context import ConsoleContext
from dashboards.data.poller import Poller
from dashboards.data.record_acts import RecordActs
from dashboards.data.record_lookup import RecordLookup
from dashboards.pages.login_page import LoginHandler, LoginService, LogoutHandler
from dashboards.pages.record_actions import record_act_routes
from dashboards.pages.record_page import RecordService, record_routes
from dashboards.wall_socket import WallSocket
from domain.access.permissions import Permission
from domain.errors import ForewarnError, PutAside
from evidence_store.vault.sealed_files import SealedFiles

SENT_AT_ONCE_BYTES = 256 * 1024

Routes = Sequence[tuple[str, type[RequestHandler], dict[str, Any]]]


class EvidenceFileHandler(OwnPagesOnly, StaticFileHandler):
    """Sends one file of the vault to who holds its token; a player may ask for parts of it.

    Originals may be encrypted: the path is what the file is called, its bytes come from the vault.
    """

    def initialize(self, *args: Any, **shared: Any) -> None:
        """Take what `routes` shares with each request: `guard`, `tokens` and `vault`."""
        self.guard: RequestGuard = shared["guard"]
        self.tokens: FileTokens = shared["tokens"]
        self.vault: SealedFiles = shared["vault"]
        self.hosts = self.guard.hosts
        super().initialize(str(self.vault.folder))

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send the file, or the asked part of it.

        Raises:
            HTTPError: 403 without a token that fits, 404 where the file is gone, 500 where it cannot
                be decrypted.
        """
        until, key = self.get_query_argument("until", ""), self.get_query_argument("key", "")
        visitor = self.guard.visitor(self.request.headers)
        if not self.tokens.of_session(visitor.handle).is_valid(path, until, key):
            raise HTTPError(403, "no token for %s", path)
        if not visitor.may(Permission.SEE_MASKED):
            raise HTTPError(403, "not allowed any more")
        self.evidence_id, _, self.name = path.partition("/")
        await super().get(path, include_body)

    def validate_absolute_path(self, root: str, absolute_path: str) -> str | None:
        """Find where the bytes lie, which may be under another name."""
        try:
            stored = self.vault.path_of(self.evidence_id, self.name)
        except PutAside as error:
            raise HTTPError(404) from error
        return super().validate_absolute_path(root, str(stored))

    def get_content_type(self) -> str:
        """Guess the type by the file's own name, not by the one that it is stored under."""
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def get_content_size(self) -> int:
        """Return the bytes of the file as it was sealed."""
        try:
            return self.vault.size_of(self.evidence_id, self.name)
        except ForewarnError as error:
            raise HTTPError(500, "%s", error) from error

    # Tornado declares a class method, but calls it on the handler
    def get_content(  # type: ignore[override]
        self, abspath: str, start: int | None = None, end: int | None = None
    ) -> Iterator[bytes]:
        """Yield the asked part piece by piece; what does not decrypt ends the answer too early."""
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
        """Return no tag: Tornado would read the whole clip on the event loop to hash it."""
        return None

    def get_cache_time(self, path: str, modified: object, mime_type: str) -> int:
        """Return the seconds that a browser may keep it: none; nothing shown should stay behind."""
        return 0


class HealthHandler(OwnPagesOnly):
    """Tells supervisors that the console answers, and how far it has read."""

    def initialize(self, guard: RequestGuard, poller: Poller) -> None:
        """Take what `routes` shares with each request."""
        self.guard, self.poller, self.hosts = guard, poller, guard.hosts

    def get(self) -> None:
        """Write the health as JSON; to who is not logged in only that the console answers."""
        snapshot = self.poller.snapshot
        if self.guard.needs_login() and not self.guard.session_of(self.request):
            self.write({"ok": not snapshot.log_problem})
            return
        self.write(
            {
                "ok": not snapshot.log_problem,
                "log_problem": snapshot.log_problem,
                "caught_up": snapshot.is_caught_up,
                "cameras": {tile.camera_id: tile.status for tile in snapshot.tiles.values()},
            }
        )


def routes(
    context: ConsoleContext, vault: SealedFiles, logins: LoginService, boot_id: str
) -> Routes:
    """List all addresses that are not pages of Panel's."""
    guard = context.guard
    lookup = RecordLookup(context.settings, vault, context.evidence)
    records = RecordService(context, lookup, RecordActs(context.settings, lookup))
    return [
        *record_act_routes(records),
        *record_routes(records),
        ("/wall", WallSocket, {"poller": context.poller, "guard": guard, "boot_id": boot_id}),
        (
            r"/evidence/([^?]+)",
            EvidenceFileHandler,
            {"guard": guard, "tokens": context.tokens, "vault": vault},
        ),
        ("/health", HealthHandler, {"guard": guard, "poller": context.poller}),
        ("/login", LoginHandler, {"logins": logins}),
        ("/logout", LogoutHandler, {"logins": logins}),
    ]
