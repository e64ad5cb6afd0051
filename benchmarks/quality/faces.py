"""Faces left visible in masked copies: `python -m benchmarks.quality.faces`.

The whole product watches the clips of known truth and seals what it finds. A second detector, which shares
nothing with the one that masks, then looks for faces in the originals; a face is left visible where
the masked copy shows its pixels as they were. For the eye, every masked picture goes onto a sheet in
var/bench, with the faces that are hidden (green) and those that are not (red).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console

from benchmarks.quality.figures import quality_result
from benchmarks.quality.footage import EvalData
from benchmarks.quality.zones import VIEWS, ZONES, site_of
from benchmarks.results import RESULTS, ROOT, Result, WrongOutputs, append
from benchmarks.run import tell
from benchmarks.second_face_detector import SURE_SCORE, SecondFaceDetector
from benchmarks.workload import scratch
from domain.data_dir import DataDir
from domain.errors import ForewarnError
from evidence_store.keys.signing_keys import KeyFolder
from evidence_store.vault.open_vault import open_vault
from evidence_store.vault.sealed_files import ADDED
from evidence_store.vault.vault import Vault
from flows.masks.faces import FaceFinder

# everybody here passes by within three seconds: whoever is seen for half a second offends
PASSING = "tud_campus"
PASSING_S = 0.5
# of 255, mean over a face: pictures are compressed anew, so nothing stays to the last bit
UNCHANGED = 6.0
LOOK_EVERY_S = 1.0  # in clips
SAME_MOMENT_S = 0.005
SHEET_COLUMNS, SHEET_WIDTH_PX = 3, 640

terminal = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(slots=True)
class Count:
    """Of one kind of copy."""

    pictures: int = 0
    faces: int = 0  # found in the originals
    visible: int = 0  # of them, in the masked copies
    sheet: list[np.ndarray] = field(default_factory=list)
    seen: list[np.ndarray] = field(default_factory=list)  # what is visible, enlarged

    def look(self, original: np.ndarray, masked: np.ndarray, detector: FaceFinder) -> None:
        """Take in one picture and its masked copy, (h, w, 3) uint8 both."""
        if original.shape != masked.shape:
            raise WrongOutputs(f"a masked copy of {original.shape} is {masked.shape}")
        drawn = masked.copy()
        ((boxes, _),) = detector.find_in_all([original], SURE_SCORE)
        for x1, y1, x2, y2 in boxes.round().astype(int).clip(0).tolist():
            before, after = original[y1:y2, x1:x2], masked[y1:y2, x1:x2]
            is_visible = bool(np.abs(before.astype(int) - after).mean() < UNCHANGED)
            self.faces += 1
            self.visible += is_visible
            colour = (255, 0, 0) if is_visible else (0, 255, 0)
            if is_visible:
                self.seen.append(_enlarge(masked, x1, y1, x2, y2))
            cv2.rectangle(drawn, (x1 - 1, y1 - 1), (x2, y2), colour, 1)
        self.pictures += 1
        self.sheet.append(_tile(drawn))


def main(argv: list[str] | None = None) -> int:
    """Measure, tell, append."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality.faces", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of clips, gt and TIMELINE.json")
    parser.add_argument("--clip", action="append", help="only this one; may be repeated")
    try:
        asked = parser.parse_args(argv)
        results = measure(EvalData.find(asked.data), asked.clip or (*ZONES, PASSING))
    except ForewarnError as error:
        terminal.print(f"[red]error:[/red] {error}")
        return error.exit_code
    for result in results:
        append(result)
        terminal.print(result.name)
        tell(result, 0)
    return 0


def measure(data: EvalData, clips: Sequence[str]) -> list[Result]:
    """Run, seal, count; one result for pictures, one for clips where there are masked ones."""
    detector = SecondFaceDetector(data.folder)
    with scratch("faces") as folder:
        vault = _watch(data, clips, folder)
        counts = {"pictures": Count(), "clips": Count()}
        for evidence_id in vault.ids():
            record = vault.read(evidence_id)
            names = {file.name: file.role for file in record.files} if record else {}
            for original, masked in _pictures(vault, evidence_id, names):
                counts["pictures"].look(original, masked, detector)
            for original, masked in _clip_frames(vault, evidence_id, folder):
                counts["clips"].look(original, masked, detector)
    for kind, count in counts.items():
        _write_sheets(kind, count.sheet)
        _write_sheets(f"{kind}-visible", count.seen)
    return [
        quality_result(
            f"faces_visible_{kind}",
            count.visible,
            f"of {count.faces} faces found in {count.pictures} originals",
            must=count.faces,
            aim=0,
        )
        for kind, count in counts.items()
        if count.pictures
    ]


