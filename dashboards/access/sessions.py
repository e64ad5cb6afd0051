"""Sessions of people who logged in; kept in this process, so that ending one really ends it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from domain.access.decisions import Asker

LASTS_S = 12 * 3600.0  # a shift
MOST_SESSIONS = 1000


@dataclass(frozen=True, slots=True)
class Session:
    """One login of one person."""

    # known to pages and their scripts; opens nothing, unlike the secret in the cookie
    handle: str
    asker: Asker
    until_s: float  # of the store's clock


class Sessions:
    """Sessions by the secret in the browser's cookie, and by handle."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_secret: dict[str, Session] = {}
        self._by_handle: dict[str, Session] = {}

    def begin(self, asker: Asker) -> tuple[str, Session]:
        """Begin a session; return the cookie's secret and the session."""
        self._forget_old()
        secret, handle = secrets.token_urlsafe(32), secrets.token_urlsafe(16)
        session = Session(handle, asker, self._clock() + LASTS_S)
        self._by_secret[secret], self._by_handle[handle] = session, session
        return secret, session

    def of_secret(self, secret: str) -> Session | None:
        """Find the session that a cookie belongs to; None: there is none (any more)."""
        return self._if_fresh(self._by_secret.get(secret))

    def of_handle(self, handle: str) -> Session | None:
        """Find the session that a page belongs to; None: it has ended."""
        return self._if_fresh(self._by_handle.get(handle))

    def end(self, secret: str) -> None:
        """End the session of a cookie, if there is one."""
        session = self._by_secret.pop(secret, None)
        if session is not None:
            self._by_handle.pop(session.handle, None)

    def _if_fresh(self, session: Session | None) -> Session | None:
        return session if session and session.until_s > self._clock() else None

    def _forget_old(self) -> None:
        ended = [key for key, session in self._by_secret.items() if not self._if_fresh(session)]
        kept = [secret for secret in self._by_secret if secret not in ended]
        # a new session needs a place: the oldest make room
        for secret in ended + kept[: max(0, len(kept) - MOST_SESSIONS + 1)]:
            self.end(secret)
