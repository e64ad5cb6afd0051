"""Show the latest of each camera: a small masked picture and who stands where, for the console.

Pictures come from the reader threads, detections, tracks and standings from the flow; each camera's
files are replaced at most `updates_per_s` times a second. Off unless a console is wanted: it costs
masking and an encode.
"""

from __future__ import annotations

import time
from pathlib import Path

import structlog
from av.video.frame import VideoFrame

from domain.cameras.live_view import LiveHidden, LiveTrack, LiveView
from domain.cameras.status import CameraNotice
from domain.detections import Detections
from domain.files import write_atomically
from domain.frames import FrameStamp
from domain.rule_key import RuleKey
from domain.tracks import TrackedFrame
from flows.escalation.logic import RuleStandings, SubjectStanding
from flows.live_view.pictures import LivePictures

log = structlog.get_logger()


class LiveBoard:
    """Writes `<camera>.jpg` and `<camera>.json` into the live folder."""

    def __init__(self, folder: Path, updates_per_s: float = 5.0) -> None:
        self._folder = folder
        self._pause_s = 1 / updates_per_s
        self._shown_at_s: dict[str, float] = {}
        self._standings: dict[str, dict[RuleKey, tuple[SubjectStanding, ...]]] = {}
        self._slow: dict[str, CameraNotice] = {}  # until there is other news of the camera
        self._is_in_trouble = False
        folder.mkdir(parents=True, exist_ok=True)
        self._pictures = LivePictures(self._write_picture, self._pause_s)
        # an earlier version wrote them unmasked
        for old in folder.glob("*.jpg"):
            old.unlink(missing_ok=True)

    def show_frame(self, stamp: FrameStamp, frame: VideoFrame) -> None:
        """Take a frame that will be analysed, from a reader thread; some are skipped."""
        self._pictures.keep(stamp, frame)

    def close(self) -> None:
        """Write what was looked at, and stop."""
        self._pictures.close()

    def take(self, item: Detections | TrackedFrame | CameraNotice | RuleStandings) -> None:
        """Take what the flow has: detections, tracks, news and standings."""
        if isinstance(item, Detections):
            self._pictures.look(item)
        elif isinstance(item, RuleStandings):
            self._standings.setdefault(item.key.camera_id, {})[item.key] = item.standings
        elif isinstance(item, CameraNotice):
            self._slow.pop(item.camera_id, None)
            if item.status == "slow":
                self._slow[item.camera_id] = item
            self._write_view(
                LiveView(
                    camera_id=item.camera_id,
                    status=item.status,
                    reason=item.reason,
                    reason_zh=item.reason_zh,
                )
            )
        else:
            now_s = time.monotonic()
            if now_s - self._shown_at_s.get(item.frame.camera_id, 0.0) >= self._pause_s:
                self._shown_at_s[item.frame.camera_id] = now_s
                self._write_view(self._view(item))

    def _view(self, tracked: TrackedFrame) -> LiveView:
        stamp = tracked.frame
        of_rules = self._standings.get(stamp.camera_id, {}).values()
        standings = {each.track_id: each for rule in of_rules for each in rule}
        slow = self._slow.get(stamp.camera_id)
        return LiveView(
            camera_id=stamp.camera_id,
            status="slow" if slow else "up",
            reason=slow.reason if slow else "",
            reason_zh=slow.reason_zh if slow else "",
            captured_at=stamp.wall_at,
            width_px=stamp.width_px,
            height_px=stamp.height_px,
            is_learning=self._pictures.is_learning(stamp.camera_id),
            boxes_left_out=tracked.boxes_left_out,
            unfit=(
                *tracked.sight.faults,
                *dict.fromkeys(tracked.sight.unfit_areas.values()),
                *tracked.sight.shortcomings,
            ),
            # as camera.fitness has them
            unfit_places=() if tracked.sight.faults else tuple(tracked.sight.unfit_areas),
            hidden=tuple(hidden for rule in of_rules for each in rule for hidden in _hidden(each)),
            tracks=tuple(
                _live_track(tracked, row, standings.get(int(tracked.track_ids[row])))
                for row in range(len(tracked))
            ),
        )

    def _write_view(self, view: LiveView) -> None:
        self._write(
            view.camera_id, self._folder / f"{view.camera_id}.json", view.model_dump_json().encode()
        )

    def _write_picture(self, camera_id: str, jpeg: bytes) -> None:
        self._write(camera_id, self._folder / f"{camera_id}.jpg", jpeg)

    def _write(self, camera_id: str, path: Path, content: bytes) -> None:
        """Write a camera's tile; showing must never stop watching, so a full disk is logged once and tried again."""
        try:
            # one thread writes views, another pictures; what a killed run left is written over
            write_atomically(path, content, durable=False, one_writer=True)
        except OSError as error:
            if not self._is_in_trouble:
                log.warning("live_view_not_written", camera_id=camera_id, reason=str(error))
            self._is_in_trouble = True
        else:
            self._is_in_trouble = False


def _live_track(tracked: TrackedFrame, row: int, standing: SubjectStanding | None) -> LiveTrack:
    x1, y1, x2, y2 = (round(float(value), 1) for value in tracked.boxes_xyxy[row])
    return LiveTrack(
        track_id=int(tracked.track_ids[row]),
        box_xyxy=(x1, y1, x2, y2),
        score=round(float(tracked.scores[row]), 3),
        state=standing.state if standing else None,
        rung_number=standing.rung_number if standing else 0,
        dwell_s=round(standing.dwell_s, 1) if standing else 0.0,
    )


def _hidden(standing: SubjectStanding) -> list[LiveHidden]:
    """Describe somebody who is hidden; [] where they are not."""
    if standing.hidden_since is None:
        return []
    x1, y1, x2, y2 = (round(side, 1) for side in standing.box_xyxy)
    return [
        LiveHidden(
            offence_id=standing.offence_id,
            track_id=standing.track_id,
            box_xyxy=(x1, y1, x2, y2),
            since=standing.hidden_since,
            state=standing.state,
            rung_number=standing.rung_number,
            dwell_s=round(standing.dwell_s, 1),
        )
    ]
