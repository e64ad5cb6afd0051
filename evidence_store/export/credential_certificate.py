"""Make or import the certificate of content credentials (C2PA): the site's name and its public key.

Its issuer is made for this one certificate and forgotten: nobody can certify anything else with it.
Viewers show such a credential as whole, but by somebody they do not know. A site that has its key
certified by others imports their certificates instead.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from domain.data_dir import DataDir
from domain.errors import Stop
from domain.files import write_atomically
from evidence_store.export.content_credentials import CredentialWriter
from evidence_store.files.try_again import reraise_as_try_again
from evidence_store.keys.signing_keys import Signer, key_id_of

FOLDER = "content-credentials"
VALID_FOR = timedelta(days=5 * 365)
RENEW_BEFORE = timedelta(days=30)
_CLOCKS_DIFFER_BY = timedelta(hours=1)


def credentials_of(data: DataDir, signer: Signer | None, site_id: str) -> CredentialWriter | None:
    """Return what writes content credentials for a data folder; None where nothing is signed.

    The certificate calls the site by `site_id`.

    Raises:
        Stop: what lies there is no chain for this key.
        TryAgain: the folder cannot be written.
    """
    if signer is None:
        return None
    return CredentialWriter(signer, certificate_chain(data.keys, signer, site_id))


def certificate_chain(keys: Path, signer: Signer, site_id: str) -> bytes:
    """Read the chain for a site's key, PEM, the key's own certificate first; make it where there is none.

    It is kept with the data folder's keys.

    Raises:
        Stop: what lies there is no chain for this key.
        TryAgain: the folder cannot be written.
    """
    path = keys / FOLDER / f"{signer.key_id}.pem"
    if path.exists():
        content = path.read_bytes()
        leaf = _checked(content, signer, str(path))[0]
        if leaf.not_valid_after_utc - datetime.now(UTC) > RENEW_BEFORE:
            return content
        # given by others, who must renew it
        if not _is_own(leaf):
            return content
    return _keep(path, _make_chain(signer, site_id))


def import_chain(keys: Path, signer: Signer, content: bytes, name: str) -> x509.Certificate:
    """Keep certificates that others gave for the site's key; return the key's own.

    `content` is PEM, the key's own certificate first, then its issuers. Messages call it `name`.

    Raises:
        Stop: it is none, or for another key.
        TryAgain: the folder cannot be written.
    """
    leaf = _checked(content, signer, name)[0]
    _keep(keys / FOLDER / f"{signer.key_id}.pem", content)
    return leaf


def signing_request(signer: Signer, site_id: str) -> bytes:
    """Make what a certificate authority needs to certify the site's key, PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(site_id))
    return builder.sign(signer.private, None).public_bytes(Encoding.PEM)


def _checked(content: bytes, signer: Signer, name: str) -> list[x509.Certificate]:
    try:
        chain = x509.load_pem_x509_certificates(content)
        key = chain[0].public_key()
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise Stop(f"{name}: needs certificates in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey) or key_id_of(key) != signer.key_id:
        raise Stop(f"{name}: its first certificate should be for the site's key {signer.key_id}")
    return chain


def _keep(path: Path, content: bytes) -> bytes:
    with reraise_as_try_again(str(path), advice=""):
        write_atomically(path, content, mode=0o644)
    return content


def _make_chain(signer: Signer, site_id: str) -> bytes:
    issuer_key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    issuer_name, issuer_public = _name(f"{site_id} (self-issued)"), issuer_key.public_key()
    issuer = (
        _begin(issuer_name, issuer_name, now, is_issuer=True)
        .public_key(issuer_public)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(issuer_public), critical=False)
        .sign(issuer_key, SHA256())
    )
    public, for_mail = signer.private.public_key(), [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    leaf = (
        _begin(_name(site_id), issuer_name, now, is_issuer=False)
        .public_key(public)
        .add_extension(x509.ExtendedKeyUsage(for_mail), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False
        )
        .sign(issuer_key, SHA256())
    )
    return leaf.public_bytes(Encoding.PEM) + issuer.public_bytes(Encoding.PEM)


def _begin(
    subject: x509.Name, issuer: x509.Name, now: datetime, *, is_issuer: bool
) -> x509.CertificateBuilder:
    constraints = x509.BasicConstraints(ca=is_issuer, path_length=0 if is_issuer else None)
    usage = x509.KeyUsage(
        digital_signature=not is_issuer,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_issuer,
        crl_sign=is_issuer,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER_BY)
        .not_valid_after(now + VALID_FOR)
        .add_extension(constraints, critical=True)
        .add_extension(usage, critical=True)
    )


def _name(site_id: str) -> x509.Name:
    names = [(NameOID.ORGANIZATION_NAME, site_id), (NameOID.COMMON_NAME, site_id)]
    return x509.Name([x509.NameAttribute(kind, value[:64]) for kind, value in names])


def _is_own(leaf: x509.Certificate) -> bool:
    names = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return bool(names) and str(names[0].value).endswith("(self-issued)")
