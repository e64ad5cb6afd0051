"""Tie each page's Bokeh session to the login that made it.

Bokeh gives a page to whoever names its session, and believes what a page's token says of who opened it.
So sessions and tokens are signed with a secret of this process, browsers may not choose either, and a
websocket gets only a page of its own login: what stands in a page's source opens nothing for others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.web import Application


def chooses_a_session(request: HTTPServerRequest) -> bool:
    """Tell whether a request names a page's session or token, or has a body that might."""
    named = {"bokeh-session-id", "bokeh-token"} & set(request.arguments)
    # Bokeh looks into bodies as well, even of a GET
    has_body = (
        request.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in request.headers
    )
    return bool(named) or has_body or "Bokeh-Session-Id" in request.headers


def bind_to_logins(application: Application, visitor_header: str) -> None:
    """Give a websocket no page but those that its own login opened.

    The guard writes `visitor_header` into each request, from its cookie. Connecting raises
    PermissionError otherwise, which gives the log the reason.
    """
    connect: Callable[..., Any] = application.new_connection  # type: ignore[attr-defined]

    def new_connection(protocol: Any, socket: Any, context: Any, session: Any) -> Any:
        opened_by = session.document.session_context.request.headers.get(visitor_header, "")
        if opened_by != socket.request.headers.get(visitor_header, ""):
            socket.close()
            raise PermissionError("this page was opened by another login")
        return connect(protocol, socket, context, session)

    application.new_connection = new_connection  # type: ignore[attr-defined]
