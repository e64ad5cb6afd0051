"""Refuse requests of other sites' pages, and under names that the console does not go by.

Where a site has no login, these checks are all that stands between the cameras and any web page
that somebody at this machine happens to open.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tornado.web import HTTPError, RequestHandler


def is_allowed_origin(origin: str, hosts: frozenset[str]) -> bool:
    """Tell whether a page came from this console: its origin is one of the console's names."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() in hosts


def is_allowed_host(host: str, hosts: frozenset[str]) -> bool:
    """Tell whether the browser reached the console by one of its names."""
    return host.lower() in hosts


class OwnPagesOnly(RequestHandler):
    """A handler that answers this console's own pages and nobody else's."""

    hosts: frozenset[str]  # HOST:PORT names of the console; `initialize` of a subclass sets them

    def prepare(self) -> None:
        """Refuse other sites' pages by HTTPError 403, which gives the log the reason."""
        origin = self.request.headers.get("Origin")
        fetch_site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        if not is_allowed_host(self.request.host, self.hosts):
            raise HTTPError(403, "this console does not go by the name %s", self.request.host)
        if origin is not None and not is_allowed_origin(origin, self.hosts):
            raise HTTPError(403, "asked by a page of %s", origin)
        if fetch_site not in ("same-origin", "none"):
            raise HTTPError(403, "asked by a page of another site")

    def set_default_headers(self) -> None:
        """Keep what is served out of caches."""
        self.set_header("Cache-Control", "no-store")
