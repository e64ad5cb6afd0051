"""A console's pages go by TLS with the site's own certificate, and scripts go compressed."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from dashboards.access.transport import ScriptsCompressed, tls_context
from dashboards.settings import TlsFiles
from domain.errors import Stop
from forewarn.commands.console import tls_files


def make_files(folder: Path, encryption: KeySerializationEncryption | None = None) -> TlsFiles:
    """Write a certificate for 127.0.0.1 that vouches for itself, and its key."""
    folder.mkdir()
    files = TlsFiles(folder / "console.pem", folder / "console.key")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "console")])
    address = x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([address]), critical=False)
    files.certificate.write_bytes(made.sign(key, SHA256()).public_bytes(Encoding.PEM))
    secret = encryption or NoEncryption()
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    return files


class _Said(RequestHandler):
    def initialize(self, kind: str) -> None:
        self.kind = kind

    def get(self) -> None:
        self.set_header("Content-Type", self.kind)
        self.write(b"let forewarn;" * 1000)


def test_pages_go_by_tls_and_scripts_alone_are_compressed(tmp_path: Path) -> None:
    files = make_files(tmp_path / "tls")

    async def visit() -> dict[str, str | None]:
        kinds = {"/script": "text/javascript", "/page": "text/html", "/clip": "video/mp4"}
        application = Application([(path, _Said, {"kind": kind}) for path, kind in kinds.items()])
        application.add_transform(ScriptsCompressed)
        server = HTTPServer(application, ssl_options=tls_context(files))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        address = f"https://127.0.0.1:{sockets[0].getsockname()[1]}"
        trusts = ssl.create_default_context(cafile=files.certificate)
        got = {}
        for path in kinds:
            answer = await AsyncHTTPClient(force_instance=True).fetch(
                address + path, ssl_options=trusts, decompress_response=True
            )
            assert answer.body == b"let forewarn;" * 1000
            got[path] = answer.headers.get("X-Consumed-Content-Encoding")
        server.stop()
        return got

    assert asyncio.run(visit()) == {"/script": "gzip", "/page": None, "/clip": None}


def test_a_certificate_that_is_renewed_by_turning_a_link_is_the_new_one_at_a_restart(
    tmp_path: Path,
) -> None:
    files = make_files(tmp_path / "first")
    live = tmp_path / "live.pem"
    live.symlink_to(files.certificate)
    assert tls_files(live, files.key) == TlsFiles(live, files.key)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    one, other = make_files(tmp_path / "one"), make_files(tmp_path / "other")
    with pytest.raises(Stop, match=r"no file .*nowhere"):
        tls_context(TlsFiles(tmp_path / "nowhere", one.key))
    with pytest.raises(Stop, match="cannot use"):  # nor can it be asked for
        tls_context(TlsFiles(one.certificate, tmp_path / ("x" * 300)))
    with pytest.raises(Stop, match=r"cannot use .*one.* \(KEY_VALUES_MISMATCH\)"):
        tls_context(TlsFiles(one.certificate, other.key))
    with pytest.raises(Stop, match="cannot use"):
        tls_context(TlsFiles(one.key, one.certificate))
    secret = make_files(tmp_path / "secret", BestAvailableEncryption(b"hunter2"))
    with pytest.raises(Stop, match="has a password"):
        tls_context(secret)
