"""Is tampering found within 5 s, and how often is it seen where there is none?

The sample clip is tampered with in the ways of its tests, and partly covered; with
FOREWARN_EVAL_DATA=FOLDER, six clips of FOLDER/clips are partly covered as well, by day and darkened, and
all are judged as they are: those with "tamper" in their name by what FOLDER/TIMELINE.json says of their
camera, all others as clips in which nothing may be found.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import ROOT, Result, Tell, quiet
from benchmarks.tampering import CHANGES, HARMLESS, PARTLY, Change, darkened
from domain.errors import Stop
from domain.picture_digest import CELL_SIDE
from domain.site.cameras import Camera
from flows.camera_health.picture_health import PictureHealth
from flows.detection.picture_digest import look_at
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.sample_queue import Sample, SampleQueue

NAME = "tamper_found"
PARTS_NAME = "tamper_parts_found"
FALSE_NAME = "tamper_false_per_clip_hour"
UNFIT_NAME = "tamper_unfit_h_per_clip_hour"
NOTICED_WITHIN_S = 5.0
FROM_S, TO_S = 20.0, 32.0
SAMPLE = ROOT / "samples" / "crossing.mp4"
# scenes from above and from the side, with much and with next to no detail; long enough for a fault
PARTLY_COVERED = (
    "car_lane.mp4",
    "counter_a.mp4",
    "highway_overhead.avi",
    "motorway_cyclist.avi",
    "pets_s2l1_a.mp4",
    "street_lights.mp4",
)
COVERED_S = 6.0

Frame = tuple[float, np.ndarray]  # seconds of the clip, (300, 300, 3) uint8
Spell = tuple[float, float]


@dataclass
class Tally:
    """What was found over all clips."""

    spells: int = 0
    found: int = 0
    false_alarms: int = 0
    clean_s: float = 0.0
    unfit_s: float = 0.0  # of sound footage
    slowest_s: float = 0.0

    def judge(self, frames: Iterator[Frame], spells: list[Spell]) -> None:
        """Count one clip; an alarm counts as false where no spell is, or one ended long before."""
        alarms, unfit_s, last_s = _alarms(frames)
        self.unfit_s += 0.0 if spells else unfit_s
        self.clean_s += last_s - sum(min(to_s, last_s) - from_s for from_s, to_s in spells)
        for from_s, to_s in spells:
            late_s = [at_s - from_s for at_s in alarms if from_s <= at_s < to_s]
            self.spells += 1
            if late_s and min(late_s) <= NOTICED_WITHIN_S:
                self.found += 1
                self.slowest_s = max(self.slowest_s, min(late_s))
        self.false_alarms += sum(
            not any(from_s <= at_s < to_s for from_s, to_s in spells) for at_s in alarms
        )


def measure(*, long: bool = False, tell: Tell = quiet) -> list[Result]:
    """Measure the shares of spells and of part covers found, false alarms, and hours unfit without a fault."""
    del long  # there is only one length
    made, tally = Tally(), Tally()
    frames = list(read(SAMPLE))
    for name, change in CHANGES.items():
        tell(f"the sample clip, {name}")
        made.judge(_changed(frames, change), [(FROM_S, TO_S)])
    for name, change in HARMLESS.items():
        tell(f"the sample clip, {name}")
        tally.judge(_changed(frames, change), [])
    clips = list(_evaluation_clips())
    for clip, spells in clips:
        tell(clip.name)
        tally.judge(read(clip), spells)
    parts = _cover_parts(
        [SAMPLE, *(clip for clip, _ in clips if clip.name in PARTLY_COVERED)], tell
    )
    conditions = {
        "clips": [clip.name for clip, _ in clips] or "the sample clip only",
        "made": [*CHANGES, *HARMLESS],
        "noticed_within_s": NOTICED_WITHIN_S,
    }
    result = Result(
        name=NAME,
        value=(made.found + tally.found) / (made.spells + tally.spells),
        unit="of spells",
        must=1.0,
        aim=1.0,
        better="higher",
        conditions=conditions,
        machine=describe_machine(),
        commit=describe_commit(),
        also={
            "spells": made.spells + tally.spells,
            "slowest_s": round(max(made.slowest_s, tally.slowest_s), 2),
            "cpu_ms_a_look": round(_cost_ms(frames), 3),
        },
    )
    clean_h = (made.clean_s + tally.clean_s) / 3600
    false_alarms = made.false_alarms + tally.false_alarms
    false = replace(
        result,
        name=FALSE_NAME,
        value=false_alarms / clean_h,
        unit="alarms an hour of clips",
        must=0.0,
        aim=0.0,
        better="lower",
        also={"alarms": false_alarms, "clip_hours": round(clean_h, 3)},
    )
    unfit_h = tally.unfit_s / 3600 / clean_h
    unfit = replace(false, name=UNFIT_NAME, value=unfit_h, unit="hours unfit an hour of clips")
    of_parts = replace(
        result,
        name=PARTS_NAME,
        value=sum(parts.values()) / len(parts),
        must=0.9,
        conditions=conditions
        | {
            "made": [*PARTLY],
            "light": ["as filmed", "darkened"],
            "missed": [name for name, is_found in parts.items() if not is_found],
        },
        also={"covers": len(parts), "found": sum(parts.values())},
    )
    return [result, of_parts, false, unfit]


def _cover_parts(clips: list[Path], tell: Tell) -> dict[str, bool]:
    """Cover a part of each clip in each way, by day and at dusk; tell which were found within 5 s, and where they were."""
    found = {}
    for clip in clips:
        day = list(read(clip))
        from_s = max(0.4 * (day[-1][0] - COVERED_S), 5.0)
        shown = [frame for frame in day if frame[0] < from_s + COVERED_S]
        dusk = [(at_s, darkened(picture, at_s)) for at_s, picture in shown]
        for light, frames in {"": shown, ", darkened": dusk}.items():
            for name, change in PARTLY.items():
                what = f"{clip.name}{light}, {name}"
                tell(what)
                found[what] = _is_noticed(frames, change, from_s)
    return found


def _is_noticed(frames: list[Frame], change: Change, from_s: float) -> bool:
    """Tell whether what the change hides is known to be hidden within 5 s, and not before."""
    is_there = hidden_by(change)
    noticed = [
        at_s
        for at_s, health in _judged(
            (at_s, change(picture.copy(), at_s - from_s) if at_s >= from_s else picture)
            for at_s, picture in frames
        )
        if health.faults or (health.hidden & is_there).any()
    ]
    return bool(noticed) and from_s <= noticed[0] <= from_s + NOTICED_WITHIN_S


def hidden_by(change: Change) -> np.ndarray:
    """Return (20, 20) bool: the cells that a change touches."""
    stripes = np.indices((300, 300)).sum(axis=0) % 2 * np.uint8(255)
    picture = stripes.astype(np.uint8)[..., None].repeat(3, axis=2)
    differs = np.abs(change(picture.copy(), 0.0).astype(np.float32) - picture).max(axis=2)
    share = cv2.resize(differs, (CELL_SIDE, CELL_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 8.0)


def read(clip: Path) -> Iterator[Frame]:
    """Read the clip as the detector gets it, by the flow's own reader, 5 pictures a second."""
    queue = SampleQueue(100_000, drops_oldest=False)
    title = {"zh": "片段", "en": "clip"}
    camera = Camera.model_validate({"id": "clip", "title": title, "url": str(clip)})
    CameraReader(camera, ROOT, Playback(until_end=True), queue).run()
    samples = [item for item in queue.drain(100_000) if isinstance(item, Sample)]
    if not samples:
        raise Stop(f"{clip}: needs a clip that can be decoded, got no frame")
    for sample in samples:
        yield sample.frame.stamp.media_time_s, sample.frame.image_rgb


