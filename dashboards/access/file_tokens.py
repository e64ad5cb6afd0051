"""Tokens for single evidence files, put into the addresses that a page hands to its browser.

The code that draws a page knows which file is masked and who gave a reason; the endpoint that
sends bytes knows neither. So the page mints a token for one file, for a while, and the endpoint only
checks it. Without a token nothing of the vault can be fetched, however its name is guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from urllib.parse import quote

MASKED_FOR_S = 12 * 3600.0  # a shift: pictures of an open page stay loadable
UNMASKED_FOR_S = 15 * 60.0


class FileTokens:
    """Mints and checks tokens; its secret lives as long as this process."""

    def __init__(self, secret: bytes | None = None, session: str = "") -> None:
        self._secret, self._session = secret or secrets.token_bytes(32), session

    def of_session(self, handle: str) -> FileTokens:
        """Bind tokens to one session's pages: what they hand on opens nothing for others."""
        return FileTokens(self._secret, handle)

    def address(self, evidence_id: str, name: str, valid_for_s: float) -> str:
        """Return the address of one file on this console, with a token that fits it alone."""
        until = int(time.time() + valid_for_s)
        key = self._key(f"{evidence_id}/{name}", until)
        return f"/evidence/{quote(evidence_id)}/{quote(name)}?until={until}&key={key}"

    def is_valid(self, path: str, until: str, key: str) -> bool:
        """Tell whether a token fits the file and its time has not run out.

        `path` is "<evidence id>/<name>", unquoted; `until` is in seconds since 1970.
        """
        if not until.isdecimal() or int(until) < time.time():
            return False
        return hmac.compare_digest(self._key(path, int(until)), key)

    def _key(self, path: str, until: int) -> str:
        return hmac.new(
            self._secret, f"{self._session}/{until}/{path}".encode(), hashlib.sha256
        ).hexdigest()
