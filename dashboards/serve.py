"""Start the console: one Tornado server, two pages, a few endpoints, one poller."""

# mypy: allow-untyped-calls
# (Panel and its Material components are not annotated)
from __future__ import annotations

import asyncio
import errno
import logging
import secrets
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import panel as pn
from tornado.ioloop import PeriodicCallback
from tornado.websocket import WebSocketClosedError

from dashboards.audit_page import audit_page
from dashboards.context import Context
from dashboards.door import VISITOR_HEADER, Door
from dashboards.endpoints import routes
from dashboards.evidence_lookup import EvidenceLookup
from dashboards.file_keys import FileKeys
from dashboards.frame import first_page
from dashboards.live_page import live_page
from dashboards.login import LoginDesk
from dashboards.poller import Poller
from dashboards.search_page import search_page
from dashboards.settings import ConsoleSettings, is_loopback
from domain.errors import Stop
from domain.people_file import PeopleFile
from evidence_store.gate import Gate
from evidence_store.open_vault import open_vault

FAVICON = Path(__file__).with_name("favicon.ico")
SWEEP_EVERY_MS = 2_000  # websockets of sessions that have ended are closed
MAX_BODY_BYTES = 64 * 1024  # of a request: the only forms are the login's
MAX_WEBSOCKET_BYTES = 20 * 1024 * 1024  # an upload of 10 MB comes as base64, in chunks


def serve(settings: ConsoleSettings, on_ready: Callable[[str], None]) -> None:
    """Serve the console until SIGINT or SIGTERM.

    Args:
        on_ready: called with the live page's address once it can be opened.
    Raises:
        Stop: the port is taken, the address is not this machine's, or the key to encrypted originals
            cannot be used.
    """
    port = _free_port(settings.address, settings.port)
    hosts = settings.hosts(port)
    poller, vault = Poller(settings), open_vault(settings.data, settings.keys)
    door = Door(
        PeopleFile(settings.data.people), hosts, is_for_all=not is_loopback(settings.address)
    )
    context = Context(settings, poller, FileKeys(), EvidenceLookup(settings), door)
    desk = LoginDesk(door, settings, Gate.open(settings.data, settings.keys).note_wrong_password)
    _configure_panel()
    pages: Any = {
        # plain functions: Panel takes a functools.partial for something to draw
        "/": lambda: {"live": live_page, "search": search_page, "audit": audit_page}[
            first_page(context)
        ](context),
        "live": lambda: live_page(context),
        "search": lambda: search_page(context),
        "audit": lambda: audit_page(context),
    }
    server = pn.serve(
        pages,
        port=port,
        address=settings.address,
        websocket_origin=sorted(hosts),
        websocket_max_message_size=MAX_WEBSOCKET_BYTES,
        extra_patterns=routes(context, vault, desk, boot_id=secrets.token_hex(8)),
        http_server_kwargs={"max_body_size": MAX_BODY_BYTES},
        ico_path=str(FAVICON),
        show=False,
        start=False,
        verbose=False,
        title="forewarn",
    )
    door.guard(server._tornado)
    PeriodicCallback(lambda: _close_ended(server, door), SWEEP_EVERY_MS).start()
    loop = server.io_loop.asyncio_loop
    loop.set_exception_handler(_log_unless_a_browser_left)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.io_loop.stop)
    poller.start()
    server.start()
    server.io_loop.add_callback(on_ready, _address(settings.address, port))
    try:
        server.io_loop.start()
    finally:
        server.stop()
        poller.stop()


def _close_ended(server: Any, door: Door) -> None:
    """A page that is open when its session ends gets nothing more, whatever its scripts do."""
    for connection in list(server._tornado._clients):
        socket = connection._socket
        if door.is_over(socket.request.headers.get(VISITOR_HEADER, "")):
            socket.close(code=4401, reason="the session has ended")


def _log_unless_a_browser_left(loop: asyncio.AbstractEventLoop, facts: dict[str, Any]) -> None:
    # Tornado leaves this behind wherever a page is closed while something is being sent to it
    if not isinstance(facts.get("exception"), WebSocketClosedError):
        loop.default_exception_handler(facts)


def _configure_panel() -> None:
    # one line a request and a page would bury what matters
    for name in ("bokeh", "tornado.access"):
        logging.getLogger(name).setLevel(logging.ERROR)
    pn.extension(notifications=False)


def _free_port(address: str, wanted: int) -> int:
    """The port to listen on: the wanted one if it is free, or any free one for 0.

    Raises:
        Stop: it is taken, or the address is not this machine's.
    """
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


def _address(address: str, port: int) -> str:
    return f"http://{'127.0.0.1' if address == '0.0.0.0' else address}:{port}/live"
