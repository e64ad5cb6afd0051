"""Carry pages to browsers: by TLS with a certificate that the site brings, and scripts compressed."""

from __future__ import annotations

import ssl

from tornado.web import GZipContentEncoding

from dashboards.settings import TlsFiles
from domain.errors import Stop


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Make what a server speaks TLS 1.2 and newer with; Stop: a file cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2

    def no_password() -> str:
        raise Stop(
            f"the key {files.key} has a password, which nobody could type at a restart; store it without "
            "one, readable by this account alone"
        )

    try:
        for path in (files.certificate, files.key):
            if not path.is_file():
                raise Stop(
                    f"TLS needs a certificate and its key in PEM, and there is no file {path}"
                )
        context.load_cert_chain(files.certificate, files.key, no_password)
    except (ssl.SSLError, OSError) as error:
        why = getattr(error, "reason", "") or error
        raise Stop(
            f"TLS cannot use {files.certificate} with the key {files.key} ({why}): both are to be PEM, "
            "and the key the certificate's own"
        ) from error
    return context


class ScriptsCompressed(GZipContentEncoding):
    """Compresses scripts and styles, most of a first visit's bytes, and nothing that is anybody's secret.

    A page's size would tell what it shares with what somebody had it repeat (CVE-2013-3587).
    """

    def _compressible_type(self, ctype: str) -> bool:
        return ctype in ("text/javascript", "application/javascript", "text/css")
