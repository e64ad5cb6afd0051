"""Shows the latest of each camera: a small picture and who stands where, for the console.

Pictures come from the reader threads, tracks and standings from the flow; each camera's files are
replaced at most `updates_per_s` times a second. Off unless a console is wanted: it costs an encode.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import structlog
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from domain.cameras import CameraNotice
from domain.live_view import LiveTrack, LiveView, write_whole
from domain.tracks import TrackedFrame
from flows.steps.ladder_step import RuleStandings, Standing

log = structlog.get_logger()

TILE_WIDTH_PX = 640
JPEG_QUALITY = 75


class LiveBoard:
    """Writes `<camera>.jpg` and `<camera>.json` into the live folder."""

    def __init__(self, folder: Path, updates_per_s: float = 5.0) -> None:
        self._folder = folder
        self._pause_s = 1 / updates_per_s
        self._shown_s: dict[str, float] = {}
        self._told_s: dict[str, float] = {}
        self._standings: dict[str, dict[str, tuple[Standing, ...]]] = {}
        self._reformatters = threading.local()
        self._is_in_trouble = False
        folder.mkdir(parents=True, exist_ok=True)

    def show_frame(self, camera_id: str, frame: VideoFrame) -> None:
        """Called by reader threads with every decoded frame; most are skipped."""
        now_s = time.monotonic()
        if now_s - self._shown_s.get(camera_id, 0.0) < self._pause_s:
            return
        self._shown_s[camera_id] = now_s
        width_px = min(TILE_WIDTH_PX, frame.width)
        height_px = max(2, round(frame.height * width_px / frame.width))
        small = self._reformatter().reformat(frame, width_px, height_px, "bgr24")
        picture: np.ndarray = small.to_ndarray()
        if frame.rotation:
            picture = _upright(picture, frame.rotation)
        encoded, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if encoded:
            self._write(camera_id, self._folder / f"{camera_id}.jpg", jpeg.tobytes())

    def _reformatter(self) -> VideoReformatter:
        if not hasattr(self._reformatters, "one"):
            self._reformatters.one = VideoReformatter()
        reformatter: VideoReformatter = self._reformatters.one
        return reformatter

    def take(self, item: TrackedFrame | CameraNotice | RuleStandings) -> None:
        """Called by the flow with tracks, news and standings."""
        if isinstance(item, RuleStandings):
            self._standings.setdefault(item.camera_id, {})[item.key] = item.standings
        elif isinstance(item, CameraNotice):
            self._tell(
                LiveView(
                    camera_id=item.camera_id,
                    status=item.status,
                    reason=item.reason,
                    reason_zh=item.reason_zh,
                )
            )
        else:
            now_s = time.monotonic()
            if now_s - self._told_s.get(item.frame.camera_id, 0.0) >= self._pause_s:
                self._told_s[item.frame.camera_id] = now_s
                self._tell(self._view(item))

    def _view(self, tracked: TrackedFrame) -> LiveView:
        stamp = tracked.frame
        standings = {
            standing.track_id: standing
            for zone in self._standings.get(stamp.camera_id, {}).values()
            for standing in zone
        }
        return LiveView(
            camera_id=stamp.camera_id,
            status="up",
            captured_at=stamp.captured_at,
            width_px=stamp.width_px,
            height_px=stamp.height_px,
            unfit=(*tracked.sight.faults, *tracked.sight.shortcomings),
            tracks=tuple(
                _live_track(tracked, row, standings.get(int(tracked.track_ids[row])))
                for row in range(len(tracked))
            ),
        )

    def _tell(self, view: LiveView) -> None:
        self._write(
            view.camera_id,
            self._folder / f"{view.camera_id}.json",
            view.model_dump_json().encode(),
        )

    def _write(self, camera_id: str, path: Path, content: bytes) -> None:
        """Showing must never stop watching: a full disk is told once and tried again."""
        try:
            write_whole(path, content)
        except OSError as error:
            if not self._is_in_trouble:
                log.warning("live_view_not_written", camera_id=camera_id, reason=str(error))
            self._is_in_trouble = True
        else:
            self._is_in_trouble = False


def _live_track(tracked: TrackedFrame, row: int, standing: Standing | None) -> LiveTrack:
    x1, y1, x2, y2 = (round(float(value), 1) for value in tracked.boxes_xyxy[row])
    return LiveTrack(
        track_id=int(tracked.track_ids[row]),
        box_xyxy=(x1, y1, x2, y2),
        score=round(float(tracked.scores[row]), 3),
        state=standing.state if standing else None,
        rung_number=standing.rung_number if standing else 0,
        dwell_s=round(standing.dwell_s, 1) if standing else 0.0,
    )


def _upright(picture: np.ndarray, rotation_deg: int) -> np.ndarray:
    turns = {
        90: cv2.ROTATE_90_COUNTERCLOCKWISE,
        180: cv2.ROTATE_180,
        270: cv2.ROTATE_90_CLOCKWISE,
    }
    turn = turns.get(rotation_deg % 360)
    return picture if turn is None else cv2.rotate(picture, turn)
