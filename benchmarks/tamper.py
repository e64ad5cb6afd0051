"""Is tampering found within 5 s, and how often is it seen where there is none?

The sample clip is tampered with in the ways of its tests; with FOREWARN_EVAL_DATA=FOLDER, all clips in
FOLDER/clips are judged as well: those with "tamper" in their name by what FOLDER/TIMELINE.json says of
their camera, all others as clips in which nothing may be found.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.machine import describe_commit, describe_machine
from benchmarks.results import ROOT, Result, Tell, append, quiet
from benchmarks.tampering import CHANGES, HARMLESS, Change
from domain.errors import Stop
from domain.site import Camera
from flows.sources.camera_reader import CameraReader, Playback
from flows.sources.sample_queue import Sample, SampleQueue
from flows.steps.picture_health import PictureHealth
from flows.steps.picture_look import look_at

NAME = "tamper_found"
FALSE_NAME = "tamper_false_per_clip_hour"
NOTICED_WITHIN_S = 5.0
FROM_S, TO_S = 20.0, 32.0
SAMPLE = ROOT / "samples" / "crossing.mp4"

Frame = tuple[float, np.ndarray]  # seconds of the clip, (300, 300, 3) uint8
Spell = tuple[float, float]


@dataclass
class Tally:
    """What was found over all clips."""

    spells: int = 0
    found: int = 0
    false_alarms: int = 0
    clean_s: float = 0.0
    slowest_s: float = 0.0

    def judge(self, frames: Iterator[Frame], spells: list[Spell]) -> None:
        """Count one clip; an alarm counts as false where no spell is, or one ended long before."""
        alarms, last_s = _alarms(frames)
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


def measure(*, long: bool = False, tell: Tell = quiet) -> Result:
    """Appends the false alarms as a result of their own; gives the share of spells found."""
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
    false_alarms = made.false_alarms + tally.false_alarms
    clean_h = (made.clean_s + tally.clean_s) / 3600
    append(
        replace(
            result,
            name=FALSE_NAME,
            value=false_alarms / clean_h,
            unit="alarms an hour of clips",
            must=0.0,
            aim=0.0,
            better="lower",
            also={"alarms": false_alarms, "clip_hours": round(clean_h, 3)},
        )
    )
    return result


def read(clip: Path) -> Iterator[Frame]:
    """The clip as the detector gets it, by the flow's own reader, 5 pictures a second."""
    queue = SampleQueue(100_000, drops_oldest=False)
    title = {"zh": "片段", "en": "clip"}
    camera = Camera.model_validate({"id": "clip", "title": title, "url": str(clip)})
    CameraReader(camera, ROOT, Playback(until_end=True), queue).run()
    samples = [item for item in queue.drain(100_000) if isinstance(item, Sample)]
    if not samples:
        raise Stop(f"{clip}: needs a clip that can be decoded, got no frame")
    for sample in samples:
        yield sample.frame.stamp.media_time_s, sample.frame.image_rgb


def _alarms(frames: Iterator[Frame]) -> tuple[list[float], float]:
    """When faults came up, and the time of the last frame."""
    health, last_cell, at_s = PictureHealth(), -1, 0.0
    alarms: list[float] = []
    had_fault = False
    for at_s, picture in frames:
        cell = int(at_s * 2.5 + 1e-3)
        if cell == last_cell:
            continue
        last_cell = cell
        faults = health.step(look_at(picture), datetime.fromtimestamp(1.7e9 + at_s, UTC))
        if faults and not had_fault:
            alarms.append(at_s)
        had_fault = bool(faults)
    return alarms, at_s


def _changed(frames: list[Frame], change: Change) -> Iterator[Frame]:
    for at_s, picture in frames:
        is_in = FROM_S <= at_s < TO_S
        yield at_s, change(picture.copy(), at_s - FROM_S) if is_in else picture


def _evaluation_clips() -> Iterator[tuple[Path, list[Spell]]]:
    """Clips of the evaluation folder with the spells in which they were tampered with."""
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
    """CPU of one look and its judgement."""
    health = PictureHealth()
    began_s = time.process_time()
    for at_s, picture in frames:
        health.step(look_at(picture), datetime.fromtimestamp(1.7e9 + at_s, UTC))
    return 1000 * (time.process_time() - began_s) / len(frames)
