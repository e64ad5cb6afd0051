"""A site of live-paced cameras: the sample clip, re-timed to any frame rate without re-encoding."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av

from benchmarks.results import ROOT
from benchmarks.workload import CLIP
from domain.site.loading import load_site

CLIP_FPS = 10.0
STAGGER_S = 3.0  # between the cameras' first frames, so that they do not show the same picture
THRESHOLD_S = 2.0
GAP_TOLERANCE_S = 1.0
RUNG_DELAY_S = 1.5


def retime(target: Path, fps: float) -> Path:
    """Show the sample clip's own packets at another rate; raises OSError where it is not written."""
    with av.open(str(CLIP)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        copy = sink.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.pts is None or packet.dts is None:
                continue
            packet.pts = round(packet.pts * CLIP_FPS / fps)
            packet.dts = round(packet.dts * CLIP_FPS / fps)
            packet.duration = round((packet.duration or 0) * CLIP_FPS / fps)
            packet.stream = copy
            sink.mux(packet)
    return target


def write_paced_site(path: Path, clip: Path, cameras: int, fps: float) -> Path:
    """Write a site whose every frame is analysed and whose every visitor is soon called to.

    The sample's ladder with shorter waits, and the whole picture as zone: what is timed is the way
    of a call, so there should be many.
    """
    sample: dict[str, Any] = load_site(ROOT / "samples" / "site.yaml").model_dump(
        mode="json", exclude_none=True
    )
    pattern, rule, ladder = sample["cameras"][0], sample["rules"][0], sample["ladders"][0]
    zone = pattern["zones"][0] | {"polygon": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]}
    pattern.pop("starts_at", None)
    sample["cameras"] = [
        pattern
        | {"id": f"cam-{number:02}", "url": str(clip), "analyse_fps": fps}
        | {"views": "whole"}
        | {"stretch_s": [number * STAGGER_S, 1e6]}
        | {"zones": [zone | {"id": f"zone-{number:02}"}]}
        for number in range(cameras)
    ]
    rule["condition"]["present"]["zones"] = [f"zone-{number:02}" for number in range(cameras)]
    rule |= {"threshold_s": THRESHOLD_S, "gap_tolerance_s": GAP_TOLERANCE_S}
    for rung in ladder["rungs"][1:]:
        rung["after_s"] = RUNG_DELAY_S
    path.write_text(json.dumps(sample, ensure_ascii=False, indent=1), encoding="utf-8")  # is YAML
    load_site(path)
    return path
