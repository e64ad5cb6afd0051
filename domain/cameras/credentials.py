"""User and password of a camera: told to the camera alone, and to nobody who prints them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn
from urllib.parse import quote

from domain.errors import Stop
from domain.site.addresses import PASSWORD_PLACE, USER_PLACE, wants_credentials
from domain.site.cameras import Camera

HIDDEN = "•••"


class Credentials:
    """A user and a password; no text made of them shows either."""

    __slots__ = ("_password", "_user")

    def __init__(self, user: str, password: str) -> None:
        self._user, self._password = user, password

    def __repr__(self) -> str:
        return f"Credentials({HIDDEN})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not written to files")

    def address(self, url: str) -> str:
        """Return the address to open: with the credentials in it, which nobody may print.

        They stand where the address has places for them, else in front of the host.
        """
        if wants_credentials(url):
            return self.filled(url)
        user, password = quote(self._user, safe=""), quote(self._password, safe="")
        scheme, _, rest = url.partition("://")
        return f"{scheme}://{user}:{password}@{rest}"

    def filled(self, url: str) -> str:
        """Return an address with its places for user and password filled in, which nobody may print."""
        user, password = quote(self._user, safe=""), quote(self._password, safe="")
        return url.replace(USER_PLACE, user).replace(PASSWORD_PLACE, password)

    def pair(self) -> tuple[str, str]:
        """Return user and password, for an answer to a device that asks for them."""
        return self._user, self._password


def credentials_of(camera: Camera, secrets: Mapping[str, str]) -> Credentials | None:
    """Look up a camera's credentials; None: it needs none.

    Raises:
        Stop: the password is not set.
    """
    if camera.user is None or camera.password_env is None:
        return None
    password = secrets.get(camera.password_env)
    if password is None:
        raise Stop(
            f"camera {camera.id!r}: {camera.password_env} is not set; it should hold the password of "
            f"user {camera.user!r}, see docs/how-to/add-a-camera.md"
        )
    return Credentials(camera.user, password)
