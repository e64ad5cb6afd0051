"""Settings of the console, given when it starts."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, field
from pathlib import Path

from dashboards.texts import Lang
from domain.access.decisions import MAKE_A_LIST
from domain.access.people_file import PeopleFile
from domain.data_dir import DataDir
from domain.errors import Stop
from domain.site.site import Site

MAX_UPLOAD_BYTES = 10 * 1024 * 1024  # a phone's photograph; larger ones are not needed to compare
STALE_AFTER_S = 3.0  # the watch process writes about five pictures a second
MAX_TABLE_ROWS = 500  # closed offences kept in the table; older ones are found by search


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files in PEM: the certificate, with those that it stands on after it, and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """Settings of one console; raises Stop if its address is open to others without logins."""

    data: DataDir
    site: Site | None = None  # None: cameras are shown by their ids, without zones
    address: str = "127.0.0.1"
    port: int = 5006  # 0: any free one
    triton: str | None = None  # HOST:PORT of gRPC; None: search by upload is off
    keys: Path | None = None  # folder of the private key; None: the data folder's own
    lang: Lang | None = None  # None: what the browser prefers
    tls: TlsFiles | None = None  # None: plain HTTP
    also_known_as: tuple[str, ...] = field(default=())  # HOST:PORT behind a proxy

    def __post_init__(self) -> None:
        if ":" in self.address:  # Bokeh's check of websocket origins knows no IPv6 names
            raise Stop(f"the console listens on IPv4 addresses and names, got {self.address}")
        if not is_loopback(self.address):
            self._check_has_logins()

    def _check_has_logins(self) -> None:
        people = PeopleFile(self.data.people).people()
        if people is None:
            raise Stop(
                f"to listen on {self.address} the console needs a list of people who may log in, and "
                f"there is no {self.data.people}; make one: {MAKE_A_LIST} (or listen on 127.0.0.1, "
                "and reach it through an SSH tunnel)"
            )
        if not any(person.password for person in people.people):
            raise Stop(
                f"to listen on {self.address} somebody has to be able to log in, and nobody in "
                f"{self.data.people} has a password; give one: forewarn people password ID"
            )

    def hosts(self, port: int) -> frozenset[str]:
        """List the HOST:PORT names under which browsers may reach the console.

        A page of another site must not read this one by making its own name point here
        (DNS rebinding), so a name that is not in the list is refused.
        """
        names = {"localhost", "127.0.0.1", self.address}
        if not is_loopback(self.address):
            names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
        known = {f"{name}:{port}" for name in names} | {each.lower() for each in self.also_known_as}
        # browsers leave these two ports out
        bare = {each.rpartition(":")[0] for each in known if each.endswith((":80", ":443"))}
        return frozenset(known | bare)


def is_loopback(address: str) -> bool:
    """Tell whether only this machine can reach the address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
