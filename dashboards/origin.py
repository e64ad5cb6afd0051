"""Who may ask: pages that this console served, under a name that it goes by.

There is no login yet, so these checks are all that stands between the cameras and any web page
that somebody at this machine happens to open.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from tornado.web import HTTPError, RequestHandler


def is_allowed_origin(origin: str, hosts: frozenset[str]) -> bool:
    """True for pages that came from this console: their origin is one of its own names."""
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and parts.netloc.lower() in hosts


def is_allowed_host(host: str, hosts: frozenset[str]) -> bool:
    """True where the browser reached us by a name that is ours."""
    return host.lower() in hosts


class OwnPagesOnly(RequestHandler):
    """A handler that answers this console's own pages and nobody else's."""

    def initialize(self, hosts: frozenset[str]) -> None:
        """Take the names that the console goes by."""
        self.hosts = hosts

    def prepare(self) -> None:
        """Refuse other sites' pages, whatever they ask for.

        Raises:
            HTTPError: 403.
        """
        origin = self.request.headers.get("Origin")
        fetch_site = self.request.headers.get("Sec-Fetch-Site", "same-origin")
        if not is_allowed_host(self.request.host, self.hosts):
            raise HTTPError(403, "this console does not go by the name %s", self.request.host)
        if origin is not None and not is_allowed_origin(origin, self.hosts):
            raise HTTPError(403, "asked by a page of %s", origin)
        if fetch_site not in ("same-origin", "none"):
            raise HTTPError(403, "asked by a page of another site")

    def set_default_headers(self) -> None:
        """Keep what is served out of caches, frames and guesses."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Referrer-Policy", "same-origin")
