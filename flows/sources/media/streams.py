"""Open a camera's stream: with its password, and with no redirect that the site file does not allow."""

from __future__ import annotations

import errno

import av
from av.container import InputContainer

from domain.cameras.credentials import Credentials
from domain.site.cameras import Camera
from evidence_store.media.faults import unnamed_address
from evidence_store.media.input_options import input_options
from flows.sources.media.redirects import find_redirect, is_own_host

# FFmpeg looks at twenty pictures to guess the rate before a stream is open: 2 s at 10 fps, in which
# the camera is blind. Three are enough for a rate; at none, MPEG-TS has no rate at all
QUICK_TO_OPEN = {"fpsprobesize": "3"}


def open_stream(
    camera: Camera, credentials: Credentials | None, open_s: float, silence_s: float
) -> InputContainer:
    """Open a live camera's stream, there where its host sends on to.

    Args:
        camera: whose stream it is.
        credentials: that its host, and no other, may hear.
        open_s: how long it may take.
        silence_s: how long a silence may last, at opening or from then on.
    Raises:
        RedirectRefused: it sends on to where it may not.
        av.FFmpegError: anything else; without the address, which may hold the password.
    """
    try:
        return _open(camera.url, credentials, open_s, silence_s)
    except av.FFmpegError as error:
        if not _may_be_redirect(error):
            raise
        found = find_redirect(camera, credentials, open_s)
        if found is None:
            raise
    return _open(found, credentials if is_own_host(camera, found) else None, open_s, silence_s)


def _may_be_redirect(error: av.FFmpegError) -> bool:
    """Tell whether an error is one of the two in which FFmpeg's refusal to follow ends."""
    return isinstance(error, av.error.ArgumentError) or error.errno == errno.EIO


def _open(
    url: str, credentials: Credentials | None, open_s: float, silence_s: float
) -> InputContainer:
    with unnamed_address():
        return av.open(
            credentials.address(url) if credentials else url,
            # of each wait for the network, connecting and closing included; by it RTSP and HTTP alike
            # end a silence (rw_timeout does nothing for RTSP)
            options=input_options(url) | {"timeout": str(round(1e6 * silence_s))} | QUICK_TO_OPEN,
            timeout=(open_s, silence_s),
            metadata_errors="replace",
        )
