"""Follow a camera that sends on to another address, as far as the site file allows.

FFmpeg follows none by itself (`evidence_store/media/input_options.py`): it would ask any host, and tell
the host of an RTSP redirect the password.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from urllib.parse import SplitResult, urljoin, urlsplit

from domain.cameras.credentials import Credentials
from domain.cameras.messages import trouble
from domain.errors import PutAside, TryAgain
from domain.site.cameras import Camera
from flows.speech.devices.http_auth import authorise
from flows.speech.devices.rtsp_session import RtspBroken, RtspSession

MAX_REDIRECTS = 5
_KINDS = {"http": "http", "https": "http", "rtsp": "rtsp"}
_UNAUTHORIZED = 401
# what another parser may take for the end, or the beginning, of the host
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\@]")


class RedirectRefused(TryAgain):
    """A camera sends on to where the site file does not let it."""

    def __init__(self, camera: Camera, target: SplitResult) -> None:
        self.message = trouble(
            "sent_on",
            camera=camera.id,
            where=camera.url,
            host=target.hostname or target.scheme or "?",
        )
        super().__init__(self.message.en)


def find_redirect(camera: Camera, credentials: Credentials | None, within_s: float) -> str | None:
    """Find the address at which a camera's redirects end; None: it does not send on (rtsps: nobody asks).

    Raises:
        RedirectRefused: it sends on to a host that the site file does not name, or without end.
    """
    if urlsplit(camera.url).scheme not in _KINDS:
        return None
    url = camera.url
    for _ in range(MAX_REDIRECTS):
        try:
            location = _ask(url, credentials if is_own_host(camera, url) else None, within_s)
        except (OSError, ValueError, http.client.HTTPException, RtspBroken, PutAside):
            location = ""
        if not location:
            return None if url == camera.url else url
        url = urljoin(url, location)
        _check(camera, url)
    raise RedirectRefused(camera, urlsplit(url))


def is_own_host(camera: Camera, url: str) -> bool:
    """Tell whether an address is the camera's own host, which may hear its password."""
    own, asked = urlsplit(camera.url), urlsplit(url)
    is_less_safe = own.scheme == "https" and asked.scheme != "https"
    return own.hostname == asked.hostname and not is_less_safe


def _check(camera: Camera, url: str) -> None:
    own, target = urlsplit(camera.url), urlsplit(url)
    is_of_kind = _KINDS.get(target.scheme, "?") == _KINDS.get(own.scheme)
    hosts = {own.hostname, *(host.lower() for host in camera.redirects_to)}
    if not is_of_kind or _AMBIGUOUS.search(url) or target.hostname not in hosts:
        raise RedirectRefused(camera, target)


def _ask(url: str, credentials: Credentials | None, within_s: float) -> str:
    """Ask for a stream and read no more than the answer's head: where it sends on to; '' nowhere."""
    user, password = credentials.pair() if credentials else (None, None)
    target = credentials.filled(url) if credentials else url
    if urlsplit(url).scheme == "rtsp":
        with RtspSession(target, user, password, within_s) as rtsp:
            answer = rtsp.ask("DESCRIBE", target, Accept="application/sdp")
        return answer.header("location") if 300 <= answer.status < 400 else ""
    first = _get(target, {}, within_s)
    if first.status == _UNAUTHORIZED and user is not None:
        challenges = first.headers.get_all("WWW-Authenticate", [])
        path = _path(urlsplit(target))
        header = authorise(challenges, "GET", path, user, password or "")
        first = _get(target, {"Authorization": header}, within_s)
    return first.headers.get("Location", "") if 300 <= first.status < 400 else ""


def _get(url: str, headers: dict[str, str], within_s: float) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # cameras sign their certificates themselves; FFmpeg takes them as well
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection(host, port, timeout=within_s, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=within_s)
    # the timeout is of each wait: a host that drips a byte now and then would hold the reader for ever
    hang_up = threading.Timer(within_s, _hang_up, [connection])
    hang_up.daemon = True
    hang_up.start()
    try:
        connection.request("GET", _path(parts), headers=headers)
        return connection.getresponse()
    finally:
        hang_up.cancel()
        connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """End the wait of the thread that reads; closing would not wake it."""
    with contextlib.suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
