"""`forewarn keys certificate`: make or import the certificate of content credentials (C2PA)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from domain.access.permissions import Permission
from domain.errors import PutAside, Stop
from evidence_store.custody.signing_key import need_signer
from forewarn.terminal.identity import ByOption, authorize
from forewarn.terminal.options import (
    DEFAULT_DATA,
    DataOption,
    JsonOption,
    KeysOption,
    data_dir,
    keys_dir,
    print_json,
)

CERTIFICATE_HELP = """The certificate that content credentials in exports carry; prints it with its issuers.

The site's own, self-issued one is made where there is none. Viewers then show a credential that is
whole, by somebody they do not know. An authority whose word counts for viewers can certify the
site's key instead: send it what --request prints, and give what comes back to --import.

Example: forewarn keys certificate --site campus

Example: forewarn keys certificate --site campus --request > campus.csr
"""


def certificate(
    site: Annotated[
        str, typer.Option("--site", metavar="ID", help="What the certificate calls the site.")
    ] = "",
    request: Annotated[
        bool, typer.Option("--request", help="Print a signing request (PEM) for an authority.")
    ] = False,
    import_file: Annotated[
        Path | None,
        typer.Option(
            "--import", metavar="FILE", help="Use these certificates (PEM), the site's own first."
        ),
    ] = None,
    by: ByOption = "",
    keys: KeysOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Print the credential certificate; make or import one where asked."""
    from evidence_store.export.credential_certificate import (
        certificate_chain,
        import_chain,
        signing_request,
    )

    folder = data_dir(data)
    if request or import_file:
        authorize(Permission.KEYS, folder, keys_dir(keys), by)
    signer = need_signer(folder, keys_dir(keys))
    if request:
        if not site:
            raise Stop("a signing request needs a name: --site ID")
        print(signing_request(signer, site).decode(), end="")
        return
    if import_file:
        try:
            content = import_file.read_bytes()
        except OSError as error:
            raise PutAside(f"{import_file}: cannot be read: {error.strerror}") from error
        import_chain(folder.keys, signer, content, str(import_file))
    pem = certificate_chain(folder.keys, signer, site or "forewarn").decode()
    if as_json:
        print_json({"key_id": signer.key_id, "certificates": pem})
    else:
        print(pem, end="")
