"""Find the track of an ONVIF device's description on which we may send sound to its loudspeaker.

Source: ONVIF Streaming Specification, section 5.3, back channel connection (a=sendonly is meant from
the client's side).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from domain.errors import PutAside

REQUIRE = "www.onvif.org/ver20/backchannel"
# static payload types of RFC 3551
_STATIC = {"0": "PCMU/8000", "8": "PCMA/8000"}


@dataclass(frozen=True, slots=True)
class BackChannel:
    """A track that takes sound."""

    url: str
    whole_url: str  # of the stream that it is a part of
    payload_type: int
    codec: str  # PCMU or PCMA


def find_back_channel(description: str, base_url: str) -> BackChannel:
    """Find the first track for sending sound in G.711; `base_url` is what addresses are relative to.

    Raises:
        PutAside: the SDP has none; the message says what there is.
    """
    offered = []
    head, *tracks = re.split(r"^m=", description, flags=re.MULTILINE)
    whole_url = _join(base_url, _control(_lines(head)))
    for lines in map(_lines, tracks):
        words = lines[0].split()  # audio, port, protocol, payload types
        if words[:1] != ["audio"] or "a=sendonly" not in lines:
            continue
        names = _STATIC | dict(_mapped(line) for line in lines if line.startswith("a=rtpmap:"))
        for payload_type in filter(str.isdecimal, words[3:]):
            codec = names.get(payload_type, "?").upper()
            offered.append(codec)
            is_usable = codec.split("/")[:2] in (["PCMU", "8000"], ["PCMA", "8000"])
            if is_usable and int(payload_type) < 128:
                url = _join(whole_url, _control(lines))
                return BackChannel(url, whole_url, int(payload_type), codec.split("/")[0])
    came = ", ".join(offered) or "no audio track with a=sendonly"
    raise PutAside(f"needs a back channel in PCMU or PCMA of 8000 Hz, is offered {came}")


def _mapped(line: str) -> tuple[str, str]:
    number, _, name = line.removeprefix("a=rtpmap:").partition(" ")
    return number, name.strip()


def _lines(part: str) -> list[str]:
    return [line.strip() for line in part.splitlines()] or [""]


def _control(lines: list[str]) -> str:
    """Return the control address of a part (RFC 2326, C.1.1); '*' is the address itself."""
    controls = [line for line in lines if line.startswith("a=control:")]
    return controls[0].removeprefix("a=control:").strip() if controls else "*"


def _join(base_url: str, control: str) -> str:
    if control in ("*", ""):
        return base_url
    if not control.isprintable() or " " in control:
        raise PutAside(f"needs a track with an address, got {control[:60]!r}")
    if "://" in control:
        return control
    if control.startswith("/"):
        parts = urlsplit(base_url)
        return f"{parts.scheme}://{parts.netloc}{control}"
    # devices mean "behind the address", whether or not it ends in a slash
    return f"{base_url.rstrip('/')}/{control}"
