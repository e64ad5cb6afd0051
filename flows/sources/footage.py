"""Open a camera's footage with PyAV; say in plain words why it cannot be used."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.errors import PutAside, TryAgain
from domain.site import Camera

# 8K is 33 megapixels; a picture beyond that is a damaged header or an attack on memory
MAX_PIXELS = 40_000_000
OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 5.0


def footage_path(camera: Camera, base: Path) -> Path:
    """Where a file camera's footage lies; relative paths start at the site file's folder."""
    return (base / camera.url.removeprefix("file://")).resolve()


def open_footage(camera: Camera, base: Path) -> tuple[InputContainer, VideoStream]:
    """Open a file or a stream for demuxing.

    Raises:
        PutAside: a file that is missing or is no video; trying again would not help.
        TryAgain: a stream that does not answer or gives no video now.
    """
    unusable = TryAgain if camera.is_live else PutAside
    where = camera.url if camera.is_live else str(footage_path(camera, base))
    if not camera.is_live:
        _check_file(camera, footage_path(camera, base))
    try:
        container = av.open(
            where,
            # TCP: a lost UDP packet would smear half a picture over the evidence
            options={"rtsp_transport": "tcp"} if camera.url.startswith("rtsp") else {},
            timeout=(OPEN_TIMEOUT_S, READ_TIMEOUT_S) if camera.is_live else None,
            metadata_errors="replace",
        )
    except (OSError, ValueError) as error:  # av.FFmpegError is an OSError or a ValueError
        raise unusable(
            f"{camera.id}: {where}: needs a video that can be read, got {_words(error)}; "
            + ("is the address right and the camera on?" if camera.is_live else "play it by hand?")
        ) from error
    try:
        return container, _pick_video(camera, where, container, unusable)
    except Exception:
        container.close()
        raise


def _check_file(camera: Camera, path: Path) -> None:
    if not path.is_file():
        came = "a folder" if path.is_dir() else "nothing"
        raise PutAside(
            f"{camera.id}: {path}: needs a video file, found {came}; paths start at the site file"
        )
    if path.stat().st_size == 0:
        raise PutAside(
            f"{camera.id}: {path}: needs a video file, got one of 0 bytes; copy it again?"
        )


def _pick_video(
    camera: Camera,
    where: str,
    container: InputContainer,
    unusable: type[TryAgain] | type[PutAside],
) -> VideoStream:
    if not container.streams.video:
        kinds = ", ".join(sorted({str(each.type) for each in container.streams})) or "nothing"
        raise unusable(f"{camera.id}: {where}: needs a video stream, got only {kinds}")
    stream = container.streams.video[0]
    # one thread a camera: many cameras share the cores, and frame threads only add delay
    stream.thread_type = "NONE"
    return stream


def check_size(camera_id: str, width_px: int, height_px: int) -> None:
    """Refuse pictures that are empty or too large to hold.

    Raises:
        PutAside: it is.
    """
    if width_px * height_px > MAX_PIXELS:
        raise PutAside(
            f"{camera_id}: needs pictures of at most {MAX_PIXELS // 1_000_000} megapixels, got "
            f"{width_px} x {height_px}; point the camera's URL at a smaller sub-stream"
        )


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]
