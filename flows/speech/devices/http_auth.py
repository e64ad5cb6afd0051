"""Answer a network speaker's question for a password: Digest (RFC 7616) and Basic (RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable

from domain.errors import PutAside

_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: dict[str, Callable[[bytes], hashlib._Hash]] = {
    "MD5": hashlib.md5,
    "SHA-256": hashlib.sha256,
}


def authorise(
    challenges: list[str], method: str, target: str, user: str, password: str, count: int = 1
) -> str:
    """Return the Authorization header for the strongest of the challenges that can be answered.

    Args:
        challenges: the WWW-Authenticate headers of the answer 401.
        method: of the request, such as POST.
        target: path and query, or the whole address, as in the request's first line.
        user: as the speaker knows it.
        password: of the user.
        count: how often this challenge was answered, with this time.
    Raises:
        PutAside: none of them is Digest (MD5, SHA-256) or Basic.
    """
    digests = [
        _parameters(challenge) for challenge in challenges if challenge.lower().startswith("digest")
    ]
    known = [digest for digest in digests if _algorithm(digest) in _HASHES]
    if known:
        best = max(known, key=lambda digest: _algorithm(digest) == "SHA-256")
        return _digest(best, method, target, user, password, secrets.token_hex(8), count)
    if any(challenge.lower().startswith("basic") for challenge in challenges):
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
    raise PutAside(f"needs Digest or Basic authentication, was asked for {challenges or 'nothing'}")


def _parameters(challenge: str) -> dict[str, str]:
    parameters = _PARAMETER.findall(challenge.partition(" ")[2])
    return {name.lower(): quoted or plain for name, quoted, plain in parameters}


def _algorithm(parameters: dict[str, str]) -> str:
    return parameters.get("algorithm", "MD5").upper()


def _digest(
    asked: dict[str, str],
    method: str,
    target: str,
    user: str,
    password: str,
    cnonce: str,
    times: int,
) -> str:
    hash_of = _HASHES[_algorithm(asked)]

    def digest(*parts: str) -> str:
        return hash_of(":".join(parts).encode()).hexdigest()

    realm, nonce = asked.get("realm", ""), asked.get("nonce", "")
    secret, request = digest(user, realm, password), digest(method, target)
    fields = {"username": user, "realm": realm, "nonce": nonce, "uri": target}
    if "auth" in re.split(r"[\s,]+", asked.get("qop", "")):
        count = f"{times:08x}"
        answer = digest(secret, nonce, count, cnonce, "auth", request)
        plain = f", qop=auth, nc={count}"
        fields["cnonce"] = cnonce
    else:  # RFC 2069, which old speakers speak
        answer, plain = digest(secret, nonce, request), ""
    fields["response"] = answer
    if "opaque" in asked:
        fields["opaque"] = asked["opaque"]
    if "algorithm" in asked:
        plain += f", algorithm={asked['algorithm']}"
    return "Digest " + ", ".join(f'{name}="{value}"' for name, value in fields.items()) + plain
