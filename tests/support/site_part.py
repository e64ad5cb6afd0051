"""One camera of the sample's site, or some seconds of it: a whole run costs by the second and by the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def write_part(
    target: Path,
    sample: Path,
    camera_id: str,
    stretch_s: tuple[float, float] | None = None,
    **rule: Any,
) -> Path:
    """Write the site file with that camera alone; return its path.

    Args:
        target: where it is written.
        sample: the sample's site file; its clip is read where it lies.
        camera_id: of the sample.
        stretch_s: seconds of the clip; None: as the sample has them.
        rule: settings of the rule that differ.
    """
    yaml = YAML()
    site = yaml.load(sample.read_text("utf-8"))
    (camera,) = site["cameras"] = [each for each in site["cameras"] if each["id"] == camera_id]
    camera["url"] = str(sample.parent / camera["url"])
    if stretch_s is not None:
        camera["stretch_s"] = list(stretch_s)
    site["rules"][0] |= rule
    site["rules"][0]["condition"]["present"]["zones"] = [zone["id"] for zone in camera["zones"]]
    with target.open("w", encoding="utf-8") as file:
        yaml.dump(site, file)
    return target
