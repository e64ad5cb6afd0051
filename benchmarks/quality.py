"""How well people are followed on clips with a known truth: `python -m benchmarks.quality`.

The clips are named by --data or FOREWARN_EVAL_DATA. What the detector sees on them is asked of a
real Triton server once and kept under var/eval. Results are appended to var/bench/results.jsonl.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks import quality_alike
from benchmarks.quality_footage import STARTS_AT, EvalData, Truth
from benchmarks.quality_naming import SAME_PERSON, Naming, name
from benchmarks.quality_result import FPS, MIN_SCORE, RULES_S, quality_result
from benchmarks.quality_sights import detect_all, sampled_frames
from benchmarks.quality_stays import (
    VIEWS,
    ZONES,
    StayMarks,
    automatic_views,
    climb,
    compare,
    site_for,
    thinned,
    tracked_truth,
)
from benchmarks.quality_tracking import Named, peers, score
from benchmarks.results import Result, append
from benchmarks.run import tell
from domain.detections import Detections
from domain.errors import ForewarnError
from domain.tracks import TrackedFrame
from flows.steps.track import CameraTracker
from flows.subjects.colours import with_appearances

FRAME_RATES = {"pets_s2l1_a": 10.0, "tud_campus": 25.0}
TRUTH_OF = {"counter_a_dark": "counter_a"}  # the same footage, darkened
OTHER_FPS = (10.0, 2.5)

terminal = Console(stderr=True, highlight=False, soft_wrap=True)


def main(argv: list[str] | None = None) -> int:
    """Measure, tell, append; 1 where something misses its must."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of clips, gt and TIMELINE.json")
    try:
        data = EvalData.find(parser.parse_args(argv).data)
        names = sorted({*ZONES, *FRAME_RATES})
        terminal.print("looking at the clips; the first time takes some minutes")
        seen = detect_all(data, dict.fromkeys(names, ()))
        results = measure_tracking(data, seen)
        terminal.print("stays, as a camera comes (automatic views):")
        looks = detect_all(data, {clip: automatic_views(data, clip) for clip in ZONES})
        default = measure_stays(data, looks)
        others = {}
        for fps in OTHER_FPS:
            terminal.print(f"the same at {fps:g} frames a second:")
            others[f"{fps:g} fps"] = measure_stays(data, looks, fps)
        terminal.print("stays, with views drawn by hand:")
        others["views by hand"] = measure_stays(data, detect_all(data, VIEWS))
        terminal.print("stays, the whole picture looked at as one:")
        others["whole picture"] = measure_stays(data, seen)
        for row, each in enumerate(default):
            also = {words: them[row].value for words, them in others.items()}
            results.append(replace(each, also=also))
        results += measure_retrieval(data)
    except ForewarnError as error:
        terminal.print(f"[red]error:[/red] {error}")
        return error.exit_code
    for result in results:
        append(result)
        terminal.print(result.name)
        tell(result, 0)
    return 0 if all(result.reaches_must for result in results) else 1


def follow(seen: Sequence[Detections], fps: float) -> list[TrackedFrame]:
    """What the watch flow's tracker makes of it."""
    tracker = CameraTracker(fps, MIN_SCORE)
    told = [tracker.update(each) for each in seen]
    return [each for each in told if each is not None]


def measure_tracking(data: EvalData, seen: dict[str, list[Detections]]) -> list[Result]:
    """Each clip, on our detections and on those that the data set gives to everybody."""
    results = []
    for clip, fps in FRAME_RATES.items():
        for source, given in (("ours", seen[clip]), ("public", _public(data, clip, seen[clip]))):
            results += _beside_peers(f"{clip}_{source}", data.truth(clip), given, fps)
    return results


def _public(data: EvalData, clip: str, seen: Sequence[Detections]) -> list[Detections]:
    """The data set's boxes, described by the clip's own pictures."""
    frames, boxes, scores = data.public_boxes(clip)
    told = []
    for row, (each, frame) in enumerate(zip(seen, sampled_frames(data, clip), strict=True)):
        mine = frames == row
        public = Detections(
            frame=each.frame,
            boxes_xyxy=boxes[mine].astype(np.float32),
            scores=scores[mine].astype(np.float32),
            class_ids=np.ones(int(mine.sum()), np.int64),
        )
        told.append(with_appearances(public, frame))
    return told