def _judged(frames: Iterable[Frame]) -> Iterator[tuple[float, PictureHealth]]:
    """Yield the health after each picture that is looked at, 2.5 a second."""
    health, last_cell = PictureHealth(), -1
    for at_s, picture in frames:
        cell = int(at_s * 2.5 + 1e-3)
        if cell == last_cell:
            continue
        last_cell = cell
        health.step(look_at(picture), datetime.fromtimestamp(1.7e9 + at_s, UTC))
        yield at_s, health


def _alarms(frames: Iterator[Frame]) -> tuple[list[float], float, float]:
    """Return when faults came up, in the whole picture or a part, seconds with one, and the last frame's time."""
    alarms: list[float] = []
    had_fault, at_s, unfit_s = False, 0.0, 0.0
    for now_s, health in _judged(frames):
        unfit_s += now_s - at_s if had_fault else 0.0
        at_s = now_s
        has_fault = bool(health.faults) or bool(health.hidden.any())
        if has_fault and not had_fault:
            alarms.append(at_s)
        had_fault = has_fault
    return alarms, unfit_s, at_s


def _changed(frames: list[Frame], change: Change) -> Iterator[Frame]:
    for at_s, picture in frames:
        is_in = FROM_S <= at_s < TO_S
        yield at_s, change(picture.copy(), at_s - FROM_S) if is_in else picture


def _evaluation_clips() -> Iterator[tuple[Path, list[Spell]]]:
    """Return clips of the evaluation folder with the spells in which they were tampered with."""
    given = os.environ.get("FOREWARN_EVAL_DATA")
    if given is None:
        return
    folder = Path(given)
    timelines = json.loads((folder / "TIMELINE.json").read_text("utf-8"))
    for clip in sorted((folder / "clips").iterdir()):
        told = [each for each in timelines.get(clip.name, []) if each.get("who") == "camera"]
        if "tamper" in clip.name and not told:
            raise Stop(f"{folder}/TIMELINE.json: needs the camera's spells of {clip.name}")
        yield clip, [(float(each["from_s"]), float(each["to_s"])) for each in told]


def _cost_ms(frames: list[Frame]) -> float:
    """Measure CPU of one look and its judgement."""
    health = PictureHealth()
    began_s = time.process_time()
    for at_s, picture in frames:
        health.step(look_at(picture), datetime.fromtimestamp(1.7e9 + at_s, UTC))
    return 1000 * (time.process_time() - began_s) / len(frames)
