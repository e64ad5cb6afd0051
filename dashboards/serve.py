"""Start the console: one Tornado server, three pages, a few endpoints, one poller."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext
from typing import Any

import panel as pn
from bokeh.server.urls import per_app_patterns
from panel_material_ui.template.base import Page
from tornado.ioloop import PeriodicCallback
from tornado.websocket import WebSocketClosedError

from dashboards.access.file_tokens import FileTokens
from dashboards.access.page_sessions import bind_to_logins
from dashboards.access.request_guard import VISITOR_HEADER, RequestGuard
from dashboards.access.transport import ScriptsCompressed, tls_context
from dashboards.context import ConsoleContext
from dashboards.data.evidence_lookup import EvidenceLookup
from dashboards.data.poller import Poller
from dashboards.endpoints import routes
from dashboards.pages.audit_page import AuditPage
from dashboards.pages.live_page import LivePage
from dashboards.pages.login_page import LoginService
from dashboards.pages.page_frame import first_page, page_names, page_visitor, refused
from dashboards.pages.search_page import SearchPage
from dashboards.settings import ConsoleSettings, is_loopback
from domain.access.people_file import PeopleFile
from domain.errors import Stop
from evidence_store.access.gate import Gate
from evidence_store.vault.open_vault import open_vault
from evidence_store.vault.sealed_files import SealedFiles

PAGE_TYPES: dict[str, type[AuditPage | LivePage | SearchPage]] = {
    "live": LivePage,
    "search": SearchPage,
    "audit": AuditPage,
}
FAVICON = Path(__file__).with_name("favicon.ico")
SWEEP_EVERY_MS = 2_000  # websockets of sessions that have ended are closed
MAX_BODY_BYTES = 64 * 1024  # of a request: the only forms are the login's and those of records
REQUEST_WITHIN_S = 10.0  # for its headers, and again for its body: half-open ones are closed
MAX_WEBSOCKET_BYTES = 20 * 1024 * 1024  # an upload of 10 MB comes as base64, in chunks


def serve(settings: ConsoleSettings, on_ready: Callable[[str], None]) -> None:
    """Serve the console until SIGINT or SIGTERM.

    `on_ready` is called with the live page's address once it can be opened.

    Raises:
        Stop: a TLS file cannot be used, the port is taken, the address is not this machine's, or the key to encrypted originals
            cannot be used.
    """
    tls = tls_context(settings.tls) if settings.tls else None
    port = _free_port(settings.address, settings.port)
    hosts = settings.hosts(port)
    poller, vault = Poller(settings), open_vault(settings.data, settings.keys)
    guard = RequestGuard(
        PeopleFile(settings.data.people), hosts, is_for_all=not is_loopback(settings.address)
    )
    context = ConsoleContext(settings, poller, FileTokens(), EvidenceLookup(settings), guard)
    logins = LoginService(
        guard, settings, Gate.open(settings.data, settings.keys).note_wrong_password
    )
    server = make_server(context, vault, logins, port, tls)
    PeriodicCallback(lambda: _close_ended(server, guard), SWEEP_EVERY_MS).start()
    loop = server.io_loop.asyncio_loop
    loop.set_exception_handler(_log_unless_a_browser_left)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.io_loop.stop)
    poller.start()
    server.start()
    server.io_loop.add_callback(on_ready, _address(settings, port))
    try:
        server.io_loop.start()
    finally:
        server.stop()
        poller.stop()


def make_server(
    context: ConsoleContext,
    vault: SealedFiles,
    logins: LoginService,
    port: int,
    tls: SSLContext | None = None,
) -> Any:
    """Make Panel's server of all addresses, behind the guard; it listens, and answers once its loop runs."""
    _configure_panel()
    pages: Any = {
        # plain functions: Panel takes a functools.partial for something to draw
        "/": lambda: _open_page(first_page(context), context),
        "live": lambda: _open_page("live", context),
        "search": lambda: _open_page("search", context),
        "audit": lambda: _open_page("audit", context),
    }
    server = pn.serve(
        pages,
        port=port,
        address=context.settings.address,
        websocket_origin=sorted(context.guard.hosts),
        websocket_max_message_size=MAX_WEBSOCKET_BYTES,
        sign_sessions=True,
        secret_key=secrets.token_bytes(32),
        extra_patterns=routes(context, vault, logins, boot_id=secrets.token_hex(8)),
        http_server_kwargs={
            "max_body_size": MAX_BODY_BYTES,
            "idle_connection_timeout": REQUEST_WITHIN_S,
            "body_timeout": REQUEST_WITHIN_S,
            "ssl_options": tls,
        },
        ico_path=str(FAVICON),
        show=False,
        start=False,
        verbose=False,
        title="forewarn",
    )
    context.guard.protect(server._tornado)
    server._tornado.add_transform(ScriptsCompressed)
    bind_to_logins(server._tornado, VISITOR_HEADER)
    return server


def _open_page(name: str, context: ConsoleContext) -> Page:
    """Build a page for the browser that asks, or what it sees instead."""
    visitor = page_visitor(context)
    return refused(name, page_names(context), visitor) or PAGE_TYPES[name](context, visitor).view()


def _close_ended(server: Any, guard: RequestGuard) -> None:
    """Close the sockets of pages whose session has ended, whatever their scripts do."""
    for connection in list(server._tornado._clients):
        socket = connection._socket
        if guard.is_over(socket.request.headers.get(VISITOR_HEADER, "")):
            socket.close(code=4401, reason="the session has ended")


def _log_unless_a_browser_left(loop: asyncio.AbstractEventLoop, details: dict[str, Any]) -> None:
    # Tornado leaves this behind wherever a page is closed while something is being sent to it
    if not isinstance(details.get("exception"), WebSocketClosedError):
        loop.default_exception_handler(details)


def _configure_panel() -> None:
    # one line a request and a page would bury what matters
    for name in ("bokeh", "tornado.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
    pn.extension(notifications=False)
    # of Bokeh's addresses only a page and its websocket: the others embed it in other sites
    per_app_patterns[:] = [route for route in per_app_patterns if route[0] in ("/?", "/ws")]


def _free_port(address: str, wanted: int) -> int:
    """Find the wanted port, or any free one for 0; raises Stop if it cannot be listened on."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, wanted))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Stop(
                    f"port {wanted} of {address} is taken; is a console running already? "
                    "Choose another with --port, or --port 0 for any free one"
                ) from error
            raise Stop(f"cannot listen on {address}:{wanted}: {error.strerror or error}") from error
        return int(probe.getsockname()[1])


def _address(settings: ConsoleSettings, port: int) -> str:
    host = "127.0.0.1" if settings.address == "0.0.0.0" else settings.address
    return f"{'https' if settings.tls else 'http'}://{host}:{port}/live"
