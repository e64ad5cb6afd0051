"""Ask an authority for a time stamp (RFC 3161), keep it, check it.

A line of the custody chain is stamped: the entry that logs a record's sealing. It holds the hash of the
record's manifest and, as a link, of everything that the chain logged before.
"""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    InvalidVersion,
    load_pem_x509_certificate,
    load_pem_x509_certificates,
)

from domain.errors import PutAside, Stop, TryAgain
from domain.files import write_atomically
from domain.site.time_stamping import TimeStamping
from evidence_store.custody.time_stamp_der import with_sorted_certificates
from evidence_store.files.plain_file import read_plain
from evidence_store.files.try_again import reraise_as_try_again

AUTHORITY_FOLDER = "time-stamping"
LARGEST_ANSWER_BYTES = 1 << 20
_SHA256 = "2.16.840.1.101.3.4.2.1"
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_OPENSSL_SAYS = re.compile(r"Verify error: ?([^\"]+)")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an authority vouches for."""

    at: datetime  # UTC
    by: str  # the authority's name, as its certificate has it
    serial: str  # of the stamp, in hex


@dataclass(frozen=True, eq=False)
class TimeStampAuthority:
    """One authority, asked over HTTP."""

    settings: TimeStamping
    certificates: Sequence[Certificate]  # of its issuer, up to the root

    def stamp(self, line: bytes) -> tuple[Stamp, bytes]:
        """Get a time stamp of a line, checked, and its bytes (DER of the whole response).

        Raises:
            TryAgain: the authority is away, or what it sent is not good; the reason is named.
        """
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

        request = TimestampRequestBuilder(line, HashAlgorithm.SHA256).build()
        answer = self._post(request.as_bytes())
        digest = hashlib.sha256(line).digest()
        try:
            stamp = check_stamp(answer, digest, self.certificates, nonce=request.nonce)
            return stamp, with_sorted_certificates(answer)
        except PutAside as error:
            raise TryAgain(f"{self.settings.url}: its time stamp {error}") from error

    def _post(self, query: bytes) -> bytes:
        url, timeout_s = self.settings.url, self.settings.timeout_s
        request = urllib.request.Request(url, query, {"Content-Type": _QUERY, "Accept": _REPLY})
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                content: bytes = answer.read(LARGEST_ANSWER_BYTES + 1)
        except (OSError, ValueError, urllib.error.HTTPError) as error:
            raise TryAgain(
                f"{url}: the time-stamping authority gave no answer: {error}; is the address right "
                "and the network up?"
            ) from error
        # http.client's own errors: a server that does not speak HTTP
        except Exception as error:
            raise TryAgain(f"{url}: answered, but not in HTTP: {error!r}") from error
        if len(content) > LARGEST_ANSWER_BYTES:
            raise TryAgain(f"{url}: sent more than {LARGEST_ANSWER_BYTES} bytes: no time stamp")
        return content


def check_stamp(
    response: bytes, digest: bytes, certificates: Sequence[Certificate], nonce: int | None = None
) -> Stamp:
    """Check that a response (DER) stamps a line of this SHA-256, and that an authority we trust made it.

    Trusted are roots, and what is between them and the authority. Certificates have to be valid at the
    time of the stamp, not today. `nonce` is what was asked with; None where nobody knows any more.

    Raises:
        PutAside: it does not hold; the message goes on after "the time stamp".
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        stamped = decode_timestamp_response(with_sorted_certificates(response))
        if stamped.status != 0:
            reason = "; ".join(stamped.status_string) or "no reason given"
            raise PutAside(f"was refused (status {stamped.status}): {reason}")
        info = stamped.tst_info
        if info.message_imprint.hash_algorithm.dotted_string != _SHA256:
            raise PutAside("is of another kind of hash than SHA-256")
    except ValueError as error:
        raise PutAside(f"cannot be read: {error}") from error
    if not certificates:
        raise PutAside("cannot be checked: no certificate of its authority is known here")
    builder = VerifierBuilder(nonce=nonce)
    # one given twice would be refused
    for certificate in dict.fromkeys(certificates):
        builder = builder.add_root_certificate(certificate)
    try:
        builder.build().verify(stamped, digest)
    except VerificationError as error:
        raise PutAside(_in_words(str(error), info.gen_time)) from error
    # damaged certificates inside break in many ways
    except Exception as error:
        raise PutAside(f"cannot be checked: {error}") from error
    signers = [signer.issuer.rfc4514_string() for signer in stamped.signed_data.signer_infos]
    name = getattr(info.name, "value", None)
    by = name.rfc4514_string() if name is not None else f"issued by {', '.join(signers)}"
    return Stamp(info.gen_time.astimezone(UTC), by, f"{info.serial_number:x}")


def read_certificates(path: Path) -> list[Certificate]:
    """Read the certificates of a PEM file; raises Stop where it cannot be read, or holds none."""
    try:
        return load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise Stop(
            f"{path}: needs the certificates (PEM) of the time-stamping authority's issuer: "
            f"{error.strerror}; the site file names it in time_stamping.ca_file"
        ) from error
    except (ValueError, UnsupportedAlgorithm, InvalidVersion) as error:
        raise Stop(f"{path}: needs certificates in PEM: {error}") from error


def publish_authority(keys: Path, certificates: Sequence[Certificate]) -> None:
    """Keep an authority's certificates with the public keys, to check its stamps by; raises TryAgain."""
    folder = keys / AUTHORITY_FOLDER
    for certificate in certificates:
        path = folder / f"{certificate.fingerprint(SHA256()).hex()}.pem"
        if not path.exists():
            with reraise_as_try_again(str(path), advice=""):
                write_atomically(path, certificate.public_bytes(Encoding.PEM), mode=0o644)


def sound_authorities(keys: Path) -> tuple[list[Certificate], list[str]]:
    """Read the certificates kept with the public keys; name each file that is not what it says."""
    certificates, faults = [], []
    for path in sorted((keys / AUTHORITY_FOLDER).glob("*.pem")):
        try:
            content = read_plain(path)
            certificate = load_pem_x509_certificate(content)
            is_named = certificate.fingerprint(SHA256()).hex() == path.stem
            if is_named and certificate.public_bytes(Encoding.PEM) == content:
                certificates.append(certificate)
            else:
                faults.append(f"{path}: is not the certificate that its name says")
        except (OSError, ValueError, UnsupportedAlgorithm, InvalidVersion) as error:
            faults.append(f"{path}: is no certificate: {error}")
    return certificates, faults


def _in_words(message: str, at: datetime) -> str:
    openssl = _OPENSSL_SAYS.search(message)
    reason = openssl.group(1).strip() if openssl else message
    when = at.astimezone(UTC).isoformat()
    if "expired" in reason or "not yet valid" in reason:
        return f"was made at {when} with a certificate that was not valid then: {reason}"
    if "certificate" in reason or "issuer" in reason:
        return f"is by an authority that is not trusted here: {reason}"
    if message == "Mismatch between messages":
        return "is of something else, not of this entry"
    return f"does not hold: {reason}"
