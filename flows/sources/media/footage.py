"""Open a camera's footage with PyAV; say in plain words why it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.base import BothLanguages
from domain.cameras.credentials import Credentials
from domain.cameras.messages import trouble
from domain.errors import PutAside, TryAgain
from domain.site.cameras import Camera
from evidence_store.media.faults import MediaFault, NotTaken, media_faults
from evidence_store.media.input_options import input_options
from evidence_store.media.packets import decodable_video
from flows.sources.media.redirects import RedirectRefused
from flows.sources.media.streams import open_stream

# 8K is 33 megapixels; a picture beyond that is a damaged header or an attack on memory
MAX_PIXELS = 40_000_000
# FFmpeg looks at up to 5 s of a stream before it is taken as open; PyAV times connecting and this
# apart, each with open_s
PATIENT_TRY = 4


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a live camera is waited for; short, so that it is back soon after a fault."""

    silence_s: float = 5.0  # without a byte, at opening or in the midst
    open_s: float = 8.0  # however slowly the bytes drip
    longest_pause_s: float = 2.5  # between tries; half of it on average

    def at_try(self, number: int) -> Patience:
        """Return the patience of a try, counted from 1: one of four waits long, for slow cameras."""
        if number % PATIENT_TRY:
            return self
        return replace(self, silence_s=2 * self.silence_s, open_s=2 * self.open_s)


class FootageUnusable(PutAside):
    """A file that is missing or is no video; trying again would not help."""

    def __init__(self, message: BothLanguages) -> None:
        super().__init__(message.en)
        self.message = message


class StreamUnusable(TryAgain):
    """A stream that does not answer or gives no video now."""

    def __init__(self, message: BothLanguages) -> None:
        super().__init__(message.en)
        self.message = message


def footage_path(camera: Camera, base: Path) -> Path:
    """Return where a file camera's footage lies; relative paths start at the site file's folder."""
    return (base / camera.url.removeprefix("file://")).resolve()


def open_footage(
    camera: Camera,
    base: Path,
    patience: Patience | None = None,
    credentials: Credentials | None = None,
) -> tuple[InputContainer, VideoStream]:
    """Open a file or a stream for demuxing; reads of a stream end after `patience`, too.

    Args:
        camera: what to open.
        base: folder that relative paths start at.
        patience: with a stream, if not the usual one.
        credentials: of the stream, where it needs any.
    Raises:
        FootageUnusable: a file that is missing or is no video.
        StreamUnusable: a stream that does not answer or gives no video now.
    """
    unusable = StreamUnusable if camera.is_live else FootageUnusable
    patience = patience or Patience()
    where = camera.url if camera.is_live else str(footage_path(camera, base))
    if not camera.is_live:
        _check_file(camera, footage_path(camera, base))
    try:
        with media_faults(opens=not camera.url.startswith(("rtsp://", "rtsps://"))):
            container = (
                open_stream(camera, credentials, patience.open_s, patience.silence_s)
                if camera.is_live
                else av.open(where, options=input_options(), metadata_errors="replace")
            )
    except RedirectRefused as refused:
        raise StreamUnusable(refused.message) from None
    except NotTaken as error:
        raise unusable(trouble("not_taken", camera=camera.id, where=where)) from error
    except MediaFault as error:
        kind = "unreadable_stream" if camera.is_live else "unreadable_file"
        message = trouble(kind, camera=camera.id, where=where, words=error)
        raise unusable(message) from error
    try:
        return container, _pick_video(camera, where, container, unusable)
    except Exception:
        container.close()
        raise


def _check_file(camera: Camera, path: Path) -> None:
    if not path.is_file():
        came, came_zh = ("a folder", "目录") if path.is_dir() else ("nothing", "空无一物")
        raise FootageUnusable(
            trouble("no_file", camera=camera.id, where=path, came=came, came_zh=came_zh)
        )
    if path.stat().st_size == 0:
        raise FootageUnusable(trouble("empty_file", camera=camera.id, where=path))


def _pick_video(
    camera: Camera,
    where: str,
    container: InputContainer,
    unusable: type[StreamUnusable] | type[FootageUnusable],
) -> VideoStream:
    stream = decodable_video(container)
    if stream is not None:
        return stream
    if container.streams.video:
        raise unusable(trouble("no_codec", camera=camera.id, where=where))
    kinds = ", ".join(sorted({str(stream.type) for stream in container.streams})) or "nothing"
    raise unusable(trouble("no_video", camera=camera.id, where=where, kinds=kinds))


def check_size(camera_id: str, width_px: int, height_px: int) -> None:
    """Raise FootageUnusable for pictures that are too large to hold."""
    if width_px * height_px > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise FootageUnusable(
            trouble(
                "too_large", camera=camera_id, limit=limit, width_px=width_px, height_px=height_px
            )
        )
