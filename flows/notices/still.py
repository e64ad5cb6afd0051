"""Make a masked picture of the moment that a message is about.

A message goes out while the offence goes on, long before its evidence is sealed. So the frame is
taken from the recording itself and masked here. The unmasked frame never reaches a file of its own
that stays, and without a mask there is no picture. Everybody but the subject is made coarse, whether
or not a face was found on them: the message leaves the house.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import structlog

from domain.data_dir import DataDir
from domain.errors import PutAside, TryAgain
from domain.events.catalog import Sighting
from domain.events.wall_time import steady_time_of_sighting
from domain.files import plain_name, write_atomically
from evidence_store.media.stills import encode_jpeg
from evidence_store.recordings.footage import FootageFinder
from evidence_store.recordings.footage_clips import cut_footage, grab_sighting
from flows.masks.faces import FaceFinder, find_all_faces
from flows.masks.pixelate import mask_regions
from flows.masks.subject import MaskSubject, SubjectKind
from flows.notices.message import PictureState

log = structlog.get_logger()

MAX_WIDTH_PX = 1280  # a phone's screen
JPEG_QUALITY = 85
AROUND = timedelta(seconds=0.4)  # a frame at least on each side, so that the cut holds this one
RETRY_S = 0.5
KEEP_S = 86400.0
OUTLINE_RGB = (255, 209, 0)
# around the subject: enough of the place to find it, nothing of a person to know them by
COARSE_BLOCKS = 64
CLEAR_MARGIN = 0.15  # beside the subject's box, as a share of it


@dataclass(frozen=True, slots=True)
class Still:
    """A picture for a message, or why there is none."""

    path: Path | None
    sha256: str | None
    state: PictureState
    note: str = ""  # why there is none, for the record


class MaskedStills:
    """notifications/pictures/<request>.jpg; each is made once, whoever asks first."""

    def __init__(
        self,
        data: DataDir,
        footage: FootageFinder,
        faces: FaceFinder,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._data = data
        self._folder = data.notifications / "pictures"
        self._work = data.notifications / "work"
        self._footage = footage
        self._faces = faces
        self._stopped = stopped
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="still")
        self._making: dict[str, Future[Path]] = {}
        self._lock = threading.Lock()
        shutil.rmtree(self._work, ignore_errors=True)  # of a process that was killed
        self.tidy()

    def close(self) -> None:
        """Finish what is being made."""
        self._maker.shutdown()

    def get(
        self,
        request_id: str,
        camera_id: str,
        sighting: Sighting,
        wait_s: float,
        kind: SubjectKind = "person",
    ) -> Still:
        """Return the picture of a sighting; waits for it that long. Called from several threads."""
        path = self._path(request_id)
        if not path.exists():
            try:
                making = self._begin(path, request_id, camera_id, sighting, wait_s, kind)
                path = making.result(wait_s)
            except (TryAgain, NotYet) as error:
                return Still(None, None, "no_picture_waited", str(error) or "not made in time")
            except Exception as error:  # whatever is wrong with a picture, the message goes out
                log.warning("no_picture", camera_id=camera_id, reason=str(error))
                return Still(None, None, "no_picture_footage", str(error))
        return Still(path, hashlib.sha256(path.read_bytes()).hexdigest(), "picture")

    def tidy(self) -> None:
        """Remove pictures older than a day."""
        remove_old_pictures(self._data)

    def _begin(
        self,
        path: Path,
        request_id: str,
        camera_id: str,
        sighting: Sighting,
        wait_s: float,
        kind: SubjectKind,
    ) -> Future[Path]:
        with self._lock:
            making = self._making.get(request_id)
            if making is None or making.done():
                give_up_at = time.monotonic() + wait_s
                make = partial(self._masked, camera_id, sighting, kind)
                making = self._maker.submit(self._make, path, make, give_up_at)
                self._making = {k: v for k, v in self._making.items() if not v.done()}
                self._making[request_id] = making
            return making

    def _make(self, path: Path, make: Callable[[], bytes], give_up_at: float) -> Path:
        while True:
            try:
                write_atomically(path, make(), one_writer=True)
                return path
            except TryAgain:
                if time.monotonic() + RETRY_S > give_up_at or self._stopped():
                    raise
                time.sleep(RETRY_S)

    def _masked(self, camera_id: str, sighting: Sighting, kind: SubjectKind) -> bytes:
        image = self._grab(camera_id, sighting)
        boxes = find_all_faces(image, MaskSubject(sighting.box_xyxy, kind), self._faces)
        shown = _only_the_subject(mask_regions(image, boxes), sighting)
        return encode_jpeg(_outlined(shown, sighting), JPEG_QUALITY)

    def _grab(self, camera_id: str, sighting: Sighting) -> np.ndarray:
        at = steady_time_of_sighting(sighting)
        from_at, to_at = at - AROUND, at + AROUND
        footage = self._footage.find(camera_id, from_at, to_at, sighting)
        if not footage.pieces:
            raise PutAside("; ".join(map(str, footage.gaps)) or f"{camera_id}: no footage")
        self._work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._work) as folder:
            image, remark = grab_sighting(cut_footage(footage, Path(folder), "moment"), sighting)
        if remark:
            log.info("picture_is_older", camera_id=camera_id, remark=remark)
        return image

    def _path(self, request_id: str) -> Path:
        return self._folder / f"{plain_name(request_id)}.jpg"


def remove_old_pictures(data: DataDir) -> int:
    """Remove pictures older than a day, also unmasked ones that a killed notifier left; count them."""
    before, removed = time.time() - KEEP_S, 0
    pictures = (data.notifications / "pictures").glob("*.jpg")
    for path in (*pictures, *(data.notifications / "work").rglob("*")):
        try:
            if path.is_file() and path.stat().st_mtime < before:
                path.unlink()
                removed += 1
        except OSError:  # gone already
            continue
    return removed


def _only_the_subject(masked: np.ndarray, sighting: Sighting) -> np.ndarray:
    """Return the picture in coarse blocks, but for the subject's own box."""
    import cv2

    height, width = masked.shape[:2]
    blocks = (min(COARSE_BLOCKS, width), max(1, min(COARSE_BLOCKS, width) * height // width))
    small = cv2.resize(masked, blocks, interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    x1, y1, x2, y2 = sighting.box_xyxy
    wider, higher = CLEAR_MARGIN * (x2 - x1), CLEAR_MARGIN * (y2 - y1)
    rows = slice(max(0, int(y1 - higher)), max(0, int(y2 + higher)))
    columns = slice(max(0, int(x1 - wider)), max(0, int(x2 + wider)))
    coarse[rows, columns] = masked[rows, columns]
    return np.asarray(coarse)


def _outlined(image: np.ndarray, sighting: Sighting) -> np.ndarray:
    """Draw the subject's box, and make the picture no wider than a phone needs."""
    import cv2

    x1, y1, x2, y2 = (round(edge_px) for edge_px in sighting.box_xyxy)
    drawn = cv2.rectangle(image.copy(), (x1, y1), (x2, y2), OUTLINE_RGB, 2)
    height, width = drawn.shape[:2]
    if width <= MAX_WIDTH_PX:
        return np.asarray(drawn)
    size = (MAX_WIDTH_PX, round(height * MAX_WIDTH_PX / width))
    return np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA))
