"""Sort the certificates of a time stamp into the order that DER asks for.

Authorities that run `openssl ts` send more than one certificate in the order of their configuration.
The set is not covered by the signature, and strict readers refuse it as it comes.
"""

from __future__ import annotations

from domain.errors import PutAside

_SEQUENCE, _CERTIFICATES = 0x30, 0xA0


def with_sorted_certificates(response: bytes) -> bytes:
    """Sort the certificates of an RFC 3161 response, and nothing else; raises PutAside where it is none."""
    try:
        inside, after = _element(response, 0, _SEQUENCE)
        if _element(response, inside)[1] == after:
            return response  # a refusal: only a status
        begin, end = _signed_data(response)
        place = begin
        while place < end and response[place] != _CERTIFICATES:
            place = _element(response, place)[1]
        if place >= end:
            return response  # none were sent
        inside, after = _element(response, place)
        certificates = []
        while inside < after:
            following = _element(response, inside)[1]
            certificates.append(response[inside:following])
            inside = following
    except IndexError as error:
        raise PutAside("is no time stamp: it ends too early") from error
    whole = b"".join(sorted(certificates))
    return response[: after - len(whole)] + whole + response[after:]


def _signed_data(response: bytes) -> tuple[int, int]:
    """Return where the content of the token's SignedData begins and ends."""
    begin, _ = _element(response, 0, _SEQUENCE)
    # past the status, then past the content's type
    begin, _ = _element(response, _element(response, begin)[1], _SEQUENCE)
    begin, _ = _element(response, _element(response, begin)[1], 0xA0)
    return _element(response, begin, _SEQUENCE)


def _element(content: bytes, at: int, tag: int | None = None) -> tuple[int, int]:
    """Return begin and end of the content of the element at `at`; raises PutAside and IndexError."""
    if tag is not None and content[at] != tag:
        raise PutAside("is no time stamp: it is built otherwise")
    length, begin = content[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length, begin = int.from_bytes(content[begin : begin + octets], "big"), begin + octets
    if begin + length > len(content):
        raise PutAside("is no time stamp: it ends too early")
    return begin, begin + length
