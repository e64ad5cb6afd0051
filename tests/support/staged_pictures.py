"""Pictures of the sample clip, and where people stand on them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import av
import cv2

from domain.events.catalog import Sighting

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TILE_WIDTH_PX = 640
# where people stand on the clip, by its second: (box, track id)
PEOPLE = {
    10.0: [((348.0, 199.0, 383.0, 275.0), 3), ((375.0, 178.0, 408.0, 257.0), 4)],
    50.0: [((555.0, 238.0, 594.0, 352.0), 11), ((614.0, 273.0, 642.0, 376.0), 12)],
}


def sighting_at(at: datetime) -> Sighting:
    """Return where the clip's first person stands, as if seen at that time."""
    media_time_s = max(0.0, (at - START).total_seconds())
    return Sighting(
        at=at,
        media_time_s=media_time_s,
        pts=round(media_time_s * 12800),
        time_base="1/12800",
        box_xyxy=PEOPLE[10.0][0][0],
        score=0.7,
        frame_width_px=768,
        frame_height_px=576,
    )


def jpeg_at(clip: Path, media_time_s: float) -> bytes:
    """Encode the clip's frame at that second as a tile."""
    with av.open(str(clip)) as container:
        container.seek(int(media_time_s * 1_000_000))
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= media_time_s - 0.01:
                height = round(frame.height * TILE_WIDTH_PX / frame.width)
                image = cv2.resize(frame.to_ndarray(format="bgr24"), (TILE_WIDTH_PX, height))
                return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    raise AssertionError(f"{clip} has no frame at {media_time_s} s")
