"""Time stamps by others (RFC 3161): ask an authority for one, keep it, check it.

What is stamped is a line of the custody chain: the entry that tells of a record's sealing. It holds the
hash of the record's manifest and, as a link, of everything that the chain told before.
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
from domain.time_stamping import TimeStamping
from evidence_store.time_stamp_der import with_sorted_certificates
from evidence_store.whole_files import put_private

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


class TimeStampAuthority:
    """One authority, asked over HTTP."""

    def __init__(self, settings: TimeStamping, certificates: Sequence[Certificate]) -> None:
        """Args:
        certificates: of its issuer, up to the root.
        """
        self.settings = settings
        self.certificates = certificates

    def stamp(self, line: bytes) -> tuple[Stamp, bytes]:
        """A time stamp of a line, checked, and its bytes (DER of the whole response).

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
        except Exception as error:  # http.client's own: a server that speaks something else
            raise TryAgain(f"{url}: answered, but not in HTTP: {error!r}") from error
        if len(content) > LARGEST_ANSWER_BYTES:
            raise TryAgain(f"{url}: sent more than {LARGEST_ANSWER_BYTES} bytes: no time stamp")
        return content


def check_stamp(
    response: bytes, digest: bytes, certificates: Sequence[Certificate], nonce: int | None = None
) -> Stamp:
    """Check that a response stamps a line of this SHA-256, and that an authority we trust made it.

    Certificates have to be valid at the time of the stamp, not today.

    Args:
        response: DER of the authority's answer.
        digest: SHA-256 of what should be stamped.
        certificates: whom to trust: roots and what is between them and the authority.
        nonce: what was asked with; None where nobody knows any more.
    Raises:
        PutAside: it does not hold; the message goes on after "the time stamp".
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        told = decode_timestamp_response(with_sorted_certificates(response))
        if told.status != 0:
            said = "; ".join(told.status_string) or "no reason given"
            raise PutAside(f"was refused (status {told.status}): {said}")
        info = told.tst_info
        if info.message_imprint.hash_algorithm.dotted_string != _SHA256:
            raise PutAside("is of another kind of hash than SHA-256")
    except ValueError as error:
        raise PutAside(f"cannot be read: {error}") from error
    if not certificates:
        raise PutAside("cannot be checked: no certificate of its authority is known here")
    builder = VerifierBuilder(nonce=nonce)
    for each in dict.fromkeys(certificates):  # twice would be refused
        builder = builder.add_root_certificate(each)
    try:
        builder.build().verify(told, digest)
    except VerificationError as error:
        raise PutAside(_in_words(str(error), info.gen_time)) from error
    except Exception as error:  # certificates inside that are damaged break in many ways
        raise PutAside(f"cannot be checked: {error}") from error
    signers = [each.issuer.rfc4514_string() for each in told.signed_data.signer_infos]
    name = getattr(info.name, "value", None)
    by = name.rfc4514_string() if name is not None else f"issued by {', '.join(signers)}"
    return Stamp(info.gen_time.astimezone(UTC), by, f"{info.serial_number:x}")


def read_certificates(path: Path) -> list[Certificate]:
    """The certificates of a PEM file.

    Raises:
        Stop: it cannot be read, or holds none.
    """
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
    """Keep an authority's certificates with the public keys, so that its stamps can be checked here.

    Raises:
        TryAgain: the folder cannot be written.
    """
    folder = keys / AUTHORITY_FOLDER
    for each in certificates:
        path = folder / f"{each.fingerprint(SHA256()).hex()}.pem"
        if not path.exists():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                put_private(path, each.public_bytes(Encoding.PEM), mode=0o644)
            except OSError as error:
                raise TryAgain(f"{path}: cannot be written: {error.strerror}") from error


def sound_authorities(keys: Path) -> tuple[list[Certificate], list[str]]:
    """The certificates kept with the public keys, and a line for each file that is not what it says."""
    found, faults = [], []
    for path in sorted((keys / AUTHORITY_FOLDER).glob("*.pem")):
        try:
            content = path.read_bytes()
            certificate = load_pem_x509_certificate(content)
            is_named = certificate.fingerprint(SHA256()).hex() == path.stem
            if not is_named or certificate.public_bytes(Encoding.PEM) != content:
                faults.append(f"{path}: is not the certificate that its name says")
                continue
        except (OSError, ValueError, UnsupportedAlgorithm, InvalidVersion) as error:
            faults.append(f"{path}: is no certificate: {error}")
            continue
        found.append(certificate)
    return found, faults


def _in_words(said: str, at: datetime) -> str:
    openssl = _OPENSSL_SAYS.search(said)
    reason = openssl.group(1).strip() if openssl else said
    when = at.astimezone(UTC).isoformat()
    if "expired" in reason or "not yet valid" in reason:
        return f"was made at {when} with a certificate that was not valid then: {reason}"
    if "certificate" in reason or "issuer" in reason:
        return f"is by an authority that is not trusted here: {reason}"
    if said == "Mismatch between messages":
        return "is of something else, not of this entry"
    return f"does not hold: {reason}"
