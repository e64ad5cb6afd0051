"""Open a camera's footage with PyAV; say in plain words why it cannot be used."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from domain.camera_trouble import trouble
from domain.errors import PutAside, TryAgain
from domain.facts import BothLanguages
from domain.site import Camera

# 8K is 33 megapixels; a picture beyond that is a damaged header or an attack on memory
MAX_PIXELS = 40_000_000
OPEN_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 5.0


class FootageUnusable(PutAside):
    """A file that is missing or is no video; trying again would not help."""

    def __init__(self, said: BothLanguages) -> None:
        super().__init__(said.en)
        self.said = said


class StreamUnusable(TryAgain):
    """A stream that does not answer or gives no video now."""

    def __init__(self, said: BothLanguages) -> None:
        super().__init__(said.en)
        self.said = said


def footage_path(camera: Camera, base: Path) -> Path:
    """Where a file camera's footage lies; relative paths start at the site file's folder."""
    return (base / camera.url.removeprefix("file://")).resolve()


def open_footage(camera: Camera, base: Path) -> tuple[InputContainer, VideoStream]:
    """Open a file or a stream for demuxing.

    Raises:
        FootageUnusable: a file that is missing or is no video.
        StreamUnusable: a stream that does not answer or gives no video now.
    """
    unusable = StreamUnusable if camera.is_live else FootageUnusable
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
        kind = "unreadable_stream" if camera.is_live else "unreadable_file"
        said = trouble(kind, camera=camera.id, where=where, words=_words(error))
        raise unusable(said) from error
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
    if not container.streams.video:
        kinds = ", ".join(sorted({str(each.type) for each in container.streams})) or "nothing"
        raise unusable(trouble("no_video", camera=camera.id, where=where, kinds=kinds))
    stream = container.streams.video[0]
    # one thread a camera: many cameras share the cores, and frame threads only add delay
    stream.thread_type = "NONE"
    return stream


def check_size(camera_id: str, width_px: int, height_px: int) -> None:
    """Refuse pictures that are empty or too large to hold.

    Raises:
        FootageUnusable: it is.
    """
    if width_px * height_px > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise FootageUnusable(
            trouble(
                "too_large", camera=camera_id, limit=limit, width_px=width_px, height_px=height_px
            )
        )


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).splitlines()[0]
