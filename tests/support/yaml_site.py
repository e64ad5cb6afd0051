"""Site files made in the test."""

from __future__ import annotations

import json
from pathlib import Path


def write(path: Path, urls: dict[str, str], stretch_s: tuple[float, float] | None = None) -> Path:
    """Write a site with these cameras, each with the same zone under one rule; JSON is YAML too."""
    names = {"zh": "名", "en": "Name"}
    polygon = [[0.42, 0.28], [0.78, 0.28], [0.78, 0.58], [0.42, 0.58]]
    site = {
        "site": {"id": "test", "title": names, "enforcement": "demonstration"},
        "cameras": [
            {
                "id": camera_id,
                "title": names,
                "url": url,
                **({} if "://" in url else {"starts_at": "2026-03-02T08:00:00Z"}),
                "zones": [{"id": f"zone-{camera_id}", "title": names, "polygon": polygon}],
                **({"stretch_s": stretch_s} if stretch_s and camera_id == "good" else {}),
            }
            for camera_id, url in urls.items()
        ],
        "ladders": [
            {
                "id": "calls",
                "rungs": [{"id": "ask", "after_s": 0, "text": {"zh": "请离开", "en": "Please go"}}],
                "escalate_after_s": 3,
            }
        ],
        "rules": [
            {
                "id": "keep-off",
                "title": names,
                "condition": {"present": {"zones": [f"zone-{camera_id}" for camera_id in urls]}},
                "min_score": 0.3,
                "threshold_s": 4,
                "ladder": "calls",
            }
        ],
    }
    path.write_text(json.dumps(site, ensure_ascii=False, indent=1), encoding="utf-8")
    return path
