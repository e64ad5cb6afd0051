"""Headers that every answer of the console carries, whichever library's handler wrote it."""

from __future__ import annotations

from tornado.httputil import HTTPHeaders
from tornado.web import OutputTransform

# Panel writes its start into the page and loads components from blobs; Bokeh's callbacks are compiled
# in the page. All else comes from this console, and goes nowhere else.
PAGES_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "media-src 'self'",
        "connect-src 'self' blob:",
        "worker-src 'self' blob:",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)


class SafeHeaders(OutputTransform):
    """Keeps what is served out of frames, guesses and other sites' pages."""

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Add what is missing to an answer's headers; a handler's own, stricter policy stays."""
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Referrer-Policy"] = "same-origin"
        headers.setdefault("Content-Security-Policy", PAGES_POLICY)
        return status_code, headers, chunk
