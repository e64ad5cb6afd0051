"""Mask small pictures for the console: kept until the detector has answered, masked, encoded, written.

A reader keeps a picture back, the flow says who was found in it, and a thread of its own does the rest,
so that neither waits. A picture that nobody looked at in time is written coarse all over.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import structlog
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from domain.detections import Detections
from domain.frames import FrameStamp
from flows.masks.live import LiveMask, mask_whole

log = structlog.get_logger()

TILE_WIDTH_PX = 640
JPEG_QUALITY = 75
MOST_KEPT = 4  # pictures of a camera that wait for the detector; more are not taken
LOOKED_AT_WITHIN_S = 6.0  # a machine that is behind answers late
LOOK_ROUND_EVERY_S = 0.5

_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


@dataclass(frozen=True, slots=True, eq=False)  # arrays have no single ==
class Kept:
    """A small picture that waits to be looked at."""

    stamp: FrameStamp
    image_bgr: np.ndarray  # (h, w, 3) uint8, upright
    since_s: float  # monotonic


@dataclass(slots=True)
class _Camera:
    kept: list[Kept] = field(default_factory=list)
    taken_s: float = 0.0  # monotonic: when the last picture was kept
    mask: LiveMask = field(default_factory=LiveMask)  # of the writing thread


_Job = tuple[Detections, Kept | None]


class LivePictures:
    """Hides people in the cameras' pictures before anybody is shown them."""

    def __init__(self, write: Callable[[str, bytes], None], pause_s: float) -> None:
        """Start the thread that masks and writes JPEGs by camera id, `pause_s` between a camera's."""
        self._write, self._pause_s = write, pause_s
        self._cameras: dict[str, _Camera] = {}
        self._lock = threading.Lock()
        self._reformatters = threading.local()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="live-pictures", daemon=True)
        self._thread.start()

    def keep(self, stamp: FrameStamp, frame: VideoFrame) -> None:
        """Take a small copy of a frame that the detector will be asked about; some are skipped."""
        now_s = time.monotonic()
        with self._lock:
            camera = self._cameras.setdefault(stamp.camera_id, _Camera())
            if now_s - camera.taken_s < self._pause_s or len(camera.kept) >= MOST_KEPT:
                return
            camera.taken_s = now_s
        image = self._shrink(frame)
        with self._lock:
            camera.kept.append(Kept(stamp, image, now_s))

    def look(self, seen: Detections) -> None:
        """Take the detector's answer; frames of one camera come in order."""
        with self._lock:
            camera = self._cameras.setdefault(seen.frame.camera_id, _Camera())
            shown = next((picture for picture in camera.kept if picture.stamp == seen.frame), None)
            # pictures before this one got no answer and never will
            if shown is not None:
                del camera.kept[: camera.kept.index(shown) + 1]
        self._jobs.put((seen, shown))

    def is_learning(self, camera_id: str) -> bool:
        """Tell whether most of the camera's picture is hidden because its scene is not known yet."""
        camera = self._cameras.get(camera_id)
        return camera is not None and camera.mask.is_learning

    def close(self) -> None:
        """Finish what was looked at and end the thread."""
        self._jobs.put(None)
        self._thread.join(timeout=10)

    def _shrink(self, frame: VideoFrame) -> np.ndarray:
        if not hasattr(self._reformatters, "one"):
            self._reformatters.one = VideoReformatter()
        reformatter: VideoReformatter = self._reformatters.one
        width_px = min(TILE_WIDTH_PX, frame.width)
        height_px = max(2, round(frame.height * width_px / frame.width))
        image = reformatter.reformat(frame, width_px, height_px, "bgr24").to_ndarray()
        turn = _TURNS.get(frame.rotation % 360)
        return image if turn is None else np.asarray(cv2.rotate(image, turn))

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=LOOK_ROUND_EVERY_S)
            except queue.Empty:
                self._release_unseen()
                continue
            if job is None:
                return
            try:
                self._mask_and_write(*job)
            except Exception:  # one bad picture must not end the pictures of all cameras
                log.exception("live_picture_failed", camera_id=job[0].frame.camera_id)

    def _mask_and_write(self, seen: Detections, kept: Kept | None) -> None:
        mask = self._cameras[seen.frame.camera_id].mask
        mask.look(seen)
        if kept is not None:
            self._encode(kept.stamp.camera_id, mask.mask(kept.image_bgr))
        self._release_unseen()

    def _release_unseen(self) -> None:
        """Write the latest of each camera's pictures that nobody looked at, coarse all over."""
        late_s = time.monotonic() - LOOKED_AT_WITHIN_S
        with self._lock:
            late: list[Kept] = []
            for camera in self._cameras.values():
                old = [picture for picture in camera.kept if picture.since_s < late_s]
                late += old[-1:]
                del camera.kept[: len(old)]
        for kept in late:
            self._encode(kept.stamp.camera_id, mask_whole(kept.image_bgr))

    def _encode(self, camera_id: str, image_bgr: np.ndarray) -> None:
        encoded, jpeg = cv2.imencode(".jpg", image_bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if encoded:
            self._write(camera_id, jpeg.tobytes())