def _beside_peers(
    where: str, truth: Truth, given: Sequence[Detections], fps: float
) -> list[Result]:
    marks = {
        "forewarn": score(truth, [Named(e.boxes_xyxy, e.track_ids) for e in follow(given, fps)])
    }
    marks |= {peer: score(truth, run(given)) for peer, run in peers(fps).items()}
    for who, each in marks.items():
        terminal.print(f"  {where:20} {who:26} {each}")
    unmodified = [marks["ByteTrack"], marks["OC-SORT"]]
    return [
        quality_result(
            f"quality_{where}_{metric}_gain",
            getattr(marks["forewarn"], metric) - max(getattr(each, metric) for each in unmodified),
            f"points of {metric.upper()} over the better of ByteTrack and OC-SORT, unmodified",
            must=0,
            aim=5 if metric == "idf1" else 0,
            better="higher",
            also={
                f"{who}: {field}": round(float(value), 2)
                for who, each in marks.items()
                for field, value in asdict(each).items()
            },
        )
        for metric in ("mota", "idf1", "hota")
    ]


def measure_stays(
    data: EvalData, seen: dict[str, list[Detections]], fps: float = FPS
) -> list[Result]:
    """Offences, their length, who is who, on the clips with timelines."""
    marks, merged, returns, again = StayMarks(), set[str](), list[bool](), list[bool]()
    for clip in ZONES:
        frames = thinned(seen[clip], fps)
        given = [seen[clip][frame] for frame in frames]
        truth = data.truth(TRUTH_OF.get(clip, clip), with_set_aside=True)
        tracked = follow(given, fps)
        naming = name(truth, tracked, frames)
        for threshold_s in RULES_S:
            site = site_for(clip, threshold_s)
            expected = climb(site, tracked_truth(truth, given, frames))
            marks.add(
                compare(expected, climb(site, tracked), naming, f"{clip}, {threshold_s:.0f} s")
            )
        pairs = naming.merged_pairs(1 / fps, SAME_PERSON.get(clip, {}))
        merged |= {f"{clip}: {one} and {other}" for one, other in pairs}
        if clip == "repeat_visit_a":
            returns = [_is_recognised(naming, person=1, after_s=40.0)]
        again += [
            bool(naming.numbers_of(later) & naming.numbers_of(earlier))
            for later, earlier in SAME_PERSON.get(clip, {}).items()
        ]
    for words, lines in (
        ("missed", marks.missed),
        ("not so", marks.invented),
        ("merged", sorted(merged)),
    ):
        for line in lines:
            terminal.print(f"  {words}: {line}")
    terminal.print(
        f"  stays: {marks.expected} true, {marks.found} found, {marks.matched} of them true; "
        f"who left the picture and came in again: {sum(again)} of {len(again)} recognised"
    )
    errors_s = marks.dwell_errors_s or [float("inf")]
    return [
        quality_result("quality_offence_precision", marks.precision, "share", 0.90, 0.98, "higher"),
        quality_result("quality_offence_recall", marks.recall, "share", 0.90, 0.98, "higher"),
        quality_result("quality_dwell_median", float(np.median(errors_s)), "s of error", 0.6, 0.3),
        quality_result(
            "quality_dwell_p95", float(np.percentile(errors_s, 95)), "s of error", 2.0, 1.0
        ),
        quality_result(
            "quality_second_first_warnings", marks.second_warnings, "of one visit", 0, 0
        ),
        quality_result("quality_merged_people", len(merged), "pairs of people", 0, 0),
        quality_result(
            "quality_returns_recognised", float(np.mean(returns)), "share", 1, 1, "higher"
        ),
    ]


def measure_retrieval(data: EvalData) -> list[Result]:
    """Whether a search for somebody's picture finds the same person first."""
    told = quality_alike.measure(data)
    for way, marks in told.items():
        for clip, each in marks.items():
            terminal.print(
                f"  {way:14} {clip:15} AUC {each.auc:.3f}  rank-1 {each.rank_1:.2f}  "
                f"({each.queries} queries)"
            )
    both = told["combined"]["all"]
    also = {f"{way}: AUC": round(marks["all"].auc, 3) for way, marks in told.items()}
    also |= {f"{way}: rank-1": round(marks["all"].rank_1, 3) for way, marks in told.items()}
    return [
        quality_result("quality_retrieval_auc", both.auc, "area", 0, 0.95, "higher", also),
        quality_result("quality_retrieval_rank_1", both.rank_1, "share", 0, 0.95, "higher"),
    ]


def _is_recognised(naming: Naming, person: int, after_s: float) -> bool:
    """Whether a number that was on somebody before that moment of the clip is so again."""
    moment_s = STARTS_AT.timestamp() + after_s
    return any(
        any(who == person and at_s < moment_s for at_s, who in seen)
        and any(who == person and at_s >= moment_s for at_s, who in seen)
        for seen in naming.people.values()
    )


if __name__ == "__main__":
    sys.exit(main())
