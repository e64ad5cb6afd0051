"""How far each camera has been read, counting only frames whose answers went on into the flow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from domain.cameras import CameraNotice, ReadCounts
from flows.sources.sample_queue import ReaderItem, Sample


@dataclass(frozen=True, slots=True)
class ReaderPosition:
    """How far a camera has been read; saved with every epoch."""

    media_time_s: float | None = None  # of the last frame that was dealt with
    counts: ReadCounts = field(default_factory=ReadCounts)
    ended: bool = False


class ReadPositions:
    """Shared by the source, which saves them, and the step that says what is done.

    A frame that was read but not answered when the process died is read again; the tracker ignores
    those it has seen.
    """

    def __init__(self, finite: frozenset[str]) -> None:
        """Args:
        finite: ids of cameras that are read once, to their end.
        """
        self._finite = finite
        self._positions: dict[str, ReaderPosition] = {}

    def restore(self, saved: dict[str, ReaderPosition] | None) -> None:
        """Go on from an earlier run's positions."""
        self._positions = dict(saved or {})

    def of(self, camera_id: str) -> ReaderPosition:
        """Position of one camera; the start where it was never read."""
        return self._positions.get(camera_id, ReaderPosition())

    def done(self, items: list[ReaderItem]) -> None:
        """Take these items as dealt with."""
        for item in items:
            if isinstance(item, Sample):
                stamp = item.frame.stamp
                self._positions[stamp.camera_id] = ReaderPosition(stamp.media_time_s, item.counts)
            elif self.ends(item):
                ended = replace(self.of(item.camera_id), ended=True)
                self._positions[item.camera_id] = ended

    def ends(self, notice: CameraNotice) -> bool:
        """True where this is the last that is heard of the camera."""
        return notice.status in ("ended", "failed") and notice.camera_id in self._finite

    def snapshot(self) -> dict[str, ReaderPosition]:
        """All cameras, also those not in the site file today."""
        return dict(self._positions)
