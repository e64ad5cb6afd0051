"""Make what all benchmarks work on: the sample clip as so many cameras, and a scratch folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.results import ROOT
from domain.site.loading import load_site

CLIP = ROOT / "samples" / "crossing.mp4"
CLIP_FRAMES = 795
ANALYSE_FPS = 5.0
EVERY = 2  # of the clip's 10 frames a second
ANALYSED_PER_CAMERA = 398
MIN_SCORE = 0.3  # of a person that counts; the sample site's rule says the same


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Yield an empty folder on the disk that real runs use; gone afterwards."""
    folder = ROOT / "var" / "bench" / "work" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_site(path: Path, cameras: int) -> Path:
    """Write a site file like the sample's, with the whole clip as each of `cameras` cameras.

    The whole picture is looked at, as one: the bounds that are compared with do the same.
    """
    sample: dict[str, Any] = load_site(ROOT / "samples" / "site.yaml").model_dump(
        mode="json", exclude_none=True
    )
    pattern = sample["cameras"][0]
    pattern.pop("stretch_s", None)
    zone = pattern["zones"][0]
    sample["cameras"] = [
        pattern
        | {"id": f"cam-{number:02}", "url": str(CLIP), "analyse_fps": ANALYSE_FPS}
        | {"views": "whole"}
        | {"zones": [zone | {"id": f"forecourt-{number:02}"}]}
        for number in range(cameras)
    ]
    rule = sample["rules"][0]
    rule["condition"]["present"]["zones"] = [f"forecourt-{number:02}" for number in range(cameras)]
    path.write_text(json.dumps(sample, ensure_ascii=False, indent=1), encoding="utf-8")  # is YAML
    load_site(path)
    return path
