"""Remember how far each camera has been read, counting only frames whose answers went on into the flow."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pydantic import FiniteFloat

from domain.cameras.status import CameraNotice, ReadCounts
from domain.saved_state import Saved, StateFormat
from flows.sources.sample_queue import ReaderItem, Sample


@dataclass(frozen=True, slots=True)
class ReaderPosition:
    """How far a camera has been read; saved with every epoch."""

    media_time_s: FiniteFloat | None = None  # of the last frame that was dealt with
    counts: ReadCounts = field(default_factory=ReadCounts)
    ended: bool = False


POSITIONS_FORMAT = StateFormat[dict[str, ReaderPosition]](dict[str, ReaderPosition])


class ReadPositions:
    """Shared by the source, which saves them, and the step that says what is done.

    A frame that was read but not answered when the process died is read again; the tracker ignores
    those it has seen.
    """

    def __init__(self, finite: frozenset[str]) -> None:
        """Begin where no camera was read; `finite` ones are read once, to their end."""
        self._finite = finite
        self._positions: dict[str, ReaderPosition] = {}

    def restore(self, saved: Saved | None) -> None:
        """Go on from an earlier run's positions; raises StateUnusable if they cannot be read."""
        self._positions = {} if saved is None else POSITIONS_FORMAT.restore(saved)

    def of(self, camera_id: str) -> ReaderPosition:
        """Return the position of one camera; the start where it was never read."""
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
        """Tell whether this is the last that is heard of the camera."""
        return notice.status in ("ended", "failed") and notice.camera_id in self._finite

    def save(self) -> Saved:
        """Save the positions of all cameras, also of those not in the site file today."""
        return POSITIONS_FORMAT.save(self._positions)