def _watch(data: EvalData, clips: Sequence[str], folder: Path) -> Vault:
    """Run the real programs to the footage's end."""
    site_file = folder / "site.yaml"
    site_file.write_text(json.dumps(_site(data, clips)), encoding="utf-8")
    root = DataDir(folder / "data")
    KeyFolder(root.keys).create()
    argv = ["run", str(site_file), "--until-end", "--data", str(root.root)]
    done = subprocess.run(
        [sys.executable, "-m", "forewarn", *argv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    vault = open_vault(root)
    if done.returncode != 0 or not vault.ids():
        raise WrongOutputs(f"the run ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return vault


def _site(data: EvalData, clips: Sequence[str]) -> dict[str, Any]:
    """Make each clip a camera with its zones, somebody there for 5 s; and those who only pass."""
    whole: dict[str, Any] = {}
    for clip in clips:
        known = clip if clip in ZONES else next(iter(ZONES))
        one = site_of(ZONES[known], 5.0, known).model_dump(mode="json", exclude_none=True)
        whole = whole or one | {"cameras": [], "rules": []}
        camera, rule = one["cameras"][0], one["rules"][0]
        name = clip.replace("_", "-")
        if clip == PASSING:
            full = [[0, 0], [1, 0], [1, 1], [0, 1]]
            camera["zones"] = [camera["zones"][0] | {"polygon": full}]
            rule["threshold_s"] = PASSING_S
        for number, zone in enumerate(camera["zones"]):
            zone["id"] = f"{name}-{number}"
        camera |= {
            "id": name,
            "url": str(data.clip(clip).resolve()),
            "starts_at": "2026-03-02T08:00:00Z",
            "views": VIEWS.get(clip, "whole"),
        }
        rule |= {"id": f"stay-{name}"}
        rule["condition"]["present"]["zones"] = [zone["id"] for zone in camera["zones"]]
        whole["cameras"].append(camera)
        whole["rules"].append(rule)
    return whole


Pair = tuple[np.ndarray, np.ndarray]


def _pictures(vault: Vault, evidence_id: str, names: Mapping[str, str]) -> Iterator[Pair]:
    for name, role in sorted(names.items()):
        original = name.replace(".masked.", ".")
        if role == "masked snapshot" and original in names:
            yield (
                _decode(vault.read_bytes(evidence_id, original)),
                _decode(vault.read_bytes(evidence_id, name)),
            )


def _decode(jpeg: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise WrongOutputs(f"a sealed picture of {len(jpeg)} bytes cannot be decoded")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))


def _clip_frames(vault: Vault, evidence_id: str, folder: Path) -> Iterator[Pair]:
    """Yield frames of each clip and of its masked copy that show the same moment."""
    for masked in sorted((vault.folder_of(evidence_id) / ADDED).glob("*.masked.mp4")):
        original = folder / "original.mp4"
        vault.copy_out(evidence_id, masked.name.replace(".masked.", "."), original)
        copies = _frames(masked)
        at_copy_s, copy = next(copies)
        last_s = -LOOK_EVERY_S
        for at_s, image in _frames(original):
            while at_copy_s < at_s - SAME_MOMENT_S:
                at_copy_s, copy = next(copies, (float("inf"), copy))
            if at_s - last_s >= LOOK_EVERY_S and abs(at_copy_s - at_s) <= SAME_MOMENT_S:
                last_s = at_s
                yield image, copy


def _frames(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield float(frame.time or 0), frame.to_ndarray(format="rgb24")


def _enlarge(picture: np.ndarray, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
    """Enlarge something and what is around it, square."""
    reach = 2 * max(x2 - x1, y2 - y1)
    x, y = (x1 + x2) // 2, (y1 + y2) // 2
    around = picture[max(0, y - reach) : y + reach, max(0, x - reach) : x + reach]
    return np.asarray(cv2.resize(around, (SHEET_WIDTH_PX // 2, SHEET_WIDTH_PX // 2)))


def _write_sheets(kind: str, pictures: list[np.ndarray]) -> None:
    """Write all masked pictures, twelve a sheet."""
    folder = RESULTS.parent / "faces"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{kind}-[0-9]*.jpg"):
        old.unlink()
    a_sheet = 4 * SHEET_COLUMNS
    for start in range(0, len(pictures), a_sheet):
        tiles = pictures[start : start + a_sheet]
        high = max(tile.shape[0] for tile in tiles)
        padded = [np.pad(tile, ((0, high - tile.shape[0]), (0, 0), (0, 0))) for tile in tiles]
        padded += [np.zeros_like(padded[0])] * (-len(padded) % SHEET_COLUMNS)
        rows = [
            np.hstack(padded[row : row + SHEET_COLUMNS])
            for row in range(0, len(padded), SHEET_COLUMNS)
        ]
        path = folder / f"{kind}-{start // a_sheet:02}.jpg"
        cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
    if pictures:
        terminal.print(f"for the eye: {folder}/{kind}-00.jpg and on")


def _tile(picture: np.ndarray) -> np.ndarray:
    height = round(picture.shape[0] * SHEET_WIDTH_PX / picture.shape[1])
    return np.asarray(cv2.resize(picture, (SHEET_WIDTH_PX, height), interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    sys.exit(main())
