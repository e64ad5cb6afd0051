"""Read what a camera shows now from the watch process's two files, and judge whether it is live."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dashboards.texts import Lang
from domain.cameras.live_view import LiveHidden, LiveView, read_live_view
from domain.cameras.status import WATCHED
from domain.events.catalog import CameraChanged


@dataclass(frozen=True, slots=True)
class Tile:
    """A camera's latest picture and state; `version` grows with every change worth drawing."""

    camera_id: str
    version: int
    view: LiveView | None  # None: the camera has not been seen yet
    jpeg: bytes  # b"" where there is no picture
    age_s: float  # since the files were last replaced
    status: str  # up, slow, stale, ended, stalled, failed, waiting
    reason: str  # for people, as the watch process wrote it; English
    reason_zh: str = ""  # of what an older version wrote there is none
    replaced_at: datetime | None = None  # when the files were; None: there are none

    def reason_in(self, lang: Lang) -> str:
        """Return why, in the reader's language."""
        return self.reason_zh or self.reason if lang == "zh" else self.reason

    @property
    def hidden(self) -> tuple[LiveHidden, ...]:
        """Return who is hidden; () where nobody looks any more."""
        return self.view.hidden if self.view and self.status in WATCHED else ()

    @property
    def unfit_places(self) -> tuple[str, ...]:
        """Return the zones and lines that something hides; () where nobody looks any more."""
        return self.view.unfit_places if self.view and self.status in WATCHED else ()

    @property
    def is_up(self) -> bool:
        """Tell whether the picture is live and fresh, and looked at in time."""
        return self.status == "up"


@dataclass(slots=True)
class TileReader:
    """Reads one camera's files when they change; belongs to the poller's thread."""

    folder: Path
    camera_id: str
    stale_after_s: float
    _stamp: tuple[int, int] = (0, 0)
    _changed_monotonic_s: float = 0.0
    _shown: tuple[object, ...] = ()
    _tile: Tile | None = None

    def read(self, change: CameraChanged | None) -> Tile:
        """Read the files if they changed, and decide what to show.

        `change`: the log's last word on this camera, for one that has no live state (yet).
        """
        stamp = (self._modified_ns("json"), self._modified_ns("jpg"))
        view, jpeg = (self._tile.view, self._tile.jpeg) if self._tile else (None, b"")
        if stamp != self._stamp:
            self._stamp, self._changed_monotonic_s = stamp, time.monotonic()
            view = read_live_view(self.folder, self.camera_id)
            jpeg = self._read_jpeg()
        age_s = self._age_s(stamp)
        status, reason, reason_zh = _judge(view, change, age_s > self.stale_after_s)
        # a stale tile counts its seconds; all others only change with their files
        shown = (stamp, status, reason, reason_zh, int(age_s) if status == "stale" else 0)
        if self._tile is None or shown != self._shown:
            version = self._tile.version + 1 if self._tile else 1
            self._shown = shown
            at = datetime.fromtimestamp(max(stamp) // 1000 / 1e6, UTC) if any(stamp) else None
            self._tile = Tile(
                *(self.camera_id, version, view, jpeg, age_s, status, reason, reason_zh),
                replaced_at=at,
            )
        return self._tile

    def _modified_ns(self, ending: str) -> int:
        try:
            return (self.folder / f"{self.camera_id}.{ending}").stat().st_mtime_ns
        except OSError:
            return 0

    def _read_jpeg(self) -> bytes:
        try:
            return (self.folder / f"{self.camera_id}.jpg").read_bytes()
        except OSError:
            return b""

    def _age_s(self, stamp: tuple[int, int]) -> float:
        if not any(stamp):
            return 0.0
        # whichever is larger: a wall clock that was set back must not keep a dead picture fresh,
        # and files that were old when the console started must not count as new
        return max(
            time.time() - max(stamp) / 1e9,
            time.monotonic() - self._changed_monotonic_s,
            0.0,
        )


def _judge(
    view: LiveView | None, change: CameraChanged | None, is_old: bool
) -> tuple[str, str, str]:
    """Decide the status, and give its reason in English and in Chinese."""
    if view is None:
        if change is None or change.status == "up":
            return "waiting", "", ""
        return change.status, change.reason, change.reason_zh
    if view.status in WATCHED and is_old:
        return "stale", "", ""
    return view.status, view.reason, view.reason_zh


def known_cameras(folder: Path) -> list[str]:
    """List the ids of cameras with live state, for a console without a site file."""
    try:
        return sorted(path.stem for path in folder.glob("*.json") if not path.name.startswith("."))
    except OSError:
        return []
