"""Check the addresses of a site file: known schemes, a host, and nothing secret, for the file is no secret."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

STREAM_SCHEMES = ("rtsp", "rtsps", "http", "https")
# "subfile,,start,0,end,9,,:" is a scheme to FFmpeg, too
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.,-]*):")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
# names under which cameras take a password in their address
_PASSWORD_NAMES = frozenset({"password", "passwd", "pass", "pwd", "pw", "psw", "loginpas"})
USER_PLACE, PASSWORD_PLACE = "{user}", "{password}"
NO_PASSWORD = "url should hold no password or user; use user and password_env"


def is_stream(url: str) -> bool:
    """Tell whether a camera's address is a stream's; else it names a file."""
    return "://" in url and not url.startswith("file://")


def check_camera_address(url: str) -> None:
    """Check that a camera's address is a stream of a known scheme, or a file.

    Raises:
        ValueError: it is neither, or holds a password; the message never repeats an address that does.
    """
    if url.startswith("//"):  # a stream's address whose scheme was left out
        check_holds_no_password(url)
    scheme = _SCHEME.match(url.partition("/")[0])
    if scheme is None or url.startswith("file://"):
        return
    check_holds_no_password(url)
    if _UNPRINTABLE.search(url):
        raise ValueError(f"url should hold no spaces or control characters, got {url!r}")
    name = scheme[1]
    if name not in STREAM_SCHEMES or not url.startswith(f"{name}://"):
        raise ValueError(_unknown_scheme(name))
    check_host(url)


def check_host(url: str) -> None:
    """Raise ValueError where an address names no host, or a port that is none."""
    try:
        parts = urlsplit(url)
        found = bool(parts.hostname) and parts.port != 0
    except ValueError:
        found = False
    if not found:
        raise ValueError(f"url needs a host, and a port that is a number, got {url!r}")


def check_holds_no_password(url: str) -> None:
    """Raise ValueError where an address holds a user or a password, in front of its host or behind '?'."""
    # anywhere: a password with a slash in it ends what a parser takes for the host
    if "@" in url:
        raise ValueError(f"{NO_PASSWORD} (an @ of the path is written %40)")
    for name, value in _fields(url):
        if name.lower() in _PASSWORD_NAMES and value and value != PASSWORD_PLACE:
            raise ValueError(f"{NO_PASSWORD}, and write {name}={PASSWORD_PLACE} in the url")


def wants_credentials(url: str) -> bool:
    """Tell whether an address has a place for a user or a password."""
    return USER_PLACE in url or PASSWORD_PLACE in url


def _fields(url: str) -> Sequence[tuple[str, str]]:
    """List name=value of an address: behind '?', and in the path, where some cameras have them."""
    _, _, rest = url.partition("://")
    _, _, rest = rest.partition("/")
    return parse_qsl(re.sub(r"[?/;_]", "&", rest), max_num_fields=1000)


def _unknown_scheme(name: str) -> str:
    known = (*STREAM_SCHEMES, "file")
    near = sorted(difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.6), key=len)
    meant = " or ".join(f"{scheme}://" for scheme in near)
    needed = ", ".join(f"{scheme}://…" for scheme in known)
    hint = f"is {meant} meant?" if near else "a file of such a name is written ./…"
    return f"url needs {needed} or a file's path, got the scheme {name!r}; {hint}"
