"""Read clips as the watch program does, all cameras of one process: python -m benchmarks.fuzz.reading CLIP ...

Prints one JSON line: how each camera ended, and the most memory that was held. Exit code 3: some did not end
within END_S.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from pathlib import Path

import structlog

from domain.cameras.status import CameraNotice
from domain.site.cameras import Camera
from flows.sources.camera_reader import Playback
from flows.sources.camera_shard import CameraShard, ShardSettings
from flows.sources.prefetch import Flush
from flows.sources.sample_queue import Sample

END_S = 240.0  # a batch of sound clips is read in some seconds
WATCHED = ((0.4, 0.3, 0.6, 0.6),)  # so that views are cut out, too


def main(paths: list[str]) -> int:
    """Read them all to their ends; return the exit code."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    title = {"zh": "相机", "en": "Camera"}
    cameras = tuple(
        Camera.model_validate(
            {
                "id": f"c{number}",
                "title": title,
                "url": str(Path(path).resolve()),
                "analyse_fps": 10,
                "starts_at": "2026-03-02T08:00:00Z",
            }
        )
        for number, path in enumerate(paths)
    )
    settings = ShardSettings(
        cameras,
        Path(),
        Playback(until_end=True),
        threading.Event(),
        watched_areas=lambda _: WATCHED,
    )
    positions = settings.positions()
    shard = CameraShard(settings, positions, lambda: False)
    endings: dict[str, str] = {}
    frames, until_s = 0, time.monotonic() + END_S
    while time.monotonic() < until_s:
        try:
            batch = shard.next_batch()
        except StopIteration:
            break
        items = [item for item in batch if not isinstance(item, Flush)]
        positions.done(items)
        frames += sum(isinstance(item, Sample) for item in items)
        for item in items:
            if isinstance(item, CameraNotice):
                endings[item.camera_id] = item.status
    left = [
        path
        for path, camera in zip(paths, cameras, strict=True)
        if not positions.of(camera.id).ended
    ]
    most_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    counts = {status: list(endings.values()).count(status) for status in ("ended", "failed")}
    print(json.dumps({"frames": frames, **counts, "not_ended": left, "most_mb": most_mb}))
    sys.stdout.flush()
    return 3 if left else 0


if __name__ == "__main__":
    code = main(sys.argv[1:])

    os._exit(code)
